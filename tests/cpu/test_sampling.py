"""Token choice, adjustments and logprobs on the CPU against NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from kernels import NativeKernels
from machine import Array

from sampling_reference import Request, adjusted, drawn, log_softmax, random_logits, words
from webllm_build.compile.cpu.adjust import adjust
from webllm_build.compile.cpu.logprobs import keep, logprobs
from webllm_build.compile.cpu.sampling import sample
from webllm_build.compile.io import mask_words

VOCABULARIES = (7, 1000, 5003)
ROWS = 8


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> NativeKernels:
    made = {f"{make.__name__}_{vocab}": make(vocab) for make in (sample, adjust, keep, logprobs) for vocab in VOCABULARIES}
    return NativeKernels(tmp_path_factory.mktemp("sampling"), made)


def choose(kernels: NativeKernels, logits: Sequence[Array], requests: Sequence[Request]) -> list[int]:
    n = len(logits)
    sampling, state = np.zeros((ROWS, 16), np.uint32), np.zeros((ROWS, 16), np.int32)
    sampling[:n] = [words(request) for request in requests]
    state[:n, 2] = range(250, 250 + n)  # the history is a ring
    arrays = {"logits": np.stack(logits), "sampling": sampling, "state": state, "tokens": np.full(n, -1, np.int32)}
    got = kernels.run(f"sample_{len(logits[0])}", {**arrays, "history": np.full(256, -1, np.int32)}, n)
    np.testing.assert_array_equal(got["history"][np.arange(250, 250 + n) % 256], got["tokens"])
    return [int(token) for token in got["tokens"]]


@pytest.mark.parametrize("vocab", VOCABULARIES)
def test_draws_with_every_combination_of_filters_are_numpys(kernels: NativeKernels, vocab: int) -> None:
    filters = list(product((0.0, 0.7, 1.0, 1.9), (0, 1, 5, 60, 990), (1.0, 0.9, 0.4), (0.0, 0.05, 1.0)))
    requests = [Request(temperature=t, top_k=k, top_p=p, min_p=m, seed=2**40 + 5, step=i) for i, (t, k, p, m) in enumerate(filters)]
    wanted = [(random_logits(vocab, i), request) for i, request in enumerate(requests)]
    cases = [(logits, request, int(logits.argmax()) if request.temperature == 0 else drawn(logits, request)) for logits, request in wanted]
    cases = [case for case in cases if case[2] is not None]
    assert len(cases) > 120
    for first in range(0, len(cases), ROWS):
        logits, some, expected = zip(*cases[first : first + ROWS], strict=True)
        assert choose(kernels, logits, some) == list(expected)


def test_of_equals_the_lowest_id_comes_and_of_nothing_the_first(kernels: NativeKernels) -> None:
    logits = random_logits(1000, 1)
    logits[[333, 997]] = 50
    nothing, wrong = np.full(1000, -np.inf, np.float32), np.full(1000, np.nan, np.float32)
    assert choose(kernels, [logits, nothing, wrong], [Request()] * 3) == [333, 0, 0]
    noisy = Request(temperature=1, top_p=0.9, top_k=3, min_p=0.1)
    assert all(0 <= token < 1000 for token in choose(kernels, [logits, nothing, wrong], [noisy] * 3))


@pytest.mark.parametrize("vocab", VOCABULARIES)
def test_adjustments_are_numpys_and_count_the_answer(kernels: NativeKernels, vocab: int) -> None:
    prompt, answer = [3, 3, 5, 0], [2, 6, 2]
    allowed = sorted({0, 5, *range(1, vocab, 3)})
    settings = product((1.0, 1.3), (0.0, 0.7), (0.0, -1.5), ({}, {2: 5.0, 6: -100.0}), (None, allowed))
    for repetition, frequency, presence, bias, mask in settings:
        request = Request(repetition=repetition, frequency=frequency, presence=presence, bias=bias, allowed=mask)
        sampling, counts, biases = np.zeros((ROWS, 16), np.uint32), np.zeros((ROWS, vocab), np.uint32), np.zeros((ROWS, vocab), np.float32)
        sampling[0, 7:10] = np.array([repetition, frequency, presence], np.float32).view(np.uint32)
        penalties = (repetition, frequency, presence) != (1, 0, 0)
        sampling[0, 10:14] = penalties + 2 * bool(bias) + 4 * (mask is not None), 4, 1, len(answer)
        counts[4, prompt] = 1
        biases[4, list(bias)] = list(bias.values())
        bits = np.zeros((ROWS, mask_words(vocab)), np.uint32)
        for token in mask or ():
            bits[0, token // 32] |= np.uint32(1 << token % 32)
        logits = random_logits(vocab, 9)[None]
        arrays = {"logits": logits, "sampling": sampling, "tokens": np.array([9, *answer], np.int32), "counts": counts, "bias": biases}
        got = kernels.run(f"adjust_{vocab}", {**arrays, "mask": bits}, 1)
        want = adjusted(logits[0], request, prompt, answer if penalties else ())
        np.testing.assert_allclose(got["logits"][0], np.maximum(want, np.float32(-3.4e38)), rtol=1e-5, atol=1e-5)
        if penalties:
            assert got["counts"][4, [2, 3, 6]].tolist() == [4, 1, 2]


@pytest.mark.parametrize("vocab", VOCABULARIES)
def test_logprobs_are_numpys(kernels: NativeKernels, vocab: int) -> None:
    logits = np.random.default_rng(vocab).standard_normal((4, vocab)).astype(np.float32) * 4
    logits[1, [3, vocab - 1]] = 30  # of equals, the lowest id comes first
    logits[2, 5:] = -np.inf
    asked, tokens, sampling = [min(20, vocab), 3, 5, 0], np.array([0, 3, 2, vocab - 1], np.int32), np.zeros((ROWS, 16), np.uint32)
    sampling[:4, 14] = asked
    kept = kernels.run(f"keep_{vocab}", {"logits": logits, "kept": np.zeros_like(logits)}, 4)["kept"]
    np.testing.assert_array_equal(kept, logits)
    arrays = {"kept": kept, "sampling": sampling, "tokens": tokens, "logprobs": np.zeros((ROWS, 64), np.uint32)}
    found = kernels.run(f"logprobs_{vocab}", arrays, 4)["logprobs"]
    for row, count in enumerate(asked):
        want = log_softmax(logits[row])
        assert found[row].view(np.float32)[0] == pytest.approx(want[tokens[row]], abs=2e-5)
        order = np.lexsort((np.arange(vocab), -want))[:count]
        assert found[row, 2 : 2 + 2 * count : 2].tolist() == order.tolist()
        np.testing.assert_allclose(found[row].view(np.float32)[3 : 3 + 2 * count : 2], want[order], atol=2e-5)
