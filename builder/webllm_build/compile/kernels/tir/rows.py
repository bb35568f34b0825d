"""Rows of which a workgroup has one, and each of its invocations every so manyth vector."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, barrier, ceildiv, dot, let, local, shared, store, total, when
from webllm_build.compile.kernels.tir.reduce import butterfly, reduce_all
from webllm_build.compile.target import Variant

THREADS = 128  # of a workgroup that has a row


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


def sum_of_row(variant: Variant, vectors: int, threads: int, thread: Expr, of_vector: Callable[[Expr], Expr]) -> Expr:
    """The sum of of_vector(index) over all vectors of a row, float32, in every invocation of a workgroup of `threads`, a power of two of at
    least a subgroup's: bit for bit what `Row.sum` gives where a workgroup has THREADS. Of variants with subgroups, once in a kernel."""
    lanes, strides, parts = variant.lanes, max(1, THREADS // threads), THREADS // variant.lanes
    sums = local("row_sums", strides)
    for stride in range(strides):
        store(sums, T.float32(0), stride)
        with when(threads <= THREADS or thread < THREADS):
            for first in range(0, vectors, THREADS):
                column = let("column", first + stride * threads + thread)
                with when(first + stride * threads + min(threads, THREADS) <= vectors or column < vectors):
                    store(sums, sums[stride] + of_vector(column), stride)
    butterfly(sums, strides, lanes)
    if threads == lanes:
        return fixed("row_sum", total([sums[stride] for stride in range(strides)]), "float32")
    partial = shared("row_parts", parts)
    with when(thread % lanes == 0), when(threads <= THREADS or thread < THREADS):
        for stride in range(strides):
            store(partial, sums[stride], (stride * threads + thread) // lanes)
    barrier()
    return fixed("row_sum", total([partial[part] for part in range(parts)]), "float32")


def square(vector: Expr) -> Expr:
    """The sum of its squares."""
    vector = let("value", vector)
    return dot(vector, vector)
