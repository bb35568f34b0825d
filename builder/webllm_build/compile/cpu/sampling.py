"""Choose the next token from the logits: what kernels/sampling/sample.py does, with the same noise, in one kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.abi_generated import (
    HISTORY,
    MAX_ROWS,
    MIN_P_WORD,
    SAMPLING_WORDS,
    SEED_WORD,
    STATE_WORDS,
    STEP_WORD,
    TEMPERATURE_WORD,
    TOP_K_WORD,
    TOP_P_WORD,
)
from webllm_build.compile.cpu.noise import gumbel
from webllm_build.compile.cpu.ops import at, exp, log, sum_of, units, zeros
from webllm_build.compile.cpu.vocabulary import Largest, each_token, largest_of
from webllm_build.compile.kernels.sampling.largest import LOWEST
from webllm_build.compile.kernels.sampling.sample import MIN_TEMPERATURE, ROUNDS
from webllm_build.compile.kernels.sampling.top_k import unordered
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel, let, local, size, splat, store, when


def sample(vocab_size: int) -> PrimFunc:
    """A unit is a row.

    logits float32[n, vocab_size]; sampling uint32[>= n, SAMPLING_WORDS]; state int32[>= n, STATE_WORDS]: [row, 2] is the place in the
    history; tokens int32[>= n]: the token goes to [row]; history int32[HISTORY].
    """
    with Kernel() as kernel:
        n = size("n")
        logits = kernel.buffer("logits", (n, vocab_size), "float32")
        sampling = kernel.buffer("sampling", (MAX_ROWS, SAMPLING_WORDS), "uint32")
        state = kernel.buffer("state", (MAX_ROWS, STATE_WORDS), "int32")
        tokens = kernel.buffer("tokens", (size("token_slots"),), "int32")
        history = kernel.buffer("history", (HISTORY,), "int32")
        with units(n) as row:
            draw = _Draw(logits, sampling, row, vocab_size)
            with T.If(draw.noisy):
                with T.Then():
                    draw.filter()
                    draw.draw_inside()
                with T.Else():
                    draw.likeliest()
            store(tokens, draw.best.token[0], row)
            store(history, draw.best.token[0], T.bitwise_and(state[row, 2], HISTORY - 1))
    return kernel.func


class _Draw:
    """A row's settings, what of it may be drawn, and the best token so far. top: its largest logit; only logits of at least `floor` may
    be drawn; weight: the sum of exp(logit - top) of what top_k leaves."""

    def __init__(self, logits: Buffer, sampling: Buffer, row: Expr, vocab_size: int) -> None:
        self._logits, self._row, self._vocab_size = logits, row, vocab_size

        def number(name: str, word: int) -> Expr:
            return let(name, T.reinterpret("float32", sampling[row, word]))

        temperature = number("temperature", TEMPERATURE_WORD)
        self._top_p, self._min_p = number("top_p", TOP_P_WORD), number("min_p", MIN_P_WORD)
        self._top_k = let("top_k", sampling[row, TOP_K_WORD])
        self.noisy = let("noisy", temperature > T.float32(0))
        self._inverse = let("inverse", T.float32(1) / T.max(temperature, T.float32(MIN_TEMPERATURE)))
        self._seed = [let("seed", sampling[row, word]) for word in (SEED_WORD, SEED_WORD + 1, STEP_WORD)]
        self.best = Largest()
        self._top, self._floor, self._weight = (local(name, 1) for name in ("top", "floor", "weight"))

    def filter(self) -> None:
        """Find what may be drawn."""
        store(self._top, largest_of(self._logits, self._row, self._vocab_size), 0)
        store(self._floor, T.float32(LOWEST), 0)
        with when(self._top_k > T.uint32(0)):
            self._find_kth_largest()
        with when(self._top_p < T.float32(1)):
            store(self._weight, self._sum(lambda logit: logit >= splat(self._floor[0])), 0)
        with when(self._min_p > T.float32(0)):
            store(self._floor, T.max(self._floor[0], self._top[0] + log(T.max(self._min_p, T.float32(1e-37)))), 0)
        store(self._floor, T.min(self._floor[0], self._top[0]), 0)  # whatever was rounded, the likeliest token is inside

    def likeliest(self) -> None:
        self.best.clear()
        for tokens, logits in self._each():
            self.best.offer(logits, tokens)
        self.best.reduce()

    def draw(self, above: Expr) -> None:
        """The largest noisy logit of those that may be drawn and are more than `above`."""
        self.best.clear()
        for tokens, logits in self._each():
            allowed = T.And(T.And(logits > splat(above), logits >= splat(self._floor[0])), logits > splat(T.float32(LOWEST)))
            noisy = logits * splat(self._inverse) + gumbel(tokens, self._seed)
            self.best.offer(T.Select(allowed, noisy, splat(T.float32(LOWEST))), tokens)
        self.best.reduce()

    def draw_inside(self) -> None:
        """Draw, and draw again from above the token drawn while the tokens above it have probability top_p or more."""
        last, inside = local("last", 1), local("inside", 1, "int32")
        store(last, T.float32(LOWEST), 0)
        store(inside, T.int32(0), 0)
        with T.serial(ROUNDS), when(inside[0] == 0):
            self.draw(last[0])
            store(last, self._logits[self._row, self.best.token[0]], 0)
            store(inside, T.int32(1), 0)
            with when(self._top_p < T.float32(1)):
                above = let("above", self._sum(lambda logit: logit > splat(last[0])))
                # Not outside where NaN is compared.
                with when(T.And(above > T.float32(0), above >= self._top_p * self._weight[0])):
                    store(inside, T.int32(0), 0)

    def _each(self) -> Iterator[tuple[Expr, Expr]]:
        return each_token(self._logits, self._row, self._vocab_size)

    def _sum(self, counts: Callable[[Expr], Expr], term: Callable[[Expr], Expr] | None = None) -> Expr:
        """Over the logits that count; a term is exp(logit - top) where nothing else is said."""
        sums = zeros("sum", 1)
        for _, logits in self._each():
            value = exp(logits - splat(self._top[0])) if term is None else term(logits)
            store(sums, sums[at(0)] + T.Select(counts(logits), value, splat(T.float32(0))), at(0))
        return sum_of(sums[at(0)])

    def _find_kth_largest(self) -> None:
        """The floor becomes the largest number that at least top_k logits reach, bit by bit of its place in the order of float32."""
        found = local("found", 1, "uint32")
        store(found, T.uint32(0), 0)
        with T.serial(32) as i:
            tried = let("tried", T.bitwise_or(found[0], T.shift_left(T.uint32(1), T.Cast("uint32", 31 - i))))
            number = let("number", unordered(tried))
            count = self._sum(lambda logit: logit >= splat(number), lambda logit: splat(T.float32(1)))
            with when(count >= T.Cast("float32", self._top_k)):
                store(found, tried, 0)
        store(self._floor, T.max(unordered(found[0]), T.float32(LOWEST)), 0)
