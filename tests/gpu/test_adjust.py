"""Biases, penalties and masks against NumPy, alone and together, over steps that count their tokens."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
import pytest
from dawn import Array, Dawn

from sampling_reference import Request, adjusted
from webllm_build.compile.io import mask_words
from webllm_build.compile.kernels.sampling.adjust import adjust_kernel
from webllm_build.compile.target import Variant

VARIANT = Variant("f32", f16=False, subgroups=False)
PROMPT, ROWS = [3, 3, 5, 0], 8


def row(request: Request, slot: int, first: int, counted: int) -> Array:
    """Of the `sampling` buffer."""
    words = np.zeros(16, np.uint32)
    words[7:10] = np.array([request.repetition, request.frequency, request.presence], np.float32).view(np.uint32)
    penalties = (request.repetition, request.frequency, request.presence) != (1, 0, 0)
    words[10] = penalties + 2 * bool(request.bias) + 4 * (request.allowed is not None)
    words[11:14] = slot, first, counted
    return words


def bits(allowed: Mapping[int, None] | None, vocab: int) -> Array:
    mask = np.full(mask_words(vocab), 0xFFFFFFFF if allowed is None else 0, np.uint32)
    for token in allowed or ():
        mask[token // 32] |= np.uint32(1 << token % 32)
    return mask


class Buffers:
    def __init__(self, dawn: Dawn, vocab: int) -> None:
        self.vocab = vocab
        self._kernel = dawn.prepare(adjust_kernel(vocab), VARIANT)
        self.counts = np.zeros((ROWS, vocab), np.uint32)
        self.bias = np.zeros((ROWS, vocab), np.float32)

    def begin(self, slot: int, request: Request) -> None:
        """A request takes a control slot."""
        self.counts[slot] = np.isin(np.arange(self.vocab), PROMPT)
        self.bias[slot] = [request.bias.get(token, 0) for token in range(self.vocab)]

    def step(self, logits: Array, sampling: Array, tokens: Array, mask: Array) -> Array:
        inputs = {"logits": logits, "sampling": sampling, "tokens": tokens, "counts": self.counts, "bias": self.bias, "mask": mask}
        got = self._kernel.run(inputs, {"n": len(logits), "token_slots": len(tokens)})
        self.counts = got["counts"]
        return got["logits"]


@pytest.mark.parametrize("vocab", [7, 33, 1031])
def test_every_combination_is_numpys_and_counts_the_answer(dawn: Dawn, vocab: int) -> None:
    random = np.random.default_rng(vocab)
    allowed = sorted({0, 5, *random.integers(0, vocab, vocab // 2).tolist()})
    settings = product((1.0, 1.3), (0.0, 0.7), (0.0, -1.5), ({}, {2: 5.0, 6: -100.0}), (None, allowed))
    requests = [Request(repetition=r, frequency=f, presence=p, bias=b, allowed=a) for r, f, p, b, a in settings]
    for first in range(0, len(requests), ROWS):
        some = requests[first : first + ROWS]
        slots = random.permutation(ROWS)
        buffers = Buffers(dawn, vocab)
        for slot, request in zip(slots, some, strict=True):
            buffers.begin(slot, request)
        answers: list[list[int]] = [[] for _ in some]
        mask = np.stack([bits(None if one.allowed is None else dict.fromkeys(one.allowed), vocab) for one in some])
        for step in range(3):
            logits = random.standard_normal((ROWS, vocab)).astype(np.float32) * 3
            tokens = random.integers(0, 7, ROWS).astype(np.int32)
            if step:  # the first behind the prompt counts nothing
                for answer, token in zip(answers, tokens, strict=True):
                    answer.append(int(token))
            sampling = np.stack([row(one, slot, i, min(step, 1)) for i, (slot, one) in enumerate(zip(slots, some, strict=True))])
            got = buffers.step(logits, sampling, tokens, mask)
            for i, (one, answer) in enumerate(zip(some, answers, strict=True)):
                want = adjusted(logits[i], one, PROMPT, answer)
                np.testing.assert_allclose(got[i], np.maximum(want, np.float32(-3.4e38)), rtol=1e-5, atol=1e-6)


def test_rows_that_ask_for_nothing_stay_as_they_are(dawn: Dawn) -> None:
    logits = np.random.default_rng(0).standard_normal((3, 40)).astype(np.float32)
    logits[0, 3], logits[1, 4] = np.nan, -np.inf
    buffers = Buffers(dawn, 40)
    buffers.bias[:] = 1
    sampling = np.stack([row(Request(bias={1: 1} if i == 2 else {}), 0, 0, 9) for i in range(3)])
    got = buffers.step(logits, sampling, np.zeros(3, np.int32), np.zeros((3, 2), np.uint32))
    np.testing.assert_array_equal(got[:2], logits[:2])
    np.testing.assert_allclose(got[2], logits[2] + 1, rtol=1e-6)
    assert not buffers.counts.any()


def test_rows_of_one_request_count_those_before_them_and_a_prefill_counts_several_tokens(dawn: Dawn) -> None:
    request = Request(frequency=1.0, presence=0.5)
    buffers = Buffers(dawn, 9)
    buffers.begin(5, request)
    logits = np.zeros((3, 9), np.float32)
    mask = np.zeros((3, 1), np.uint32)
    tokens = np.array([4, 4, 7], np.int32)
    got = buffers.step(logits, np.stack([row(request, 5, i, 1) for i in range(3)]), tokens, mask)
    for i in range(3):
        np.testing.assert_allclose(got[i], adjusted(logits[i], request, PROMPT, tokens[: i + 1].tolist()))
    got = buffers.step(logits[:1], row(request, 5, 1, 3)[None], np.array([8, 1, 4, 2], np.int32), mask)  # its last three
    np.testing.assert_allclose(got[0], adjusted(logits[0], request, PROMPT, [4, 4, 7, 1, 4, 2]))
