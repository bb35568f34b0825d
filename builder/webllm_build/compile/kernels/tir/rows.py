"""Rows of which a workgroup has one, and each of its invocations every so manyth vector."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.ops import Buffer, Expr, ceildiv, dot, let, store, when
from webllm_build.compile.kernels.tir.reduce import reduce_all
from webllm_build.compile.target import Variant


@dataclass(frozen=True)
class Row:
    """vectors: of the row. threads: invocations of the workgroup, of which `thread` is this one."""

    variant: Variant
    vectors: int
    threads: int
    thread: Expr

    @contextmanager
    def each(self) -> Iterator[Expr]:
        """The body runs for each vector that this invocation has; gives its index."""
        with T.serial(ceildiv(self.vectors, self.threads)) as i:
            column = let("column", i * self.threads + self.thread)
            with when(self.vectors % self.threads == 0 or column < self.vectors):
                yield column

    def sum(self, sums: Buffer, of_vector: Callable[[Expr], Expr], *, again: bool = False) -> None:
        """sums[0] (float32, local) = the sum of of_vector(index) over all vectors, in every invocation. again: after another sum."""
        store(sums, T.float32(0), 0)
        with self.each() as column:
            store(sums, sums[0] + of_vector(column), 0)
        reduce_all(self.variant, sums, 1, lane=self.thread, width=self.threads, again=again)


def square(vector: Expr) -> Expr:
    """The sum of its squares."""
    vector = let("value", vector)
    return dot(vector, vector)
