"""The rows of a matrix product with the experts' matrices: tiles of pairs of a token and an expert, as `group` has made them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.experts.group import BEGIN, END, EXPERT, TILE_WORDS, tile_count
from webllm_build.compile.kernels.experts.matrix import ExpertMatrix
from webllm_build.compile.kernels.linear.epilogue import EpilogueBuffers
from webllm_build.compile.kernels.linear.tokens import Tile
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel, let, size, when


class ExpertTokens:
    """Parameters order, tiles: see group.py. The output has a row for each pair, and the input one for each pair too, or (of_tokens) one
    for each token."""

    def __init__(self, kernel: Kernel, matrix: ExpertMatrix, chosen: int, height: int, *, of_tokens: bool) -> None:
        self.matrices, self.biases = matrix.held, matrix.count
        n = size("n")
        self.inputs, self.outputs = n if of_tokens else n * chosen, n * chosen
        self._matrix, self._pairs_a_row = matrix, chosen if of_tokens else 1
        self._order = kernel.buffer("order", (self.outputs,), "int32")
        self._tiles = kernel.buffer("tiles", (self.tiles(height), TILE_WORDS), "int32")

    def tiles(self, height: int) -> Expr:
        return tile_count(self.outputs, self._matrix.count, height)

    @contextmanager
    def tile(self, number: Expr, height: int) -> Iterator[Tile]:
        expert, begin, end = (fixed(name, self._tiles[number, word]) for name, word in (("expert", EXPERT), ("begin", BEGIN), ("end", END)))
        holds = self._matrix.holds(expert)
        with when(begin < end if holds is True else T.And(begin < end, holds)):
            yield _OfExpert(self._matrix, self._order, self._pairs_a_row, expert, begin, end)


@dataclass(frozen=True, eq=False)
class _OfExpert:
    matrix: ExpertMatrix
    order: Buffer
    pairs_a_row: int
    expert: Expr
    begin: Expr
    end: Expr

    def input(self, row: Expr) -> Expr:
        return self.order[T.min(self.begin + row, self.end - 1)] // self.pairs_a_row

    @contextmanager
    def output(self, row: Expr, offset: int) -> Iterator[Expr]:
        place = let("place", self.begin + row + offset)
        with when(place < self.end):
            yield fixed("pair", self.order[place])

    def weight_row(self, row: Expr) -> Expr:
        return self.matrix.first_row(self.expert) + row

    def finish(self, epilogue: EpilogueBuffers) -> EpilogueBuffers:
        return epilogue.of_expert(self.expert, self.matrix.rows)
