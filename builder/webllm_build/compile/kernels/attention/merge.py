"""Join the splits of attention_decode: by a kernel, or in the product that reads what they give (merged.py)."""

from __future__ import annotations

import math

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.attention.decode import HIDDEN
from webllm_build.compile.kernels.attention.kv_cache import ONE_ROW, TINY, Rows, gated, sinks_buffer, state_buffer
from webllm_build.compile.kernels.attention.splits import MOST_PARTIAL, partial_shape, partial_splits
from webllm_build.compile.kernels.linear.codes import make_block, makers
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import (
    VEC,
    Buffer,
    Expr,
    Kernel,
    barrier,
    element,
    extern,
    launch,
    let,
    local,
    shared,
    splat,
    store,
    total,
    vec,
    when,
)
from webllm_build.compile.kernels.tir.reduce import reduce_all
from webllm_build.compile.target import Variant
from webllm_build.model.attention import Attention
from webllm_build.quantize import GROUP

THREADS = 256
LANES = 8  # invocations without subgroups are a multiple
UNROLL = 4  # splits that an invocation loads at once
MOST_SLICES = 16


def can_make_codes(attention: Attention) -> bool:
    """Whether a head is whole blocks, and no norm stands behind it."""
    return attention.head_dim % GROUP == 0 and not attention.normed


