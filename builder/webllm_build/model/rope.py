"""Inverse frequencies of rotary position embeddings, for the scaling kinds that Llama models use."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from webllm_build.errors import UnsupportedArchitecture

SCALING_KEYS: Mapping[str, frozenset[str]] = {
    "default": frozenset(),
    "linear": frozenset({"factor"}),
    "llama3": frozenset({"factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"}),
}


def inverse_frequencies(head_dim: int, theta: float, scaling: Mapping[str, object] | None) -> npt.NDArray[np.float64]:
    """Radians per position of each rotary pair: float64[head_dim / 2].

    `scaling` is config.json's rope_scaling. Formulas: theta ** (-2i / head_dim) (https://arxiv.org/abs/2104.09864);
    "llama3" divides low frequencies by `factor` and blends in between, as published with Llama 3.1.

    Raises:
        UnsupportedArchitecture: an unknown kind, or keys of the kind that are missing, unknown or not positive numbers.
    """
    inv_freq = theta ** (-np.arange(0, head_dim, 2, dtype=np.float64) / head_dim)
    if scaling is None:
        return inv_freq
    kind = scaling.get("rope_type", scaling.get("type", "default"))
    if not isinstance(kind, str) or kind not in SCALING_KEYS:
        raise UnsupportedArchitecture(
            f"rope_scaling in config.json has the kind {kind!r}", f"Supported kinds are {', '.join(SCALING_KEYS)}."
        )
    values = _numbers(scaling, SCALING_KEYS[kind])
    if kind == "linear":
        return inv_freq / values["factor"]
    if kind == "llama3":
        wavelength = 2 * math.pi / inv_freq
        low, high, original = values["low_freq_factor"], values["high_freq_factor"], values["original_max_position_embeddings"]
        blend = np.clip((original / wavelength - low) / (high - low), 0.0, 1.0)
        return (1 - blend) * inv_freq / values["factor"] + blend * inv_freq
    return inv_freq


def _numbers(scaling: Mapping[str, object], keys: frozenset[str]) -> dict[str, float]:
    given = set(scaling) - {"rope_type", "type", "rope_theta"}
    if given != keys:
        wrong = ", ".join(sorted(given ^ keys))
        raise UnsupportedArchitecture(
            f"rope_scaling in config.json lacks or does not know: {wrong}", f"Expected exactly: {', '.join(sorted(keys))}."
        )
    values: dict[str, float] = {}
    for key in keys:
        value = scaling[key]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
            raise UnsupportedArchitecture(f"rope_scaling.{key} in config.json is {value!r}", "It must be a positive number.")
        values[key] = float(value)
    return values
