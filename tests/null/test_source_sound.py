"""Settings of feature extractors, from the files of models to a manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from webllm_build.errors import MalformedFile, MissingFile, SourceError, UnsupportedArchitecture
from webllm_build.source.sound import read_sound

GOLDEN: Mapping[str, Any] = json.loads((Path(__file__).parents[2] / "runtime_js/test/golden/sounds.json").read_text("utf-8"))


def read(**changes: object) -> Mapping[str, object]:
    """changes: of the extractor's keys; Ellipsis leaves one out."""
    said = {**GOLDEN["files"]["processor_config.json"]["feature_extractor"], **changes}
    files = {"processor_config.json": {"feature_extractor": {key: value for key, value in said.items() if value is not ...}}}
    return read_sound(GOLDEN["config"], files, lambda token: str(GOLDEN["tokens"][str(token)]))


def test_settings_follow_from_files() -> None:
    """As they are written by hand beside what transformers makes by them (tests/golden/make_sounds.py)."""
    assert read() == GOLDEN["settings"]
    assert read(sampling_rate=..., frame_length_ms=..., mel_floor=None) == GOLDEN["settings"]


@pytest.mark.parametrize(
    ("changes", "error", "told"),
    [
        ({"feature_extractor_type": "WhisperFeatureExtractor"}, UnsupportedArchitecture, "'WhisperFeatureExtractor' is not made here"),
        ({"preemphasis": 0.97}, UnsupportedArchitecture, r"preemphasis is 0\.97"),
        ({"per_bin_mean": [1.0]}, UnsupportedArchitecture, "per_bin_mean is"),
        ({"sampling_rate": 10**9}, MalformedFile, "rate of a sound is 1000000000"),
        ({"sampling_rate": "16000"}, MalformedFile, "sampling_rate is not a whole number"),
        ({"hop_length_ms": 0.0}, MalformedFile, "one each 0, cannot be"),
        ({"feature_size": 10**6}, MalformedFile, "bins of a sound"),
        ({"max_frequency": 9000.0}, MalformedFile, "to 9000.0 hertz cannot be"),
        ({"mel_floor": float("nan")}, MalformedFile, "floor of a sound is nan"),
    ],
)
def test_what_cannot_be_is_refused(changes: Mapping[str, object], error: type[SourceError], told: str) -> None:
    with pytest.raises(error, match=told) as caught:
        read(**changes)
    assert caught.value.hint


def test_a_model_without_the_file_says_which() -> None:
    with pytest.raises(MissingFile, match=r"preprocessor_config\.json"):
        read_sound(GOLDEN["config"], {}, str)
