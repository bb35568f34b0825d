"""Every family in both file formats, run on NumPy operators, against what the transformers library says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from families import FAMILIES, TOKENS, open_tiny, reference
from webllm_build.model import ARCHITECTURES, load_model
from webllm_build.model.numpy_operators import NumpyOperators


@pytest.mark.parametrize("format", ["hugging_face", "gguf"])
@pytest.mark.parametrize("family", FAMILIES)
def test_logits_equal_those_of_transformers(tmp_path: Path, family: str, format: str) -> None:
    checkpoint = open_tiny(family, format, tmp_path)
    model = load_model(checkpoint)
    operators = NumpyOperators(checkpoint, model.norm_eps, TOKENS)
    logits, expected = model.logits(operators, model.hidden(operators)), reference(family)
    assert np.linalg.norm(logits - expected) < 1e-5 * np.linalg.norm(expected)


@pytest.mark.parametrize("family", FAMILIES)
def test_its_description_is_that_of_its_shape(tmp_path: Path, family: str) -> None:
    """What a compiled library is kept under: the same in both formats, and no address of an object."""
    described = {load_model(open_tiny(family, format, tmp_path / format)).description for format in ("hugging_face", "gguf")}
    assert len(described) == 1
    assert " at 0x" not in described.pop()


def test_every_family_has_a_row() -> None:
    assert sorted(["llama", *FAMILIES]) == sorted(ARCHITECTURES)