def merge_threads(variant: Variant, attention: Attention) -> int:
    """Of a workgroup, which has a head."""
    return THREADS if variant.subgroups else -(-attention.head_dim // VEC // LANES) * LANES


def slices_of(variant: Variant, attention: Attention) -> int:
    """How many sums a head's splits are added up in, each of every so manyth, before these are. A power of two."""
    return min(MOST_SLICES, 1 << int(math.log2(merge_threads(variant, attention) / (attention.head_dim // VEC))))


def split_scales(
    variant: Variant, stats: Buffer, splits: Expr, lane: Expr, width: int, sink: Expr | None = None
) -> list[tuple[Expr, Expr]]:
    """What a head's splits are multiplied by, of which the sum is what it attends to: [(split, float32)] of this one of `width`
    invocations. Beyond the last split it is 0.

    stats: see load_stats. sink: of the head, where there is one, as an exponent of 2. Must be reached by all.
    """
    rounds, largest, weight = int(stats.shape[0]), local("largest", 1), local("weight", 1)
    places = [fixed("of_lane", lane + i * width) for i in range(rounds)]
    for i, place in enumerate(places):
        nothing = extern("float32x4", "vec4f", T.float32(HIDDEN), T.float32(0), T.float32(0), T.float32(0))
        store(stats, extern("float32x4", "select", nothing, stats[i], place < splits), i)
        store(largest, element(stats[i], 0) if i == 0 else T.max(largest[0], element(stats[i], 0)), 0)
    reduce_all(variant, largest, 1, lane=lane, width=width, operator="max")
    most = largest[0] if sink is None else T.max(largest[0], sink)
    most = fixed("most", most, "float32")
    scales = [fixed("scale", T.exp2(element(stats[i], 0) - most), "float32") for i in range(rounds)]
    store(weight, T.float32(0), 0)
    for i, scale in enumerate(scales):
        store(weight, extern("float32", "fma", element(stats[i], 1), scale, weight[0]), 0)
    reduce_all(variant, weight, 1, lane=lane, width=width, again=True)
    weight_sum = weight[0] if sink is None else weight[0] + T.exp2(sink - most)
    # A row of padding may have no splits.
    inverse = fixed("inverse_weight", T.float32(1) / T.max(weight_sum, T.float32(TINY)), "float32")
    return [(place, scale * inverse) for place, scale in zip(places, scales, strict=True)]


def load_stats(partial: Buffer, row: Expr, head: Expr, lane: Expr, width: int) -> Buffer:
    """The last vectors of every width-th of all places for a head's splits (partial_shape): these loads wait for nobody who knows how many
    there are."""
    rounds, columns = -(-MOST_PARTIAL // width), int(partial.shape[3]) // VEC - 1
    stats = local("stats", rounds, "float32x4")
    for i in range(rounds):
        split = lane + i * width
        split = split if (i + 1) * width <= MOST_PARTIAL else T.min(split, MOST_PARTIAL - 1)
        store(stats, partial[row, head, split, vec(columns)], i)
    return stats


def add_split(sum_of: Expr, loaded: Expr, scale: Expr) -> Expr:
    """By one built-in, as kernels must agree on it."""
    return extern("float32x4", "fma", loaded, splat(scale), sum_of)


def attention_merge(variant: Variant, attention: Attention, rows: Rows = ONE_ROW, *, codes: bool = False) -> PrimFunc:
    """Attention output of each row from the partial results of the splits.

    qkv float32[rows, qkv_size] (of a layer whose outputs have gates, and no other); sinks: see kv_cache.py;
    partial float32[rows, *partial_shape], of which the splits that attention_decode wrote are read; state: see kv_cache.py;
    out float32[rows, query_size], or with `codes` out_q, out_s, its codes (see linear/codes.py).
    A workgroup serves one head of a row; its invocations hold one vector of the head dimension and every `slices`-th split. Without
    subgroups one slice takes all splits.
    """
    return _Merge(variant, attention, rows, codes).build()


class _Merge:
    def __init__(self, variant: Variant, attention: Attention, rows: Rows, codes: bool) -> None:
        self.codes, self.variant, self.attention, self.rows = codes, variant, attention, rows
        self.columns = attention.head_dim // VEC
        self.threads, self.slices = merge_threads(variant, attention), slices_of(variant, attention)

    def build(self) -> PrimFunc:
        heads = self.attention.heads
        with Kernel() as kernel:
            m = self.rows.count()
            self.qkv = kernel.buffer("qkv", (m, self.attention.qkv_size), "float32") if self.attention.gate else None
            sinks = sinks_buffer(kernel, self.attention)
            self.partial = kernel.buffer("partial", (m, *partial_shape(self.attention)), "float32")
            state = state_buffer(kernel)
            if self.codes:
                self.out_q = kernel.buffer("out_q", (m, self.attention.query_size // 16), "uint32x4")
                self.out_s = kernel.buffer("out_s", (m, self.attention.query_size // GROUP), "float32")
            else:
                self.out = kernel.buffer("out", (m, self.attention.query_size), "float32")
            with launch([m * heads], [self.threads]) as ((block,), (self.thread,)):
                self.row, self.head = self.rows.split(block, heads)
                self.slice = fixed("slice", T.min(self.thread // self.columns, self.slices - 1))
                self.column = fixed("column", self.thread % self.columns)
                self.splits = fixed("splits", partial_splits(self.attention, state[self.row, 0]))
                self.last = fixed("last", T.max(self.splits - 1, 0))
                sink = None if sinks is None else fixed("sink", sinks[self.head] * T.float32(math.log2(math.e)), "float32")
                self.sum = local("sum", 1, "float32x4")
                self._join_splits(sink)
                self.values = shared("values", self.columns, "float32x4") if self.codes else None
                if self.slices == 1:
                    with when(self.threads == self.columns or self.thread < self.columns):
                        self._finish(self.sum[0])
                else:
                    self._join_slices()
                if self.values is not None:
                    self._store_codes(self.values)
        return kernel.func

    def _join_splits(self, sink: Expr | None) -> None:
        """All loads of a step are under way at once, the first one's while scales are made."""
        at_once = self.slices * UNROLL
        scales, loaded = shared("scales", MOST_PARTIAL), local("loaded", UNROLL, "float32x4")

        def load(first: Expr) -> None:
            for i in range(UNROLL):
                split = T.min(first + i * self.slices, self.last)
                store(loaded, self.partial[self.row, self.head, split, vec(self.column)], i)

        load(self.slice)
        self._store_scales(scales, sink)
        store(self.sum, splat(T.float32(0)), 0)
        with T.serial(T.truncdiv(self.splits + (at_once - 1), at_once)) as step:
            first = fixed("first", step * at_once + self.slice)
            if at_once < MOST_PARTIAL:
                with when(step > 0):
                    load(first)
            for i in range(UNROLL):
                store(self.sum, add_split(self.sum[0], loaded[i], scales[first + i * self.slices]), 0)

    def _store_scales(self, scales: Buffer, sink: Expr | None) -> None:
        """By the first subgroup, or without such by all invocations."""
        width = self.variant.lanes if self.variant.subgroups else self.threads
        lane = self.thread if width == self.threads else fixed("lane", self.thread % width)
        stats = load_stats(self.partial, self.row, self.head, lane, width)
        made = split_scales(self.variant, stats, self.splits, lane, width, sink)
        with when(width == self.threads or self.thread < width):
            for i, (split, scale) in enumerate(made):
                with when((i + 1) * width <= MOST_PARTIAL or split < MOST_PARTIAL):
                    store(scales, scale, split)
        barrier()

    def _join_slices(self) -> None:
        slices, columns = self.slices, self.columns
        all_sums = shared("all_sums", slices * columns, "float32x4")
        with when(slices * columns == self.threads or self.thread < slices * columns):
            store(all_sums, self.sum[0], self.thread)
        barrier()
        with when(self.thread < columns):
            self._finish(total([all_sums[s * columns + self.thread] for s in range(slices)]))

    def _finish(self, value: Expr) -> None:
        """Store vector `thread` of the head."""
        value = gated(self.attention, self.qkv, self.row, self.head, self.thread, value)
        if self.values is not None:
            store(self.values, value, self.thread)
        else:
            store(self.out, value, self.row, vec(self.head * self.columns + self.thread))

    def _store_codes(self, values: Buffer) -> None:
        barrier()
        of_block, blocks = makers(self.variant), self.attention.head_dim // GROUP
        each, units = self.columns // (blocks * of_block), blocks * of_block
        unit, is_real = fixed("unit", T.min(self.thread, units - 1)), self.thread < units
        made = make_block(self.variant, fixed("part", unit % of_block), [let("quad", values[unit * each + j]) for j in range(each)])
        made.store(is_real, self.out_q, self.out_s, self.row, fixed("block", self.head * blocks + unit // of_block))
