"""Tiny embedding models by the CPU's kernels: whole texts, shorter and longer than a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from machine import Array
from test_cpu_families import ENCODE, build

from families import ENCODERS, TOKENS, open_tiny, reference, vector_error
from packed_model import EXACT, PackedModel
from webllm_build.compile.cpu.variant import EXACT as FLOAT, INTEGER
from webllm_build.source.embedding import Embedding, Pooling

LENGTHS = (1, 7, 48, 150)
BESIDE = (7, 1, 48, 17, 33)  # of one call


def text(length: int) -> Sequence[int]:
    return (TOKENS * 4)[:length]


def difference(found: Array, expected: Array) -> float:
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


@pytest.mark.parametrize("family", ENCODERS)
def test_vectors_are_those_of_transformers(tmp_path: Path, family: str) -> None:
    packed = PackedModel.of(open_tiny(family, "hugging_face", tmp_path / "model"), EXACT)
    runner = build(tmp_path, packed, "native", FLOAT, ENCODE)
    assert difference(runner.encode(TOKENS, 9), reference(family).mean(0)) < vector_error(family)
    for sequence, length in enumerate(LENGTHS):
        assert difference(runner.encode(text(length), sequence), packed.vector(text(length), integer=False)) < 1e-5
    alone = [runner.encode(text(length), 10 + sequence) for sequence, length in enumerate(BESIDE)]
    together = runner.encode_texts([text(length) for length in BESIDE], 20)
    assert max(map(difference, together, alone)) < 1e-6


@pytest.mark.parametrize("family", ENCODERS)
def test_codes_stay_as_near_as_numpys(tmp_path: Path, family: str) -> None:
    packed = PackedModel.of(open_tiny(family, "hugging_face", tmp_path / "model"), dict.fromkeys(EXACT, "q8"))
    found = build(tmp_path, packed, "native", INTEGER, ENCODE).encode(TOKENS)
    with_codes, expected = (packed.vector(TOKENS, integer=integer) for integer in (True, False))
    assert difference(found, expected) < max(0.01, 1.5 * difference(with_codes, expected))


@pytest.mark.parametrize(("pooling", "of"), [("cls", lambda states: states[0]), ("last", lambda states: states[-1])])
def test_the_state_that_is_asked_for_counts(tmp_path: Path, pooling: Pooling, of: object) -> None:
    assert callable(of)
    checkpoint = replace(open_tiny("bert", "hugging_face", tmp_path / "model"), embedding=Embedding(pooling))
    found = build(tmp_path, PackedModel.of(checkpoint, EXACT), "native", FLOAT, ENCODE).encode(TOKENS)
    assert difference(found, of(reference("bert"))) < 1e-5
