"""Walks over the logits of a vocabulary, four at a time."""

from __future__ import annotations

from collections.abc import Iterator

from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.ops import at
from webllm_build.compile.kernels.sampling.largest import LOWEST
from webllm_build.compile.kernels.tir.ops import VEC, Buffer, Expr, ceildiv, let, local, splat, store, when


def each_token(logits: Buffer, row: Expr, vocab_size: int) -> Iterator[tuple[Expr, Expr]]:
    """A loop over a row's tokens int32x4 and their logits float32x4; it yields once, for the body to be emitted. The last four may have
    some again, which then are LOWEST."""
    with T.serial(ceildiv(vocab_size, VEC)) as i:
        whole = vocab_size % VEC == 0
        first = let("first", i * VEC if whole else T.min(i * VEC, vocab_size - VEC))
        tokens, found = let("tokens", T.ramp(first, 1, VEC)), let("logits", logits[row, T.ramp(first, 1, VEC)])
        again = None if whole else tokens < T.Broadcast(i * VEC, VEC)
        yield tokens, found if again is None else let("new", T.Select(again, splat(T.float32(LOWEST)), found))


class Largest:
    """The largest of many numbers that are above LOWEST, and its token: of equals the lowest. LOWEST and token 0 where there is none."""

    def __init__(self) -> None:
        self.value, self.token = local("largest", 1), local("token", 1, "int32")
        self._values, self._tokens = local("values", VEC), local("tokens", VEC, "int32")

    def clear(self) -> None:
        store(self._values, splat(T.float32(LOWEST)), at(0))
        store(self._tokens, T.Broadcast(T.int32(0), VEC), at(0))

    def offer(self, values: Expr, tokens: Expr) -> None:
        """Four of each; tokens come in rising order."""
        values = let("value", values)
        larger = values > self._values[at(0)]
        store(self._tokens, T.Select(larger, tokens, self._tokens[at(0)]), at(0))
        store(self._values, T.Select(larger, values, self._values[at(0)]), at(0))

    def reduce(self) -> None:
        """Sets `value` and `token`."""
        store(self.value, T.float32(LOWEST), 0)
        store(self.token, T.int32(0), 0)
        for lane in range(VEC):
            value, token = let("value", self._values[lane]), let("token", self._tokens[lane])
            is_first = T.And(value == self.value[0], T.And(value > T.float32(LOWEST), token < self.token[0]))
            with when(T.Or(value > self.value[0], is_first)):
                store(self.value, value, 0)
                store(self.token, token, 0)


def largest_of(logits: Buffer, row: Expr, vocab_size: int) -> Expr:
    """A row's largest logit."""
    top = Largest()
    top.clear()
    for tokens, found in each_token(logits, row, vocab_size):
        top.offer(found, tokens)
    top.reduce()
    return let("top", top.value[0])
