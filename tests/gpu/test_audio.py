"""Tiny models that hear as they are built, on Dawn by their plans."""

from __future__ import annotations

from pathlib import Path

import pytest
from built_model import VARIANTS, Built
from device import Device
from plan_runner import PlanRunner

from hearing import HEARING, Hearing
from packed_model import EXACT, PackedModel
from towers import CODES, cosines, difference
from webllm_build.compile.target import Variant

pytestmark = pytest.mark.usefixtures("soon_compiled")


def runner(gpu: Device, packed: PackedModel, variants: tuple[Variant, ...]) -> PlanRunner:
    built = Built.of_packed(packed, variants, ("encode_audio",))
    return PlanRunner(gpu, built.library, variants[0].name, built.buffers)


@pytest.mark.parametrize("family", HEARING)
def test_vectors_are_those_of_transformers(gpu: Device, tmp_path: Path, family: str) -> None:
    hearing = Hearing.of(family, tmp_path)
    made = runner(gpu, hearing.packed(EXACT), VARIANTS[2:3])
    for sound, expected in hearing.sounds:
        assert difference(made.hear(sound.frames, sound.present), expected) < 1e-4


@pytest.mark.parametrize("family", HEARING)
def test_codes_stay_near_without_subgroups(gpu: Device, tmp_path: Path, family: str) -> None:
    hearing = Hearing.of(family, tmp_path)
    made = runner(gpu, hearing.packed(CODES), VARIANTS[1:2])
    for sound, expected in hearing.sounds:
        assert cosines(made.hear(sound.frames, sound.present), expected).min() > 0.99
