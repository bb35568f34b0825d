"""Every family as it is built, on Dawn by its plan, against transformers: a prompt in two chunks, beyond a window, and steps after it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from built_model import EXACT, VARIANTS, Built, CodeOperators, PackedOperators
from dawn import Dawn
from plan_runner import PlanRunner

from families import FAMILIES, TOKENS, open_tiny, reference

CHUNKS = (24, 40)  # ends of the prompt's chunks
Q8 = dict.fromkeys(EXACT, "q8")


def logits_of(runner: PlanRunner) -> tuple[np.ndarray, list[int]]:
    """After each chunk of the prompt and each step: float32[., vocabulary], and the positions of the tokens that they come after."""
    chunks = [runner.prefill(TOKENS[: CHUNKS[0]]), runner.prefill(TOKENS[CHUNKS[0] : CHUNKS[1]])]
    steps = [runner.decode(token) for token in TOKENS[CHUNKS[1] :]]
    return np.stack([*chunks, *steps]), [CHUNKS[0] - 1, CHUNKS[1] - 1, *range(CHUNKS[1], len(TOKENS))]


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_equal_those_of_transformers(dawn: Dawn, tmp_path: Path, family: str) -> None:
    built = Built.of(open_tiny(family, "hugging_face", tmp_path), EXACT, VARIANTS)
    assert built.variants == ["f32-sg", "f32"]
    for variant in built.variants:
        found, positions = logits_of(PlanRunner(dawn, built.library, variant, built.buffers))
        expected = reference(family)[positions]
        errors = np.abs(found - expected).max(1) / np.abs(expected).max()
        assert errors.max() < 1e-3, f"{variant}: {errors}"
        assert np.median(errors) < 1e-5, f"{variant}: {errors}"  # what the roundings of float32 sum up to


@pytest.mark.parametrize("family", FAMILIES)
def test_integers_follow_within_the_step_of_their_codes(dawn: Dawn, tmp_path: Path, family: str) -> None:
    """As the same weights and codes in NumPy, until a rounding decides that one code is the next one: from then on all that follows
    is rounded elsewise, and is as near to what is computed without codes as before."""
    built = Built.of(open_tiny(family, "gguf", tmp_path), Q8, VARIANTS[:1])
    with_codes, without = (
        built.model.logits(operators, built.model.hidden(operators))
        for operators in (CodeOperators(built, TOKENS), PackedOperators(built, TOKENS))
    )
    runner, largest = PlanRunner(dawn, built.library, VARIANTS[0].name, built.buffers), np.abs(without).max()
    first = np.stack([runner.prefill(TOKENS[:2]), *(runner.decode(token) for token in TOKENS[2:6])])
    errors = np.abs(first - with_codes[1:6]).max(1) / largest
    assert np.median(errors) < 1e-5, errors
    runner.start()
    found, positions = logits_of(runner)
    assert np.abs(found - without[positions]).max() < 0.05 * largest
    assert np.linalg.norm(found - without[positions]) < 0.05 * np.linalg.norm(without[positions])
