"""Every family as it is built, on Dawn by its plan, against transformers: a prompt in two chunks, beyond a window, and steps after it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from built_model import EXACT, VARIANTS, Built, CodeOperators, PackedOperators
from dawn import Dawn
from naga import Naga
from plan_runner import PlanRunner

from families import FAMILIES, TOKENS, open_tiny, reference
from webllm_build.compile.target import VARIANTS as ALL, Variant
from webllm_build.quantize import SCHEMES, parts
from webllm_build.source.checkpoint import Checkpoint

F16 = tuple(variant for variant in ALL if variant.name == "f16")
CHUNKS = (24, 40)  # ends of the prompt's chunks
ROW = 96  # values of a row of Qwen2's matrices


def build(family: str, checkpoint: Checkpoint, scheme: str, variants: tuple[Variant, ...]) -> Built:
    """Qwen2's weights are larger than a binding here, the tables and those of its layers: with biases, with a residual, with an
    activation. Some parts are alike and some shorter."""
    with pytest.MonkeyPatch.context() as patch:
        if family == "qwen2":
            patch.setattr(parts, "LARGEST_BINDING", int(64 * ROW * SCHEMES[scheme].bits // 8))
        built = Built.of(checkpoint, dict.fromkeys(EXACT, scheme), variants)
    several = {"embedding.0.q", "embedding.4.q", "head.4.q", "layers.0.qkv.2.q", "layers.0.o.1.q", "layers.0.gate_up.1.q"}
    assert (several & built.buffers.keys()) == (several if family == "qwen2" else set())
    return built


def logits_of(runner: PlanRunner) -> tuple[np.ndarray, list[int]]:
    """After each chunk of the prompt and each step: float32[., vocabulary], and the positions of the tokens that they come after."""
    chunks = [runner.prefill(TOKENS[: CHUNKS[0]]), runner.prefill(TOKENS[CHUNKS[0] : CHUNKS[1]])]
    steps = [runner.decode(token) for token in TOKENS[CHUNKS[1] :]]
    return np.stack([*chunks, *steps]), [CHUNKS[0] - 1, CHUNKS[1] - 1, *range(CHUNKS[1], len(TOKENS))]


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_equal_those_of_transformers(dawn: Dawn, tmp_path: Path, family: str) -> None:
    built = build(family, open_tiny(family, "hugging_face", tmp_path), "f16", VARIANTS)
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
    built = build(family, open_tiny(family, "gguf", tmp_path), "q8", VARIANTS[:1])
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



@pytest.mark.parametrize("family", FAMILIES)
def test_float16_follows_within_its_roundings(naga: Naga, tmp_path: Path, family: str) -> None:
    """What SwiftShader does not have, by Firefox's WebGPU on a driver that has it."""
    if not naga.f16:
        pytest.skip("no driver here has shader-f16 (Debian's mesa-vulkan-drivers has)")
    built = build(family, open_tiny(family, "gguf", tmp_path), "q8", F16)
    expected = built.logits(TOKENS, integer=False)
    found, positions = logits_of(PlanRunner(naga, built.library, "f16", built.buffers))
    assert np.abs(found - expected[positions]).max() < 0.005 * np.abs(expected).max()
    assert np.linalg.norm(found - expected[positions]) < 0.005 * np.linalg.norm(expected[positions])
