"""The tokens that a filter leaves, gathered once: what comes behind looks at a few of them, and no more at the whole vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.sampling.largest import LOWEST, SLICE, THREADS
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, barrier, ceildiv, extern, let, local, shared, store, when

OWN = SLICE // THREADS  # tokens of a slice that an invocation has
MOST = SLICE  # tokens that are gathered, OWN for each invocation
TEAM = 32  # invocations that look for candidates in one slice, while other teams look in others
AHEAD = 16  # loads that an invocation has under way


class Candidates:
    """A row's tokens, in a workgroup of THREADS: all of them slice by slice, or those that were gathered, from registers.

    logits float32[n, vocab_size]; slice_largest float32[slices], shared: the largest logit of each SLICE of the vocabulary.
    """

    def __init__(self, logits: Buffer, row: Expr, thread: Expr, vocab_size: int, slice_largest: Buffer) -> None:
        self.logits, self.row, self.thread, self.vocab_size, self.slice_largest = logits, row, thread, vocab_size, slice_largest
        self.slices = -(-vocab_size // SLICE)
        self._are_gathered = local("are_gathered", 1, "int32")
        self._tokens, self._logits = local("own_tokens", OWN, "int32"), local("own_logits", OWN)
        store(self._are_gathered, 0, 0)

    def each(self, is_wanted: Callable[[Expr], Expr]) -> Iterator[tuple[Expr, Expr]]:
        """A loop over this invocation's tokens with a logit that is wanted: (token, logit). A slice whose largest is not has none."""
        is_gathered = self._are_gathered[0] != 0
        with (
            T.serial(T.Select(is_gathered, 1, self.slices)) as index,
            when(T.Or(is_gathered, is_wanted(let("top", self.slice_largest[index])))),
        ):
            with when(T.Not(is_gathered)):
                tokens = [fixed("token", index * SLICE + i * THREADS + self.thread) for i in range(OWN)]
                self._own(tokens, [token < self.vocab_size for token in tokens])
            with T.unroll(OWN) as i, when(is_wanted(let("logit", self._logits[i]))):
                yield let("token", self._tokens[i]), let("logit", self._logits[i])

    def _own(self, tokens: Sequence[Expr], are_valid: Sequence[Expr]) -> None:
        for i, (token, value) in enumerate(zip(tokens, self._at(tokens, are_valid), strict=True)):
            store(self._tokens, token, i)
            store(self._logits, value, i)

    def _at(self, tokens: Sequence[Expr], are_valid: Sequence[Expr]) -> list[Expr]:
        """Their logits, LOWEST where there is no such token. Without branches, around which loads would come one after the other."""
        values = [let("logit", self.logits[self.row, T.max(0, T.min(token, self.vocab_size - 1))]) for token in tokens]
        return [T.Select(is_valid, value, T.float32(LOWEST)) for value, is_valid in zip(values, are_valid, strict=True)]

    def largest_of_own(self, is_asked: Expr) -> Buffer:
        """The largest logit among every THREADS-th token, float32[1]: any k of these are at most the k-th largest of all."""
        largest = local("own_largest", 1)
        store(largest, T.float32(LOWEST), 0)
        with T.serial(T.Select(is_asked, ceildiv(self.vocab_size, AHEAD * THREADS), 0)) as step:
            first = fixed("first", step * AHEAD * THREADS + self.thread)
            for value in self._run(first, THREADS):
                store(largest, T.max(largest[0], value), 0)
        return largest

    def _run(self, first: Expr, apart: int) -> list[Expr]:
        """The logits of AHEAD tokens."""
        tokens = [first + i * apart for i in range(AHEAD)]
        return self._at(tokens, [token < self.vocab_size for token in tokens])

    def gather(self, is_asked: Expr, floor: Expr) -> None:
        """Keep the tokens whose logit is at least `floor`, unless they are more than MOST. is_asked: the same in every invocation."""
        count, sums = local("count", 1, "int32"), shared("sums", THREADS, "int32")
        found = shared("found_tokens", MOST, "int32")
        with T.serial(T.Select(is_asked, 1, 0)):
            store(count, 0, 0)
            for _, bits in self._above(floor):
                store(count, count[0] + T.Cast("int32", extern("uint32", "countOneBits", bits)), 0)
            own = fixed("own_count", count[0])
            end = fixed("end", self._prefix_sum(sums, own))
            total = fixed("total", sums[THREADS - 1])
            store(count, end - own, 0)
            with when(total <= MOST):
                for first, bits in self._above(floor):
                    with T.serial(AHEAD) as i, when(T.bitwise_and(T.shift_right(bits, T.Cast("uint32", i)), T.uint32(1)) != T.uint32(0)):
                        store(found, first + i * TEAM, count[0])
                        store(count, count[0] + 1, 0)
            barrier()
            with when(total <= MOST):
                store(self._are_gathered, 1, 0)
                places = [fixed("place", i * THREADS + self.thread) for i in range(OWN)]
                self._own([fixed("token", found[place]) for place in places], [place < total for place in places])

    def _above(self, floor: Expr) -> Iterator[tuple[Expr, Expr]]:
        """A loop over the tokens of this invocation as one of a team: (first, bits). Bit i: whether token first + i * TEAM has at least
        `floor`."""
        team, member = self.thread // TEAM, self.thread % TEAM
        with T.serial(ceildiv(self.slices, THREADS // TEAM)) as step:
            index = fixed("index", step * (THREADS // TEAM) + team)
            parts = T.serial(SLICE // TEAM // AHEAD)
            with when(index < self.slices), when(let("top", self.slice_largest[index]) >= floor), parts as part:
                first = fixed("first", index * SLICE + part * AHEAD * TEAM + member)
                bits = T.uint32(0)
                for i, value in enumerate(self._run(first, TEAM)):
                    bits = T.bitwise_or(bits, T.Select(value >= floor, T.uint32(1 << i), T.uint32(0)))
                yield first, fixed("bits", bits, "uint32")

    def _prefix_sum(self, sums: Buffer, value: Expr) -> Expr:
        """Of the invocations up to this one; `sums` holds those of all."""
        before = local("before", 1, "int32")
        store(sums, value, self.thread)
        barrier()
        with T.serial(THREADS.bit_length() - 1) as i:
            step = fixed("step", T.shift_left(1, i))
            store(before, 0, 0)
            with when(self.thread >= step):
                store(before, sums[self.thread - step], 0)
            barrier()
            store(sums, sums[self.thread] + before[0], self.thread)
            barrier()
        return sums[self.thread]
