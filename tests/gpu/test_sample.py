"""Token choice against NumPy: the same noise, the nucleus from a sort of the vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from dawn import Array, Dawn, PreparedKernel, poison

from webllm_build.compile.kernels.sampling.sample import MAX_VOCABULARY, partial_shape, sample_partial, sample_pick
from webllm_build.compile.target import VARIANTS, Variant
from webllm_build.compile.wgsl import compile_kernels

# SwiftShader's subgroups have four invocations; it has no shader-f16.
RUNNABLE = [Variant("f32-sg", f16=False, subgroups=True, lanes=4), Variant("f32", f16=False, subgroups=False)]
SLOT = 5


@dataclass(frozen=True)
class Settings:
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    step: int = 0

    @property
    def words(self) -> Array:
        floats = np.array([self.temperature, self.top_p], np.float32).view(np.uint32)
        return np.array([*floats, self.seed & 0xFFFFFFFF, self.seed >> 32, self.step, *[0] * 11], np.uint32)


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

    def __call__(self, logits: Array, settings: Settings) -> int:
        return self.rows([logits], [settings])[0]

    def rows(self, logits: Sequence[Array], settings: Sequence[Settings]) -> list[int]:
        """A step of several rows."""
        n = len(logits)
        inputs = {"logits": np.stack(logits), "sampling": np.stack([row.words for row in settings])}
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


@pytest.fixture(scope="module", params=[(v, n) for v in RUNNABLE for n in (7, 1000, 49152)], ids=lambda p: f"{p[0].name}-{p[1]}")
def sampler(request: pytest.FixtureRequest, dawn: Dawn) -> Sampler:
    return Sampler(dawn, *request.param)


def test_rows_do_not_know_of_each_other(sampler: Sampler) -> None:
    logits = [random_logits(sampler.vocab, seed) for seed in range(3)]
    settings = [Settings(0.8, 0.7, 3, 9), Settings(), Settings(1.2, 1.0, 4, 1)]
    alone = [sampler(row, of) for row, of in zip(logits, settings, strict=True)]
    assert sampler.rows(logits, settings) == alone


def random_logits(vocab: int, seed: int) -> Array:
    return (np.random.default_rng(seed).standard_normal(vocab) * 3).astype(np.float32)


def gumbel(vocab: int, settings: Settings) -> Array:
    """The kernel's noise: pcg4d of (id, seed, step), then -log(-log(1 - v))."""
    words = settings.words
    v = [np.arange(vocab, dtype=np.uint32), *(np.full(vocab, words[i], np.uint32) for i in (2, 3, 4))]
    v = [x * np.uint32(1664525) + np.uint32(1013904223) for x in v]
    for rounds in range(2):
        v[0] = v[0] + v[1] * v[3]
        v[1] = v[1] + v[2] * v[0]
        v[2] = v[2] + v[0] * v[1]
        v[3] = v[3] + v[1] * v[2]
        if not rounds:
            v = [x ^ (x >> np.uint32(16)) for x in v]
    uniform = (v[3].astype(np.float64) + 0.5) / 2**32
    return np.asarray(-np.log(-np.log1p(-uniform)))


def nucleus(logits: Array, temperature: float, top_p: float) -> Array:
    """Which tokens are in the smallest set of most probable tokens with a probability of at least top_p."""
    scaled = logits.astype(np.float64) / np.float32(temperature)
    probability = np.exp(scaled - scaled.max())
    probability /= probability.sum()
    order = np.argsort(-probability, kind="stable")
    count = int(np.searchsorted(np.cumsum(probability[order]), top_p)) + 1
    mask = np.zeros(len(logits), bool)
    mask[order[:count]] = True
    return mask


def expected(logits: Array, settings: Settings) -> int | None:
    """NumPy's token, None where float32 cannot tell: two are too close, or a last bit of the sums decides who is in the nucleus."""
    noisy = logits.astype(np.float64) / np.float32(settings.temperature) + gumbel(len(logits), settings)
    winners = set()
    for target in (settings.top_p - 1e-6, settings.top_p + 1e-6):
        inside = nucleus(logits, settings.temperature, target) if settings.top_p < 1 else np.ones(len(logits), bool)
        candidates = np.where(inside, noisy, -np.inf)
        best, second = np.sort(candidates)[[-1, -2]]
        winners.add(int(candidates.argmax()) if best - second > 1e-4 else None)
    return winners.pop() if len(winners) == 1 else None


