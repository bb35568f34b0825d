"""Tiny embedding models as they are built, on Dawn by their plans: whole texts, shorter and longer than a page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from built_model import VARIANTS, Built
from device import Device
from plan_runner import PlanRunner

from families import ENCODERS, TOKENS, open_tiny, reference, vector_error
from packed_model import EXACT

BESIDE = (7, 1, 48, 17, 33)  # texts of one call

pytestmark = pytest.mark.usefixtures("soon_compiled")


def difference(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


@pytest.mark.parametrize("family", ENCODERS)
def test_vectors_are_those_of_transformers(gpu: Device, tmp_path: Path, family: str) -> None:
    built = Built.compiled(open_tiny(family, "hugging_face", tmp_path), EXACT, VARIANTS[2:])
    for variant in built.variants:
        runner = PlanRunner(gpu, built.library, variant, built.buffers)
        assert set(runner.variant.functions) == {"prefill", "encode"}
        assert difference(runner.encode(TOKENS)[0], reference(family).mean(0)) < vector_error(family)
        runner.start()
        longer = (TOKENS * 4)[:150]
        vector = runner.encode(longer)[0]
        assert difference(vector, built.vector(longer, integer=False)) < 1e-5
        alone = []
        for length in BESIDE:
            runner.start()
            alone.append(runner.encode(longer[:length])[0])
        runner.start()
        together = runner.encode_texts([longer[:length] for length in BESIDE])
        assert max(map(difference, together, alone)) < 1e-6


@pytest.mark.parametrize("family", ENCODERS)
def test_codes_stay_as_near_as_numpys(gpu: Device, tmp_path: Path, family: str) -> None:
    built = Built.compiled(open_tiny(family, "hugging_face", tmp_path), dict.fromkeys(EXACT, "q8"), VARIANTS[:1])
    found = PlanRunner(gpu, built.library, built.variants[0], built.buffers).encode(TOKENS)[0]
    with_codes, expected = (built.vector(TOKENS, integer=integer) for integer in (True, False))
    assert difference(found, expected) < max(0.01, 1.5 * difference(with_codes, expected))
