"""Makes runtime_js/test/golden/sounds.json: what transformers makes of sounds.

Run by hand when a feature extractor is added, in an environment with transformers 5, torch, torchvision and soxr:

    python tests/golden/make_sounds.py

`files` and `config` are a model's, `settings` what our manifest has for them (written by hand), `cases` lengths of a sound with its prompt,
the number of frames and every so-manieth of their numbers, `rates` what soxr, by which transformers resamples, makes of a sound at other
rates, and the extractor of that. Samples follow from a formula (`sound`), which the runtime's test knows, too.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr
from transformers.models.gemma4.feature_extraction_gemma4 import Gemma4AudioFeatureExtractor
from transformers.models.gemma4.processing_gemma4 import Gemma4Processor

OUT = Path(__file__).resolve().parents[2] / "runtime_js" / "test" / "golden" / "sounds.json"
RATE, EVERY = 16_000, 37

FILES: dict[str, Any] = {
    "dither": 0.0,
    "feature_extractor_type": "Gemma4AudioFeatureExtractor",
    "feature_size": 128,
    "fft_overdrive": False,
    "frame_length_ms": 20.0,
    "hop_length_ms": 10.0,
    "input_scale_factor": 1.0,
    "max_frequency": 8000.0,
    "mel_floor": 0.001,
    "min_frequency": 0.0,
    "padding_value": 0.0,
    "per_bin_mean": None,
    "per_bin_stddev": None,
    "preemphasis": 0.0,
    "sampling_rate": RATE,
}
TOKENS = {"7": "<|audio>", "8": "<audio|>", "9": "<|audio|>"}
SETTINGS = {
    "kind": "gemma4", "placeholder": "<|audio|>", "audio": "<|audio|>", "before": "<|audio>", "after": "<audio|>",
    "rate": RATE, "bins": 128, "frame": 320, "hop": 160, "fft": 512, "low": 0.0, "high": 8000.0, "floor": 0.001, "seconds": 30.0,
}


def sound(length: int, rate: int = RATE) -> npt.NDArray[np.float32]:
    """A tone that rises, one that stays, and something like noise."""
    i = np.arange(length)
    t = i / rate
    noise = ((i * 7919 + i * i % 127 * 31) % 1000 / 500 - 1) * 0.05
    return (0.4 * np.sin(2 * np.pi * (220 + 300 * t) * t) + 0.2 * np.sin(2 * np.pi * 1750 * t) + noise).astype(np.float32)


def case(extractor: Gemma4AudioFeatureExtractor, length: int) -> dict[str, Any]:
    inputs = extractor([sound(length)], return_tensors="np")
    mask = inputs["input_features_mask"][0]
    names = SimpleNamespace(boa_token=TOKENS["7"], eoa_token=TOKENS["8"], audio_token=TOKENS["9"])
    prompt = Gemma4Processor.replace_audio_token(names, inputs, 0)
    features = inputs["input_features"][0][mask].flatten()
    tokens = prompt.count(TOKENS["9"])
    counted = prompt.replace(TOKENS["9"] * tokens, f"{TOKENS['9']}*{tokens}")
    some = [round(float(value), 6) for value in features[::EVERY]]
    return {"length": length, "frames": int(mask.sum()), "prompt": counted, "some": some}


def main() -> None:
    extractor = Gemma4AudioFeatureExtractor(**FILES)
    rates = {}
    for rate in (8000, 11_025, 12_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000):
        resampled = soxr.resample(sound(rate // 5, rate), rate, RATE, quality="HQ")
        features = extractor([resampled], return_tensors="np")["input_features"][0].flatten()
        made = {"some": resampled, "features": features}
        rates[rate] = {"length": len(resampled)} | {name: [round(float(value), 6) for value in made[name][::EVERY]] for name in made}
    config = {"model_type": "gemma4", "boa_token_id": 7, "eoa_token_index": 8, "audio_token_id": 9, "audio_config": {}}
    known = {"config": config, "files": {"processor_config.json": {"feature_extractor": FILES}}, "tokens": TOKENS, "settings": SETTINGS}
    cases = [case(extractor, length) for length in (161, 480, 3200, 12_345)]
    OUT.write_text(json.dumps({**known, "every": EVERY, "cases": cases, "rates": rates}) + "\n", "utf-8")


if __name__ == "__main__":
    main()
