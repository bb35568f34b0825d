"""Join the splits of attention_decode and the token itself, and append the token to the cache."""

from __future__ import annotations

import math

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.attention.decode import HIDDEN, capped, join, num_splits, partial_shape, scale_at, seen_before
from webllm_build.compile.kernels.attention.kv_cache import (
    KEY,
    ONE_ROW,
    TINY,
    VALUE,
    KvCache,
    Rows,
    Share,
    gated,
    layout_of,
    page_of,
    qk_norm_buffer,
    rounded,
    sinks_buffer,
    slot_of,
    state_buffer,
)
from webllm_build.compile.kernels.attention.rope_append import LANES, append, largest_magnitude, normalised, rms_scale, rotate
from webllm_build.compile.kernels.linear.codes import make_block, makers
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import (
    VEC,
    Buffer,
    Expr,
    Kernel,
    barrier,
    dot,
    element,
    extern,
    launch,
    let,
    local,
    shared,
    size,
    splat,
    store,
    total,
    vec,
    when,
)
from webllm_build.compile.kernels.tir.reduce import Operator, reduce_all
from webllm_build.compile.target import Variant
from webllm_build.model.attention import Attention
from webllm_build.quantize import GROUP

THREADS = 256
UNROLL = 4  # splits that an invocation loads at once


def can_make_codes(attention: Attention) -> bool:
    """Whether a head is whole blocks, no norm stands behind it, and the kernel's bindings, with those of the codes, are no more than every
    GPU has."""
    few = attention.shared or (attention.qk_norm is None and not attention.sinks)
    return attention.head_dim % GROUP == 0 and few and not attention.normed


def attention_merge(variant: Variant, attention: Attention, rows: Rows = ONE_ROW, *, codes: bool = False) -> PrimFunc:
    """Attention output of each row from the partial results of the splits, and from the token's own key and value, which join the cache.

    qkv, rope: see decode.py; partial float32[rows, *partial_shape], of which the splits that attention_decode wrote are read;
    qk_norm, state, page_table, kv: see kv_cache.py, written in place at position state[row, 0]; out float32[rows, query_size], or with
    `codes` out_q, out_s, its codes (see linear/codes.py).
    A layer whose keys another one has appended has no own to add; of these parameters it has qkv where outputs have gates, partial, state
    and out.
    A workgroup serves one head of a row; its invocations hold one vector of the head dimension and every `slices`-th split. Without
    subgroups one slice takes all splits.
    """
    return (_Merge if attention.shared else _MergeOwn)(variant, attention, rows, codes).build()


