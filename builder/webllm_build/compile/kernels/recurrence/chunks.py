"""What prefills in chunks share: matrices that are carried from chunk to chunk, in registers.

Within a chunk all tokens are computed at once, from products of small matrices, in kernels for which the chunks are independent; then the
state meets a chunk in two products, of what reads it and of what is added to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import gcd

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.recurrence.slots import SLOT_READ, SLOT_WRITTEN, SlotState
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import (
    VEC,
    Buffer,
    Expr,
    barrier,
    ceildiv,
    dot,
    element,
    extern,
    let,
    local,
    shared,
    splat,
    store,
    when,
)
from webllm_build.compile.kernels.tir.reduce import scatter_group
from webllm_build.compile.target import Variant

MOST_STAGED = 12288  # bytes of a chunk's rows in workgroup memory, of 16384 that every GPU has


@dataclass(frozen=True)
class Tile:
    """An invocation has `rows` float32x4 of the rows of `columns` columns of a matrix, as near as sizes allow; a workgroup has up to
    `threads` invocations."""

    rows: int
    columns: int
    threads: int

    def slices(self, rows: int) -> int:
        """Invocations that share a column of `rows` float32x4: a power of two."""
        return max(gcd(rows, 1 << i) for i in range(9) if i == 0 or self.rows << i <= rows)


def tiles(variant: Variant) -> Mapping[str, Tile]:
    """Defaults by vendor, and so what the browser chooses from. A GPU with many cores wants many workgroups; sums of eight invocations
    are cheap in a subgroup, and dear where they go through workgroup memory, above all on a CPU."""
    return {"other": Tile(4, 1, 128)}


class Carried:
    """Some columns of a matrix[rows, columns] of a head, in registers of a workgroup from chunk to chunk."""

    def __init__(self, variant: Variant, tile: Tile, rows: int, columns: int, chunk: int) -> None:
        self._variant, self.chunk = variant, chunk
        self.slices = tile.slices(rows // VEC)
        self.height = rows // VEC // self.slices
        self.each = gcd(columns, tile.columns)
        self.groups = max(groups for groups in range(1, columns // self.each + 1) if self._fits(groups, columns, tile.threads))
        self.width = self.groups * self.each
        self.threads = self.groups * self.slices
        self.blocks = columns // self.width
        self.sums_in_registers = self.slices == 1 or (variant.subgroups and self.slices <= variant.lanes)

    def _fits(self, groups: int, columns: int, threads: int) -> bool:
        return columns % (groups * self.each) == 0 and (groups == 1 or groups * self.slices <= threads)

    def place(self, head: Expr, block: Expr, thread: Expr) -> None:
        """Where the matrix is, and which of it the invocation has. Before all else."""
        self.head, self.block = head, block
        self.slice, self.group = fixed("slice", thread % self.slices), fixed("group", thread // self.slices)
        self._own = local("own", self.height * self.each, "float32x4")

    def column(self, each: Expr) -> Expr:
        """In the workgroup, of one of the invocation's."""
        return self.group * self.each + each

    def vector(self, i: int) -> Expr:
        """Which float32x4 of a row of `rows` numbers meets vector i of the invocation's rows."""
        return i * self.slices + self.slice

    def load(self, slots: SlotState, place: Callable[[Expr, Expr], tuple[Expr, ...]]) -> None:
        """place: in a slot, of a row and a column of the head's matrix."""
        slot = fixed("slot_read", slots.state[0, SLOT_READ])  # negative at the beginning of a sequence
        for i, each, at in self._each(place):
            numbers = [slots.slots[(T.max(slot, 0), *place)] for place in at]
            values = extern("float32x4", "select", splat(T.float32(0)), extern("float32x4", "vec4f", *numbers), slot >= 0)
            store(self._own, values, each * self.height + i)

    def leave(self, slots: SlotState, place: Callable[[Expr, Expr], tuple[Expr, ...]]) -> None:
        slot = fixed("slot_written", slots.state[0, SLOT_WRITTEN])
        for i, each, at in self._each(place):
            for lane, number_at in enumerate(at):
                store(slots.slots, element(self._own[each * self.height + i], lane), slot, *number_at)

    def _each(self, place: Callable[[Expr, Expr], tuple[Expr, ...]]) -> Iterator[tuple[int, int, list[tuple[Expr, ...]]]]:
        for each in range(self.each):
            column = fixed("column", self.block * self.width + self.column(each))
            for i in range(self.height):
                yield i, each, [place(self.vector(i) * VEC + lane, column) for lane in range(VEC)]

    def products(self, row: Callable[[int, int], Expr]) -> Iterator[tuple[Expr, Expr, Expr]]:
        """Of a row for each token of the chunk (row: vector(i) of a token's) with the matrix. Gives (token of the chunk, column of the
        workgroup's, product) once for the body to be emitted, which one invocation runs for each."""
        count = self.chunk * self.each
        sums = local("sums", count)
        for token in range(self.chunk):
            for i in range(self.height):
                vector = let("row", row(token, i))
                for each in range(self.each):
                    product = dot(vector, self._own[each * self.height + i])
                    at = token * self.each + each
                    store(sums, sums[at] + product if i else product, at)
        groups = {"lane": self.slice, "width": self.slices, "group": self.group, "groups": self.groups}
        for index, product in scatter_group(self._variant, sums, count, **groups):
            yield index // self.each, self.column(index % self.each), product

    def move(self, kept: Expr, row: Callable[[int, int], Expr], added: Callable[[int, Expr], Expr]) -> None:
        """The matrix becomes kept * it + the sum over the chunk's tokens of row (as in products) * added (of a token, in a column of the
        workgroup's)."""
        for i in range(self.height * self.each):
            store(self._own, self._own[i] * splat(kept), i)
        for token in range(self.chunk):
            values = [splat(let("added", added(token, self.column(each)))) for each in range(self.each)]
            for i in range(self.height):
                vector = let("row", row(token, i))
                for each in range(self.each):
                    at = each * self.height + i
                    store(self._own, extern("float32x4", "fma", vector, values[each], self._own[at]), at)


