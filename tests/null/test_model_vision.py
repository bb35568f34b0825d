"""Every family that sees, run on NumPy operators, against what the transformers library says."""

from __future__ import annotations

from pathlib import Path

import pytest

from towers import TOWERS, Seeing, difference
from webllm_build.model.numpy_operators import NumpyOperators
from webllm_build.model.vision.numpy_tower import vectors


@pytest.mark.parametrize("family", TOWERS)
def test_it_computes_what_transformers_does(tmp_path: Path, family: str) -> None:
    seeing = Seeing.of(family, tmp_path)
    assert difference(vectors(seeing.vision.tower, seeing.vision.checkpoint, seeing.pictures), seeing.vectors) < 1e-5
    operators = NumpyOperators(seeing.text, seeing.model.norm_eps, seeing.tokens, vectors=seeing.rows, positions=seeing.positions)
    assert difference(seeing.model.logits(operators, seeing.model.hidden(operators)), seeing.logits) < 1e-5
