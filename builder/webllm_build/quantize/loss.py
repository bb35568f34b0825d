"""What weights of a quantized file lose where they are encoded again: root of the squared error, relative to the weights'.

Measured on blocks of random codes and usual scales (tests/null/test_quantize_loss.py), which lose as much as those of models: Q6_K of
Gemma 3 270M loses 0.46 % in q8. What an encoding itself has lost adds in squares: some 35 % at 2 bits, 17 at 3, 8 at 4, 4 at 5, 2 at 6.
"""

from __future__ import annotations

from collections.abc import Mapping

# By scheme and encoding, where codes are not kept.
LOSSES: Mapping[str, Mapping[str, float]] = {
    "q4": {
        "iq1_m": 0.057, "iq1_s": 0.022, "iq2_s": 0.073, "iq2_xs": 0.072, "iq2_xxs": 0.057, "iq3_s": 0.075, "iq3_xxs": 0.075,
        "iq4_nl": 0.061, "iq4_xs": 0.061, "mxfp4": 0.072, "nvfp4": 0.086, "q2_k": 0.06, "q3_k": 0.049, "q4_1": 0.058, "q4_k": 0.057,
        "q5_0": 0.06, "q5_1": 0.06, "q5_k": 0.055, "q6_k": 0.069, "q8_0": 0.059,
    },
    "q4a": {
        "iq1_m": 0.049, "iq1_s": 0.04, "iq2_s": 0.052, "iq2_xs": 0.053, "iq2_xxs": 0.022, "iq3_s": 0.04, "iq3_xxs": 0.035,
        "iq4_nl": 0.054, "iq4_xs": 0.054, "mxfp4": 0.065, "nvfp4": 0.075, "q1_0": 0.00026, "q2_k": 0.035, "q3_k": 0.055,
        "q4_0": 0.022, "q5_0": 0.052, "q5_1": 0.05, "q5_k": 0.027, "q6_k": 0.062, "q8_0": 0.054, "tq1_0": 0.037, "tq2_0": 0.00024,
    },
    "q8": {
        "iq1_m": 0.0029, "iq1_s": 0.0014, "iq2_s": 0.0043, "iq2_xs": 0.0044, "iq2_xxs": 0.0038, "iq3_s": 0.0043, "iq3_xxs": 0.0039,
        "nvfp4": 0.0051, "q2_k": 0.0035, "q3_k": 0.0029, "q4_1": 0.0035, "q4_k": 0.0034, "q5_1": 0.0036, "q5_k": 0.0035, "q6_k": 0.0039,
    },
}
