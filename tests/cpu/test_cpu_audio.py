"""Tiny models that hear, by the CPU's kernels."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_cpu_families import build

from hearing import HEARING, Hearing
from packed_model import EXACT
from towers import CODES, cosines, difference
from webllm_build.compile.cpu.variant import EXACT as FLOAT, INTEGER


@pytest.mark.parametrize("family", HEARING)
def test_vectors_are_those_of_transformers(tmp_path: Path, family: str) -> None:
    hearing = Hearing.of(family, tmp_path / "model")
    runner = build(tmp_path, hearing.packed(EXACT), "native", FLOAT, ("encode_audio",))
    for sound, expected in hearing.sounds:
        assert difference(runner.hear(sound.frames, sound.present), expected) < 1e-4


@pytest.mark.parametrize("family", HEARING)
def test_codes_stay_near(tmp_path: Path, family: str) -> None:
    hearing = Hearing.of(family, tmp_path / "model")
    runner = build(tmp_path, hearing.packed(CODES), "native", INTEGER, ("encode_audio",))
    for sound, expected in hearing.sounds:
        assert cosines(runner.hear(sound.frames, sound.present), expected).min() > 0.99
