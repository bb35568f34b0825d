"""Logprobs against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from dawn import Array, Dawn, poison

from sampling_reference import log_softmax
from webllm_build.compile.kernels.sampling.logprobs import keep_kernel, likeliest, likeliest_partial, partial_shape
from webllm_build.compile.target import VARIANTS, Variant
from webllm_build.compile.wgsl import compile_kernels

# SwiftShader's subgroups have four invocations; it has no shader-f16.
RUNNABLE = [Variant("f32-sg", f16=False, subgroups=True, lanes=4), Variant("f32", f16=False, subgroups=False)]


Logprobs = tuple[float, list[tuple[int, float]]]


def compute(dawn: Dawn, variant: Variant, logits: Array, tokens: list[int], asked: list[int]) -> list[Logprobs]:
    """Of each row: the token's logprob, and (id, logprob) of as many likeliest tokens as it asks for."""
    n, vocab = logits.shape
    sampling = np.zeros((n, 16), np.uint32)
    sampling[:, 14] = asked
    kept = dawn.prepare(keep_kernel(vocab), variant).run({"logits": logits, "kept": poison((n, vocab))}, {"n": n})["kept"]
    np.testing.assert_array_equal(kept, logits)
    inputs = {"kept": kept, "sampling": sampling}
    partial = dawn.prepare(likeliest_partial(variant, vocab), variant).run(
        {**inputs, "partial": poison((n, *partial_shape(vocab)))}, {"n": n}
    )["partial"]
    inputs |= {"tokens": np.array(tokens, np.int32), "partial": partial, "logprobs": np.zeros((8, 64), np.uint32)}
    words = dawn.prepare(likeliest(variant, vocab), variant).run(inputs, {"n": n, "token_slots": n})["logprobs"]
    floats = words.view(np.float32)
    return [
        (float(floats[row, 0]), [(int(words[row, 2 + 2 * i]), float(floats[row, 3 + 2 * i])) for i in range(count)])
        for row, count in enumerate(asked)
    ]


@pytest.mark.parametrize("variant", RUNNABLE, ids=lambda variant: variant.name)
@pytest.mark.parametrize("vocab", [23, 1000, 5003])
def test_logprobs_are_numpys(dawn: Dawn, variant: Variant, vocab: int) -> None:
    logits = np.random.default_rng(vocab).standard_normal((4, vocab)).astype(np.float32) * 4
    logits[1, [3, 7, vocab - 1]] = 30  # of equals, the lowest id comes first
    logits[2, 5:] = -np.inf
    asked, tokens = [20, 3, 5, 0], [0, 7, 2, vocab - 1]
    for row, (chosen, top) in enumerate(compute(dawn, variant, logits, tokens, asked)):
        want = log_softmax(logits[row])
        assert chosen == pytest.approx(want[tokens[row]], abs=2e-5)
        order = np.lexsort((np.arange(vocab), -want))[: asked[row]]
        assert [token for token, _ in top] == order.tolist()
        np.testing.assert_allclose([logprob for _, logprob in top], want[order], atol=2e-5)


def test_a_vocabulary_that_is_smaller_than_what_is_asked_for(dawn: Dawn) -> None:
    logits = np.array([[1.0, 3.0, 2.0]], np.float32)
    ((chosen, top),) = compute(dawn, RUNNABLE[1], logits, [1], [5])
    want = log_softmax(logits[0])
    assert chosen == pytest.approx(want[1], abs=1e-6)
    assert [token for token, _ in top[:3]] == [1, 2, 0]
    assert all(logprob < -3.3e38 for _, logprob in top[3:])


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_variant_generates_wgsl(variant: Variant) -> None:
    kernels = compile_kernels({"partial": likeliest_partial(variant, 262144), "likeliest": likeliest(variant, 262144)}, variant)
    assert all(kernel.workgroup_bytes <= 16384 for kernel in kernels.values())