def test_greedy_takes_the_largest(sampler: Sampler) -> None:
    for seed in range(4):
        logits = random_logits(sampler.vocab, seed)
        assert sampler(logits, Settings()) == logits.argmax()
        assert sampler(-np.abs(logits) - 100, Settings()) == np.abs(logits).argmin()
    for place in (0, sampler.vocab // 2, sampler.vocab - 1):
        logits = np.full(sampler.vocab, -5, np.float32)
        logits[place] = -4
        assert sampler(logits, Settings(top_p=0.5)) == place


def test_greedy_takes_the_lowest_id_of_equals(sampler: Sampler) -> None:
    assert sampler(np.zeros(sampler.vocab, np.float32), Settings()) == 0
    for first in (1, sampler.vocab // 3, sampler.vocab - 2):
        logits = random_logits(sampler.vocab, first)
        logits[[first, sampler.vocab - 1]] = 50
        assert sampler(logits, Settings()) == first


@pytest.mark.parametrize("top_p", [1.0, 0.95, 0.7, 0.3, 0.02])
def test_draws_are_numpys(sampler: Sampler, top_p: float) -> None:
    compared = 0
    for step in range(12):
        settings = Settings(temperature=(0.7, 1.0, 1.5)[step % 3], top_p=top_p, seed=2**40 + 17, step=step)
        logits = random_logits(sampler.vocab, step)
        want = expected(logits, settings)
        if want is not None:
            compared += 1
            assert sampler(logits, settings) == want
    assert compared >= 10


def test_a_draw_depends_on_seed_and_step_alone(sampler: Sampler) -> None:
    logits = np.zeros(sampler.vocab, np.float32)
    drawn = [sampler(logits, Settings(1.0, 1.0, seed, step)) for seed in (1, 2, 2**32 + 1) for step in range(6)]
    again = [sampler(logits, Settings(1.0, 1.0, seed, step)) for seed in (1, 2, 2**32 + 1) for step in range(6)]
    assert drawn == again
    assert len({tuple(drawn[i : i + 6]) for i in (0, 6, 12)}) == 3
    assert len(set(drawn)) > 3


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("settings", [Settings(), Settings(1.0), Settings(1.0, 0.9), Settings(1e-30, 0.9), Settings(1.0, 0.0)])
def test_malformed_logits_give_a_valid_id(sampler: Sampler, bad: float, settings: Settings) -> None:
    some = random_logits(sampler.vocab, 0)
    some[::3] = bad
    for logits in (some, np.full(sampler.vocab, bad, np.float32)):
        assert 0 <= sampler(logits, settings) < sampler.vocab


def test_a_token_that_must_not_come_never_comes(sampler: Sampler) -> None:
    logits = np.full(sampler.vocab, -np.inf, np.float32)
    logits[sampler.vocab // 2 :] = 0
    for top_p in (1.0, 0.6):
        for step in range(8):
            assert sampler(logits, Settings(2.0, top_p, 3, step)) >= sampler.vocab // 2


def test_draws_follow_the_softmax(dawn: Dawn) -> None:
    sampler = Sampler(dawn, RUNNABLE[0], 7)
    logits = np.array([0.0, 1.0, -1.0, 2.0, 0.5, -2.0, 1.5], np.float32)
    for top_p in (1.0, 0.8):
        settings = [Settings(0.9, top_p, seed=99, step=step) for step in range(1500)]
        probability = np.exp(logits.astype(np.float64) / np.float32(0.9))
        inside = nucleus(logits, 0.9, top_p) if top_p < 1 else np.ones(7, bool)
        want = probability * inside / (probability * inside).sum() * len(settings)
        counts = np.bincount([sampler(logits, each) for each in settings], minlength=7)
        assert (counts[~inside] == 0).all()
        chi_square = ((counts - want)[inside] ** 2 / want[inside]).sum()
        # 99.9 % quantiles of the chi-square distribution by degrees of freedom.
        assert chi_square < {1: 10.83, 2: 13.82, 3: 16.27, 4: 18.47, 5: 20.52, 6: 22.46}[int(inside.sum()) - 1]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_variant_generates_wgsl(variant: Variant) -> None:
    kernels = compile_kernels({"partial": sample_partial(variant, 49152), "pick": sample_pick(variant, 49152)}, variant)
    for kernel in kernels.values():
        assert ("subgroupShuffleXor" in kernel.wgsl) == variant.subgroups
        assert kernel.workgroup_bytes <= 16384


def test_a_huge_vocabulary_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        sample_partial(VARIANTS[3], MAX_VOCABULARY + 1)
