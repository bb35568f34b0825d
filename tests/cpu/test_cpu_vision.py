"""Tiny models that see, by the CPU's kernels: pictures through the tower, and a prompt with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from kernels import in_loops
from test_cpu_families import build

from made_tower import MadeTower
from packed_model import EXACT
from towers import CODES, LEAST, TOWERS, Seeing, cosines, difference
from webllm_build.compile.cpu.variant import EXACT as FLOAT, INTEGER, CpuVariant

TOWER_FUNCTIONS = ("encode_image", "project_image")
FUNCTIONS = ("prefill", "logits", *TOWER_FUNCTIONS)


@pytest.mark.parametrize("family", TOWERS)
def test_vectors_and_logits_are_those_of_transformers(tmp_path: Path, family: str) -> None:
    seeing = Seeing.of(family, tmp_path / "model")
    folders = [tmp_path / name for name in ("tower", "text")]
    for folder in folders:
        folder.mkdir()
    parts = zip(folders, seeing.packed(EXACT), strict=True)
    with in_loops():  # the test below has what is written out
        tower, text = (build(folder, packed, "native", FLOAT, FUNCTIONS) for folder, packed in parts)
    assert difference(tower.see(seeing.io, seeing.pictures.positions, seeing.group), seeing.vectors) < 1e-4
    assert difference(text.prefill(seeing.tokens, vectors=seeing.rows, positions=seeing.positions), seeing.logits[-1]) < 1e-4


@pytest.mark.parametrize("family", TOWERS)
def test_codes_stay_near(tmp_path: Path, family: str) -> None:
    seeing = Seeing.of(family, tmp_path / "model")
    tower, _ = seeing.packed(CODES)
    found = build(tmp_path, tower, "native", INTEGER, FUNCTIONS).see(seeing.io, seeing.pictures.positions, seeing.group)
    assert cosines(found, seeing.vectors).min() > LEAST.get(family, 0.998)


@pytest.mark.parametrize(("variant", "names", "least"), [(FLOAT, EXACT, 0.999999), (INTEGER, CODES, 0.998)], ids=["float", "integer"])
def test_heads_of_72_and_80(tmp_path: Path, variant: CpuVariant, names: Mapping[str, str], least: float) -> None:
    made = MadeTower.of_heads()
    found = build(tmp_path, made.packed(names), "native", variant, TOWER_FUNCTIONS).see(made.io, made.pictures.positions, 1)
    assert cosines(found, made.vectors).min() > least
