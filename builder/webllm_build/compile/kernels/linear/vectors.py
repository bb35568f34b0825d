"""How matrix-vector kernels share their work, whatever they multiply: tiles, rows of weights, sums across invocations, outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.linear.epilogue import EpilogueBuffers
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, barrier, ceildiv, inverse_rms, let, local, shared, store, when
from webllm_build.compile.kernels.tir.reduce import pick, reduce_group, scatter_group
from webllm_build.compile.target import Variant

# Of one invocation for several vectors: sums in registers, and rows of weights, whose unpacking is most of a kernel's text.
MOST_SUMS, MOST_ROWS = 32, 4


def rms_scale(k: int, norm_eps: float | None) -> Callable[[Expr], Expr]:
    """The sum of squares of k inputs → what their products are multiplied by."""
    return lambda square_sum: fixed("inverse_rms", inverse_rms(square_sum, k, norm_eps or 0), "float32")


@dataclass(frozen=True)
class Tile:
    """How invocations share the work: a group of `lanes` spans a row's blocks of 32 weights and computes `rows` rows, reusing the
    activations that it holds; a workgroup has `groups` of them."""

    lanes: int
    rows: int
    groups: int

    def workgroups(self, n: int) -> int:
        return int(ceildiv(n, self.rows * self.groups))

    def with_all_invocations(self) -> Tile:
        """The tile for a vector that takes long to make: the same sums in the same order, in few workgroups, as large as every GPU has."""
        return Tile(self.lanes, max(1, self.lanes // 8), 256 // self.lanes)

    def for_vectors(self, m: int) -> Tile:
        """The tile for m vectors at a time: the same sums in the same order, for fewer rows of weights where registers would not do."""
        rows = self.rows if m == 1 else min(self.rows, MOST_ROWS, MOST_SUMS // m)
        return replace(self, rows=rows, groups=min(self.groups * self.rows // rows, 256 // self.lanes))


def zeros(name: str, count: int) -> Buffer:
    """Sums of one invocation."""
    buffer = local(name, count)
    for i in range(count):
        store(buffer, T.float32(0), i)
    return buffer


@dataclass(frozen=True)
class Work:
    """What one invocation of a kernel for W[n, 32 * blocks] times m vectors computes.

    sums: of vector t and weight row r at t * tile.rows + r.
    """

    variant: Variant
    tile: Tile
    n: int
    m: int
    workgroup: Expr
    lane: Expr
    group: Expr
    first_row: Expr
    sums: Buffer

    @staticmethod
    def of(variant: Variant, tile: Tile, n: int, m: int, workgroup: Expr, lane: Expr, group: Expr, more_sums: int = 0) -> Work:
        """With `more_sums` sums of the caller's behind the products."""
        first_row = let("first_row", (workgroup * tile.groups + group) * tile.rows)
        return Work(variant, tile, n, m, workgroup, lane, group, first_row, zeros("sums", tile.rows * m + more_sums))

    @property
    def threads(self) -> int:
        return self.tile.lanes * self.tile.groups

    @property
    def thread(self) -> Expr:
        return self.group * self.tile.lanes + self.lane

    @property
    def rows(self) -> list[Expr]:
        """The weight rows. Those beyond the last are computed from the last one's weights and not stored."""
        exact = self.n % (self.tile.rows * self.tile.groups) == 0
        rows = range(self.tile.rows)
        return [self.first_row + r if exact else T.min(self.first_row + r, self.n - 1) for r in rows]

    def blocks(self, count: int) -> Iterator[Expr]:
        """A loop over this invocation's blocks of `count`: yields the block once, for the body to be emitted."""
        with T.serial(0, ceildiv(count, self.tile.lanes)) as step:
            block = step * self.tile.lanes + self.lane
            with when(count % self.tile.lanes == 0 or block < count):
                yield block

    def reduce(self, count: int) -> Callable[[Expr], Expr]:
        """Sums over the group: see reduce_group."""
        tile = self.tile
        return reduce_group(self.variant, self.sums, count, lane=self.lane, width=tile.lanes, group=self.group, groups=tile.groups)

    def each_row(self) -> Iterator[tuple[Expr, Expr]]:
        """The rows that this invocation stores the outputs of: (index in the group, row)."""
        for first in range(0, self.tile.rows, self.tile.lanes):
            row = self.first_row + first + self.lane
            with when(T.And(first + self.lane < self.tile.rows, row < self.n)):
                yield first + self.lane, row

    def each_channel(self) -> Iterator[tuple[Expr, Expr]]:
        """As each_row, of a gated unit: (index of the channel in the group, channel)."""
        channels = self.tile.rows // 2
        for first in range(0, channels, self.tile.lanes):
            channel = self.first_row // 2 + first + self.lane
            with when(T.And(first + self.lane < channels, channel < self.n // 2)):
                yield first + self.lane, channel

    # Several vectors

    def each_product(self) -> Iterator[tuple[Expr, Expr, Expr]]:
        """The products that this invocation has: (vector, index of the row in the group, sum over the group)."""
        tile = self.tile
        place = {"lane": self.lane, "width": tile.lanes, "group": self.group, "groups": tile.groups}
        for index, value in scatter_group(self.variant, self.sums, tile.rows * self.m, **place):
            at = index if isinstance(index, int) else fixed("at", index)
            yield at // tile.rows, at % tile.rows, value

    def scales(self, squares: Buffer | None, scale_of: Callable[[Expr], Expr]) -> Callable[[Expr], Expr]:
        """vector → what its products are multiplied by, given this invocation's part of each vector's sum of squares."""
        if squares is None:
            return lambda vector: T.float32(1)
        tile, inverses = self.tile, local("inverses", self.m)
        sum_of = reduce_group(self.variant, squares, self.m, lane=self.lane, width=tile.lanes, group=self.group, groups=tile.groups)
        for t in range(self.m):
            store(inverses, scale_of(sum_of(t)), t)
        return lambda vector: pick(inverses, self.m, vector)

    def store_outputs(self, finish: EpilogueBuffers, out: Buffer, scale: Callable[[Expr], Expr]) -> None:
        """Store the outputs of a layer that is not gated: products times scale(vector)."""
        for vector, index, value in self.each_product():
            row = fixed("row", self.first_row + index)
            with when(row < self.n):
                store(out, finish.output(value * scale(vector), vector, row), vector, row)

    def store_channels(self, finish: EpilogueBuffers, out: Buffer, scale: Callable[[Expr], Expr]) -> None:
        """Store the channels of a gated unit, out float32[m, n/2]."""
        of_workgroup = self.tile.rows * self.tile.groups // 2
        for at, value in self.each_channel_of_workgroup(finish, scale):
            channel = fixed("channel", self.workgroup * of_workgroup + at % of_workgroup)
            with when(channel < self.n // 2):
                store(out, value, at // of_workgroup, channel)

    def each_channel_of_workgroup(self, finish: EpilogueBuffers, scale: Callable[[Expr], Expr]) -> Iterator[tuple[Expr, Expr]]:
        """The channels of a gated unit that this invocation computes: (vector * channels of the workgroup + channel in it, value)."""
        rows = self.tile.rows * self.tile.groups
        products, count = shared("products", self.m * rows), self.m * rows // 2
        for vector, index, value in self.each_product():
            store(products, value * scale(vector), vector * rows + self.group * self.tile.rows + index)
        barrier()
        for first in range(0, count, self.threads):
            at = fixed("at", first + self.thread)
            with when(first + self.threads <= count or at < count):
                gate, up = (let(name, products[at * 2 + i]) for i, name in enumerate(("gate", "up")))
                yield at, finish.channel(gate, up, self.workgroup * (rows // 2) + at % (rows // 2))
