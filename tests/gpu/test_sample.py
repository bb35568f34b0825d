"""Token choice against NumPy: the same noise, filters from a sort of the vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np
import pytest
from dawn import Array, Dawn, PreparedKernel, poison

from sampling_reference import Request, distribution, drawn, random_logits, words
from webllm_build.compile.kernels.sampling.sample import MAX_VOCABULARY, partial_shape, sample_partial, sample_pick
from webllm_build.compile.target import VARIANTS, Variant
from webllm_build.compile.wgsl import compile_kernels
from webllm_build.errors import CompileError

# SwiftShader's subgroups have four invocations; it has no shader-f16.
RUNNABLE = [Variant("f32-sg", f16=False, subgroups=True, lanes=4), Variant("f32", f16=False, subgroups=False)]
SLOT = 5


@dataclass
class Sampler:
    dawn: Dawn
    variant: Variant
    vocab: int
    partial: PreparedKernel = field(init=False)
    pick: PreparedKernel = field(init=False)

    def __post_init__(self) -> None:
        self.partial = self.dawn.prepare(sample_partial(self.variant, self.vocab), self.variant)
        self.pick = self.dawn.prepare(sample_pick(self.variant, self.vocab), self.variant)

    def __call__(self, logits: Array, request: Request) -> int:
        return self.rows([logits], [request])[0]

    def rows(self, logits: Sequence[Array], requests: Sequence[Request]) -> list[int]:
        """A step of several rows."""
        n = len(logits)
        inputs = {"logits": np.stack(logits), "sampling": np.stack([words(request) for request in requests])}
        partial = self.partial.run({**inputs, "partial": poison((n, *partial_shape(self.vocab)))}, {"n": n})["partial"]
        slots = [SLOT + 2 * row for row in range(n)]
        state = np.zeros((n, 16), np.int32)
        state[:, 2] = slots
        outputs = {"tokens": poison(n + 2, np.int32), "history": poison(256, np.int32)}
        got = self.pick.run({**inputs, "state": state, "partial": partial, **outputs}, {"token_slots": n + 2, "n": n})
        np.testing.assert_array_equal(got["history"][slots], got["tokens"][:n])
        np.testing.assert_array_equal(got["tokens"][n:], poison(2, np.int32))
        np.testing.assert_array_equal(np.delete(got["history"], slots), poison(256 - n, np.int32))
        return [int(token) for token in got["tokens"][:n]]


@pytest.fixture(scope="module", params=[(v, n) for v in RUNNABLE for n in (7, 1000, 16385)], ids=lambda p: f"{p[0].name}-{p[1]}")
def sampler(request: pytest.FixtureRequest, dawn: Dawn) -> Sampler:
    return Sampler(dawn, *request.param)


@pytest.fixture(scope="module")
def small(dawn: Dawn) -> Sampler:
    return Sampler(dawn, RUNNABLE[0], 7)


def test_rows_do_not_know_of_each_other(sampler: Sampler) -> None:
    logits = [random_logits(sampler.vocab, seed) for seed in range(5)]
    requests = [
        Request(temperature=0.8, top_p=0.7, seed=3, step=9),
        Request(),
        Request(temperature=1.2, seed=4, step=1),
        Request(temperature=1, top_k=3, top_p=0.9),
        Request(temperature=1.5, min_p=0.1, seed=2),
    ]
    alone = [sampler(row, of) for row, of in zip(logits, requests, strict=True)]
    assert sampler.rows(logits, requests) == alone


def test_greedy_takes_the_largest(sampler: Sampler) -> None:
    for seed in range(4):
        logits = random_logits(sampler.vocab, seed)
        assert sampler(logits, Request()) == logits.argmax()
        assert sampler(-np.abs(logits) - 100, Request()) == np.abs(logits).argmin()
    for place in (0, sampler.vocab // 2, sampler.vocab - 1):
        logits = np.full(sampler.vocab, -5, np.float32)
        logits[place] = -4
        assert sampler(logits, Request(top_p=0.5, top_k=2, min_p=0.5)) == place


def test_greedy_takes_the_lowest_id_of_equals(sampler: Sampler) -> None:
    assert sampler(np.zeros(sampler.vocab, np.float32), Request()) == 0
    for first in (1, sampler.vocab // 3, sampler.vocab - 2):
        logits = random_logits(sampler.vocab, first)
        logits[[first, sampler.vocab - 1]] = 50
        assert sampler(logits, Request()) == first


@pytest.mark.parametrize("top_p", [1.0, 0.95, 0.7, 0.3, 0.02])
def test_draws_are_numpys(sampler: Sampler, top_p: float) -> None:
    compare(sampler, [Request(temperature=(0.7, 1.0, 1.5)[i % 3], top_p=top_p, seed=2**40 + 17, step=i) for i in range(12)], 10)


def test_draws_with_every_combination_of_filters_are_numpys(sampler: Sampler) -> None:
    filters = product((0, 1, 5, 60, 990), (1.0, 0.9, 0.4), (0.0, 0.05, 1.0))
    requests = [
        Request(temperature=(0.7, 1.0, 1.9)[i % 3], top_k=k, top_p=p, min_p=m, seed=5, step=i) for i, (k, p, m) in enumerate(filters)
    ]
    compare(sampler, requests, 30)


def compare(sampler: Sampler, requests: Sequence[Request], least: int) -> None:
    """In one step."""
    cases = [(random_logits(sampler.vocab, i), request) for i, request in enumerate(requests)]
    cases = [(logits, request) for logits, request in cases if drawn(logits, request) is not None]
    assert len(cases) >= least
    logits, some = zip(*cases, strict=True)
    assert sampler.rows(logits, some) == [drawn(*case) for case in cases]


def test_ties_at_the_edge_of_top_k_are_all_in(sampler: Sampler) -> None:
    logits = np.full(sampler.vocab, -3, np.float32)
    logits[[1, 3, 4, 6]] = 2, 1, 1, 1
    drawn = [sampler.rows([logits] * 8, [Request(temperature=2, top_k=2, seed=seed, step=i) for i in range(8)]) for seed in range(5)]
    assert set(np.ravel(drawn)) == {1, 3, 4, 6}
    allowed = set(range(sampler.vocab))
    for k in (5, sampler.vocab, 2 * sampler.vocab):  # the fifth is as large as all that follow
        assert {sampler(logits, Request(temperature=2, top_k=k, step=i)) for i in range(3)} <= allowed


def test_a_draw_depends_on_seed_and_step_alone(sampler: Sampler) -> None:
    logits = np.zeros(sampler.vocab, np.float32)
    drawn = [sampler(logits, Request(temperature=1.0, seed=seed, step=step)) for seed in (1, 2, 2**32 + 1) for step in range(6)]
    again = [sampler(logits, Request(temperature=1.0, seed=seed, step=step)) for seed in (1, 2, 2**32 + 1) for step in range(6)]
    assert drawn == again
    assert len({tuple(drawn[i : i + 6]) for i in (0, 6, 12)}) == 3
    assert len(set(drawn)) > 3


MALFORMED = [
    Request(),
    Request(temperature=1),
    Request(temperature=1, top_p=0.9),
    Request(temperature=1e-30, top_p=0.9),
    Request(temperature=1, top_p=0),
    Request(temperature=1, top_k=3),
    Request(temperature=1, top_k=3, top_p=0.5, min_p=0.2),
    Request(temperature=2, min_p=1),
]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_malformed_logits_give_a_valid_id(sampler: Sampler, bad: float) -> None:
    some = random_logits(sampler.vocab, 0)
    some[::3] = bad
    for logits in (some, np.full(sampler.vocab, bad, np.float32)):
        for token in sampler.rows([logits] * len(MALFORMED), MALFORMED):
            assert 0 <= token < sampler.vocab
            assert bad > 0 or np.isnan(bad) or token == 0 or np.isfinite(logits[token])


@pytest.mark.parametrize("out", [-np.inf, np.float32(-3.4e38), np.nan])
def test_a_token_that_must_not_come_never_comes(sampler: Sampler, out: float) -> None:
    logits = np.full(sampler.vocab, out, np.float32)
    logits[sampler.vocab // 2 :] = 0
    for step, request in product(range(2), MALFORMED[1:]):
        assert sampler(logits, replace(request, seed=3, step=step)) >= sampler.vocab // 2


@pytest.mark.parametrize(
    "asked",
    [
        Request(),
        Request(top_p=0.8),
        Request(top_k=4),
        Request(top_k=5, top_p=0.9),
        Request(min_p=0.2),
        Request(top_k=6, top_p=0.95, min_p=0.15),
    ],
    ids=lambda asked: f"{asked.top_k}-{asked.top_p}-{asked.min_p}",
)
def test_draws_follow_the_distribution(small: Sampler, asked: Request) -> None:
    """The kernels draw what NumPy draws, here of the first of many draws, and these follow the distribution."""
    logits = np.array([0.0, 1.0, -1.0, 2.0, 0.5, -2.0, 1.5], np.float32)
    asked = replace(asked, temperature=0.9, seed=99)
    draws = [drawn(logits, replace(asked, step=step)) for step in range(1600)]
    found = small.rows([logits] * 100, [replace(asked, step=step) for step in range(100)])
    assert [token for token, own in zip(found, draws, strict=False) if own is not None] == [own for own in draws[:100] if own is not None]
    counts = np.bincount([own for own in draws if own is not None], minlength=7)
    assert counts.sum() >= 1590
    want = distribution(logits.astype(np.float64), asked) * counts.sum()
    assert (counts[want == 0] == 0).all()
    chi_square = ((counts - want)[want > 0] ** 2 / want[want > 0]).sum()
    # 99.9 % quantiles of the chi-square distribution by degrees of freedom.
    assert chi_square < {1: 10.83, 2: 13.82, 3: 16.27, 4: 18.47, 5: 20.52, 6: 22.46}[int((want > 0).sum()) - 1]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_variant_generates_wgsl(variant: Variant) -> None:
    kernels = compile_kernels({"partial": sample_partial(variant, 49152), "pick": sample_pick(variant, 262144)}, variant)
    for kernel in kernels.values():
        assert ("subgroupShuffleXor" in kernel.wgsl) == variant.subgroups
        assert kernel.workgroup_bytes <= 16384


def test_a_huge_vocabulary_is_refused() -> None:
    with pytest.raises(CompileError, match="too large"):
        sample_partial(VARIANTS[3], MAX_VOCABULARY + 1)
