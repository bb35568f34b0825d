"""Tiny models that see as they are built, on Dawn by their plans: pictures through the tower, and a prompt with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from built_model import VARIANTS, Built
from device import Device
from naga import Naga
from plan_runner import PlanRunner

from made_tower import MadeTower
from packed_model import EXACT, PackedModel
from towers import CODES, LEAST, TOWERS, Seeing, cosines, difference
from webllm_build.compile.target import VARIANTS as ALL, Variant

pytestmark = pytest.mark.usefixtures("soon_compiled")


def runner(gpu: Device | Naga, packed: PackedModel, variants: tuple[Variant, ...]) -> PlanRunner:
    built = Built.of_packed(packed, variants, ("prefill", "logits", "encode_image", "project_image"))
    made = PlanRunner(gpu, built.library, variants[0].name, built.buffers)
    made.tile = None
    return made


@pytest.mark.parametrize("family", TOWERS)
def test_vectors_and_logits_are_those_of_transformers(gpu: Device, tmp_path: Path, family: str) -> None:
    seeing = Seeing.of(family, tmp_path)
    tower, text = (runner(gpu, packed, VARIANTS[2:3]) for packed in seeing.packed(EXACT))
    assert difference(tower.see(seeing.io, seeing.pictures.positions, seeing.group), seeing.vectors) < 1e-4
    assert difference(text.prefill(seeing.tokens, seeing.rows, seeing.positions), seeing.logits[-1]) < 1e-4


@pytest.mark.parametrize("family", TOWERS)
def test_codes_stay_near_without_subgroups(gpu: Device, tmp_path: Path, family: str) -> None:
    seeing = Seeing.of(family, tmp_path)
    found = runner(gpu, seeing.packed(CODES)[0], VARIANTS[1:2]).see(seeing.io, seeing.pictures.positions, seeing.group)
    assert cosines(found, seeing.vectors).min() > LEAST.get(family, 0.998)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_heads_of_72_and_80(gpu: Device, variant: Variant) -> None:
    made = MadeTower.of_heads()
    found = runner(gpu, made.packed(CODES if variant.integer else EXACT), (variant,)).see(made.io, made.pictures.positions, 1)
    assert cosines(found, made.vectors).min() > (0.998 if variant.integer else 0.999999)


def test_heads_of_72_and_80_in_float16(naga: Naga) -> None:
    """By Firefox's WebGPU, where a driver has shader-f16 (Debian's mesa-vulkan-drivers has)."""
    if not naga.f16:
        pytest.skip("no driver here has shader-f16")
    made = MadeTower.of_heads()
    variants = tuple(variant for variant in ALL if variant.name == "f16")
    found = runner(naga, made.packed(EXACT), variants).see(made.io, made.pictures.positions, 1)
    assert cosines(found, made.vectors).min() > 0.9999
