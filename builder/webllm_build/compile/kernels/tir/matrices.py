"""Subgroup matrices, which TIR has no types for: statements of WGSL, which wgsl.py puts in the place of the calls that hold them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tvm.ir import StringImm
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.ops import Buffer, Expr

WRITTEN = "written"


def written(text: str, buffer: Buffer, *values: Expr) -> None:
    """Statements in WGSL, which name the buffer, and in which {1} is the first of the values. Offsets in it are best unsigned, without
    shifts: of these Tint sees that they are within bounds, and does not clamp them."""
    T.evaluate(T.call_extern("int32", WRITTEN, StringImm(text), buffer[0], *values))


@dataclass(frozen=True)
class Sums:
    """rows * columns matrices of edge * edge float32, of one subgroup: products of float16 matrices in workgroup memory are added to them.

    Both operands are rows of `depth` inputs, `stride` float16 apart.
    """

    rows: int
    columns: int
    edge: int

    def declare(self, tiles: Buffer) -> None:
        kind = f"subgroup_matrix_result<f32, {self.edge}, {self.edge}>"
        written(" ".join(f"var {name} : {kind};" for _, _, name in self._names()), tiles)

    def add_product(self, tiles: Buffer, depth: int, stride: int, first_left: str, first_right: str) -> None:
        """tiles: both operands, whose rows begin at first_left and first_right for the subgroup."""
        lines = [f"let first_left = {first_left};", f"let first_right = {first_right};"]
        for k in range(0, depth, self.edge):
            operands = (("left", self.rows, "row"), ("right", self.columns, "col"))
            for side, count, order in operands:
                kind = f"subgroup_matrix_{side}<f16, {self.edge}, {self.edge}>"
                lines += (
                    f"let {side}{i}_{k} = subgroupMatrixLoad<{kind}, {order}_major>"
                    f"(&{tiles.name}, first_{side} + {i * self.edge * stride + k}u, {stride}u);"
                    for i in range(count)
                )
            lines += (
                f"{name} = subgroupMatrixMultiplyAccumulate(left{i}_{k}, right{j}_{k}, {name});" for i, j, name in self._names()
            )
        written("{{ " + " ".join(lines) + " }}", tiles)

    def store(self, row: int, column: int, buffer: Buffer, first: str) -> None:
        """Into float32 workgroup memory, row by row, from `first` on."""
        written(f"subgroupMatrixStore<row_major>(&{buffer.name}, {first}, {_name(row, column)}, {self.edge}u);", buffer)

    def _names(self) -> Iterator[tuple[int, int, str]]:
        return ((i, j, _name(i, j)) for i in range(self.rows) for j in range(self.columns))


def _name(row: int, column: int) -> str:
    return f"sum{row}_{column}"