class Rows:
    """What a workgroup reads of each token of a chunk: `count` numbers of a dtype, read(token, number). Where sums take no workgroup
    memory, all invocations together fetch a chunk while the one before is computed, and find it there; else each reads what it needs."""

    def __init__(self, matrix: Carried, count: int, dtype: str, read: Callable[[Expr, Expr], Expr]) -> None:
        self._count, self._read, self._threads, self._all = count, read, matrix.threads, matrix.chunk * count
        self.is_staged = matrix.sums_in_registers and self._all * (16 if dtype == "float32x4" else 4) <= MOST_STAGED
        if self.is_staged:
            self._staged, self._next = shared("staged", self._all, dtype), local("next", -(-self._all // self._threads), dtype)

    def at(self, token: Expr, number: Expr) -> Expr:
        """Of a token of the chunk."""
        return self._staged[token * self._count + number] if self.is_staged else self._read(T.min(self._first + token, self._last), number)

    def begin(self, first: Expr, last: Expr) -> None:
        self._first, self._last = first, last

    def stage(self, thread: Expr) -> None:
        for i, index in self._indices(thread):
            with when((i + 1) * self._threads <= self._all or index < self._all):
                store(self._staged, self._next[i], index)

    def fetch(self, thread: Expr, first: Expr, tokens: Expr) -> None:
        for i, index in self._indices(thread):
            store(self._next, self._read(T.min(first + index // self._count, tokens - 1), index % self._count), i)

    def _indices(self, thread: Expr) -> Iterator[tuple[int, Expr]]:
        for i in range(-(-self._all // self._threads)):
            yield i, let("index", i * self._threads + thread)


@contextmanager
def chunks_of(tokens: Expr, chunk: int, thread: Expr, rows: Sequence[Rows]) -> Iterator[tuple[Expr, Expr, Expr]]:
    """Runs the body for each chunk, in order: gives its number, its first token and its last, of which `rows` then know all."""
    staged = [part for part in rows if part.is_staged]
    for part in staged:
        part.fetch(thread, 0, tokens)
    with T.serial(ceildiv(tokens, chunk)) as number:
        first = fixed("first_token", number * chunk)
        last = fixed("last", T.min(first + chunk, tokens) - 1)
        for part in rows:
            part.begin(first, last)
        if staged:
            barrier()
            for part in staged:
                part.stage(thread)
            barrier()
            for part in staged:
                part.fetch(thread, first + chunk, tokens)
        yield number, first, last


def product(values: Buffer, first: Expr, end: Expr) -> Expr:
    """Of values[first] to values[end - 1], 1 where these are none. The difference of two sums of logarithms would lose what is small."""
    result = local("product", 1)
    store(result, T.float32(1), 0)
    with T.serial(first, end) as i:
        store(result, result[0] * values[i], 0)
    return let("of_all", result[0])
