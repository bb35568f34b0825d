"""The weights of a mixture's experts, one matrix below the other."""

from __future__ import annotations

from dataclasses import dataclass

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.linear.epilogue import weight_buffers
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel
from webllm_build.model.weights import Weight
from webllm_build.quantize import GROUP, Part, Scheme


@dataclass(frozen=True)
class ExpertMatrix:
    """The matrices [rows, columns] of the experts from `first` on, `held` of `count`: all, or what of them a binding can have."""

    scheme: Scheme
    count: int
    first: int
    held: int
    rows: int
    columns: int

    @staticmethod
    def of(part: Part, weight: Weight) -> ExpertMatrix:
        """A part of a weight of experts."""
        rows = weight.shape[0] // weight.experts
        return ExpertMatrix(part.scheme, weight.experts, part.first // rows, part.rows // rows, rows, part.columns)

    @property
    def blocks(self) -> int:
        """Of a row."""
        return self.columns // GROUP

    def buffers(self, kernel: Kernel) -> list[Buffer]:
        return weight_buffers(kernel, self.scheme, self.held * self.rows, self.columns)

    def holds(self, expert: Expr) -> Expr:
        return True if self.held == self.count else T.And(expert >= self.first, expert < self.first + self.held)

    def first_row(self, expert: Expr) -> Expr:
        """Of an expert that it holds, among the rows of the buffers."""
        return (expert - self.first) * self.rows