class _Merge:
    def __init__(self, variant: Variant, attention: Attention, rows: Rows, codes: bool) -> None:
        self.codes = codes
        self.variant, self.attention, self.layout, self.rows = variant, attention, layout_of(variant, attention), rows
        self.num_heads, self.num_kv_heads, self.head_dim = attention.heads, attention.kv_heads, attention.head_dim
        self.group = attention.group
        self.columns = self.head_dim // VEC
        self.threads = THREADS if variant.subgroups else -(-self.columns // LANES) * LANES
        self.slices = 1 << int(math.log2(self.threads / self.columns))

    def build(self) -> PrimFunc:
        with Kernel() as kernel:
            m = self.rows.count()
            self._inputs(kernel, m)
            self.partial = kernel.buffer("partial", (m, *partial_shape(self.attention)), "float32")
            state = state_buffer(kernel)
            self._places(kernel)
            if self.codes:
                self.out_q = kernel.buffer("out_q", (m, self.attention.query_size // 16), "uint32x4")
                self.out_s = kernel.buffer("out_s", (m, self.attention.query_size // GROUP), "float32")
            else:
                self.out = kernel.buffer("out", (m, self.attention.query_size), "float32")
            with launch([m * self.num_heads], [self.threads]) as ((block,), (self.thread,)):
                self.row, self.head = self.rows.split(block, self.num_heads)
                self.kv_head = self.head // self.group
                self.slice = fixed("slice", T.min(self.thread // self.columns, self.slices - 1))
                self.column = fixed("column", self.thread % self.columns)
                position = fixed("position", state[self.row, 0])
                self.sums, self.largest, self.weight = local("sums", 1, "float32x4"), local("largest", 1), local("weight", 1)
                self._begin(position)
                self._join_splits(fixed("splits", num_splits(seen_before(self.attention, position))))
                self.values = shared("values", self.columns, "float32x4") if self.codes else None
                if self.slices == 1:
                    with when(self.threads == self.columns or self.thread < self.columns):
                        self._finish(self.sums[0] / splat(self.weight[0]))
                else:
                    self._join_slices()
                if self.values is not None:
                    self._store_codes(self.values)
        return kernel.func

    def _inputs(self, kernel: Kernel, m: Expr) -> None:
        """The first parameters."""
        self.qkv = kernel.buffer("qkv", (m, self.attention.qkv_size), "float32") if self.attention.gate else None

    def _places(self, kernel: Kernel) -> None:
        """Parameters that say where the token goes."""

    def _begin(self, position: Expr) -> None:
        """What each slice has before any split. A row of padding has none, and no weight but this."""
        store(self.sums, splat(T.float32(0)), 0)
        store(self.largest, T.float32(HIDDEN), 0)
        store(self.weight, T.float32(TINY), 0)

    def _join_splits(self, splits: Expr) -> None:
        at_once = self.slices * UNROLL
        stats, loaded = local("stats", UNROLL, "float32x4"), local("loaded", UNROLL, "float32x4")
        with T.serial(T.truncdiv(splits + (at_once - 1), at_once)) as step:
            first = fixed("first", step * at_once + self.slice)
            # What lies beyond the last split may be NaN.
            for i in range(UNROLL):
                split = fixed("split", T.min(first + i * self.slices, splits - 1))
                store(stats, self.partial[self.row, self.head, split, vec(self.columns)], i)
                store(loaded, self.partial[self.row, self.head, split, vec(self.column)], i)
            new_max = self.largest[0]
            for i in range(UNROLL):
                inside = first + i * self.slices < splits
                store(stats, extern("float32x4", "select", splat(T.float32(HIDDEN)), stats[i], inside), i)
                new_max = T.max(new_max, element(stats[i], 0))
            new_max = fixed("new_max", new_max, "float32")
            old_scale = fixed("old_scale", T.exp2(self.largest[0] - new_max), "float32")
            store(self.sums, self.sums[0] * splat(old_scale), 0)
            store(self.weight, self.weight[0] * old_scale, 0)
            store(self.largest, new_max, 0)
            for i in range(UNROLL):
                scale = fixed("scale", T.exp2(element(stats[i], 0) - new_max), "float32")
                store(self.sums, self.sums[0] + loaded[i] * splat(scale), 0)
                store(self.weight, self.weight[0] + element(stats[i], 1) * scale, 0)

    def _join_slices(self) -> None:
        slices, columns = self.slices, self.columns
        all_sums = shared("all_sums", slices * columns, "float32x4")
        all_largest, all_weights = shared("all_largest", slices), shared("all_weights", slices)
        with when(slices * columns == self.threads or self.thread < slices * columns):
            store(all_sums, self.sums[0], self.thread)
            with when(self.column == 0):
                store(all_largest, self.largest[0], self.slice)
                store(all_weights, self.weight[0], self.slice)
        barrier()
        with when(self.thread < columns):
            scales, stats = join([all_largest[s] for s in range(slices)], [all_weights[s] for s in range(slices)])
            value = total([all_sums[s * columns + self.thread] * splat(scale) for s, scale in enumerate(scales)])
            self._finish(value / splat(element(stats, 1)))

    def _finish(self, value: Expr) -> None:
        """Store vector `thread` of the head."""
        value = gated(self.attention, self.qkv, self.row, self.head, self.thread, value)
        if self.values is not None:
            store(self.values, value, self.thread)
        else:
            store(self.out, value, self.row, vec(self.head * self.columns + self.thread))

    def _store_codes(self, values: Buffer) -> None:
        barrier()
        of_block, blocks = makers(self.variant), self.head_dim // GROUP
        each, units = self.columns // (blocks * of_block), blocks * of_block
        unit, is_real = fixed("unit", T.min(self.thread, units - 1)), self.thread < units
        made = make_block(self.variant, fixed("part", unit % of_block), [let("quad", values[unit * each + j]) for j in range(each)])
        made.store(is_real, self.out_q, self.out_s, self.row, fixed("block", self.head * blocks + unit // of_block))


class _MergeOwn(_Merge):
    def _inputs(self, kernel: Kernel, m: Expr) -> None:
        self.new = kernel.buffer("qkv", (m, self.attention.qkv_size), "float32")
        self.qkv = self.new
        self.rope = kernel.buffer("rope", (size("rope_rows"), self.head_dim), "float32")
        self.qk_norm = qk_norm_buffer(kernel, self.attention)
        self.sinks = sinks_buffer(kernel, self.attention)

    def _places(self, kernel: Kernel) -> None:
        self.page_table = self.rows.page_table(kernel)
        self.cache = KvCache(kernel, self.layout)

    def _begin(self, position: Expr) -> None:
        """Begin the first slice with the token itself. One head of those that share a key and value appends them."""
        page, slot = page_of(self.page_table, self.row, position), slot_of(position)
        share, self.lane = Share(self.columns, LANES), fixed("lane", self.thread % LANES)
        heads = (self.head, self.num_heads + self.kv_head, self.num_heads + self.num_kv_heads + self.kv_head)
        query, key, value = rows = [local(name, share.vectors, "float32x4") for name in ("query", "key", "value")]
        for j, (column, inside) in enumerate(share.places(self.lane)):
            for row in rows:
                store(row, splat(T.float32(0)), j)
            with when(inside):
                turn = let("turn", self.rope[self.row, vec(column)])
                loaded = [let("loaded", self.new[self.row, vec(head * self.columns + column)]) for head in heads]
                turned = loaded[:2] if self.qk_norm is not None else [rotate(x, turn) for x in loaded[:2]]
                for row, x in zip(rows, (*turned, loaded[2]), strict=True):
                    store(row, x, j)
        scale_of_value = None if self.qk_norm is None else self._normalise(share, query, key, value, self.qk_norm)
        largest = local("row_largest", 2)
        if self.layout.scaled:
            for kind, row in ((KEY, key), (VALUE, value)):
                store(largest, largest_magnitude(row, share.vectors), kind)
            self._reduce(largest, "max")
        is_real = position >= 0 if self.rows.several else True
        with when(is_real), when(T.And(self.head % self.group == 0, self.thread < LANES)):
            for kind, row in ((KEY, key), (VALUE, value)):
                append(self.cache, (page, kind, self.kv_head, slot), share, self.lane, row, largest[kind])
        # The token is seen as later ones will see it, rounded by the cache.
        score = local("score", 1)
        products = [dot(query[j], rounded(self.layout, key[j], largest[KEY])) for j in range(share.vectors)]
        store(score, total(products) * scale_at(self.attention, position), 0)
        self._reduce(score, "sum")
        if self.attention.softcap is not None:
            store(score, capped(self.attention, score[0]), 0)
        largest_score, weight = score[0], T.float32(1)
        own = let("own", self.new[self.row, vec(heads[2] * self.columns + self.column)])
        own = rounded(self.layout, own if scale_of_value is None else let("own_normed", own * scale_of_value), largest[VALUE])
        if self.sinks is not None:
            sink = fixed("sink", self.sinks[self.head] * T.float32(math.log2(math.e)), "float32")
            largest_score = fixed("largest_score", T.max(score[0], sink), "float32")
            own_weight = fixed("own_weight", T.exp2(score[0] - largest_score), "float32")
            own, weight = own * splat(own_weight), own_weight + T.exp2(sink - largest_score)
        first = self.slice == 0
        store(self.sums, T.Select(first, own, splat(T.float32(0))), 0)
        store(self.largest, T.Select(first, largest_score, T.float32(HIDDEN)), 0)
        store(self.weight, T.Select(first, weight, T.float32(0)), 0)

    def _normalise(self, share: Share, query: Buffer, key: Buffer, value: Buffer, weights: Buffer) -> Expr | None:
        """RMS norms of the query and the key, which are then turned, and of the value where it has one: what it was multiplied by."""
        normed = (query, key, value)[: 3 if self.attention.value_norm else 2]
        squares = local("squares", len(normed))
        for i, row in enumerate(normed):
            store(squares, total([dot(row[j], row[j]) for j in range(share.vectors)]), i)
        self._reduce(squares, "sum")
        for i, row in enumerate((query, key)):
            scale = splat(fixed("rms_scale", rms_scale(self.attention, squares[i]), "float32"))
            for j, (column, inside) in enumerate(share.places(self.lane)):
                with when(inside):
                    weight = weights[vec(i * self.columns + column)]
                    store(row, normalised(self.attention, row[j] * scale, weight, self._turn, column), j)
        if not self.attention.value_norm:
            return None
        scale = splat(fixed("rms_scale", rms_scale(self.attention, squares[2]), "float32"))
        for j in range(share.vectors):
            store(value, value[j] * scale, j)
        return scale

    def _turn(self, x: Expr, column: Expr) -> Expr:
        return rotate(x, let("turn", self.rope[self.row, vec(column)]))

    def _reduce(self, values: Buffer, operator: Operator) -> None:
        place = {"lane": self.lane, "width": LANES, "group": self.thread // LANES, "groups": self.threads // LANES}
        reduce_all(self.variant, values, int(values.shape[0]), **place, operator=operator, again=True)
