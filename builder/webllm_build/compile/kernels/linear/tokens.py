"""Which rows of activations the workgroups of a matrix product take, and which of the weight."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.linear.epilogue import EpilogueBuffers
from webllm_build.compile.kernels.tir.ops import Expr, ceildiv, let, size, when


class Tile(Protocol):
    """Rows of activations that a workgroup multiplies."""

    def input(self, row: Expr) -> Expr:
        """The row of the input that row `row` of the tile is; beyond the last one, any."""

    @contextmanager
    def output(self, row: Expr, offset: int) -> Iterator[Expr]:
        """Runs the body where there is a row `row + offset` of the tile; gives the row of the output that it is."""

    def weight_row(self, row: Expr) -> Expr:
        """Where row `row` of the matrix is in the buffers of the weight."""

    def finish(self, epilogue: EpilogueBuffers) -> EpilogueBuffers:
        """What becomes of its sums."""


class Tokens(Protocol):
    """All rows of a kernel. inputs, outputs: of its input and its output. matrices: in the buffers of the weight; biases: of how many."""

    inputs: Expr
    outputs: Expr
    matrices: int
    biases: int

    def tiles(self, height: int) -> Expr:
        """How many of up to `height` rows there are."""

    @contextmanager
    def tile(self, number: Expr, height: int) -> Iterator[Tile]:
        """Runs the body where the tile has rows."""


class AllTokens:
    """As many as the size "n" says, one after the other."""

    matrices = biases = 1

    def __init__(self) -> None:
        self.inputs = self.outputs = size("n")

    def tiles(self, height: int) -> Expr:
        return ceildiv(self.inputs, height)

    @contextmanager
    def tile(self, number: Expr, height: int) -> Iterator[Tile]:
        yield _Consecutive(number * height, self.inputs)


@dataclass(frozen=True, eq=False)
class _Consecutive:
    first: Expr
    count: Expr

    def input(self, row: Expr) -> Expr:
        return T.min(self.first + row, self.count - 1)

    @contextmanager
    def output(self, row: Expr, offset: int) -> Iterator[Expr]:
        token = let("token", self.first + row + offset)
        with when(token < self.count):
            yield token

    def weight_row(self, row: Expr) -> Expr:
        return row

    def finish(self, epilogue: EpilogueBuffers) -> EpilogueBuffers:
        return epilogue
