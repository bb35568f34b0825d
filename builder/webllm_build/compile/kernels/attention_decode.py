"""Attention of one new token over the paged cache, split over keys; attention_merge.py joins the splits.

A workgroup serves `heads` query heads of one key-value head, which share its loads, and one split of the keys, in tiles of TILE:
1. scores: four invocations share a key; each holds every fourth vector of it. The loads of the values are issued here too.
2. weights: sixteen invocations share a head; each turns four scores into exp2(score - tile maximum).
3. sums: an invocation holds one vector of the head dimension and every `slices`-th part of the keys, and rescales its running sums
   to the new maximum (online softmax, arXiv 1805.02867). At the end the slices are added through workgroup memory.
"""

from __future__ import annotations

import math

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from ..target import Variant
from .fixed import fixed
from .kv_cache import KEY, VALUE, check_heads, kv_buffer, page_of, page_table_buffer, slot_of
from .reduce import butterfly, reduce_all
from .tir_ops import (
    VEC,
    Buffer,
    Expr,
    Kernel,
    barrier,
    ceildiv,
    dot,
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

TILE = 64  # keys
MAX_SPLITS = 64
SHARED_BY_KEY = 4  # invocations
SHARED_BY_HEAD = TILE // VEC
HIDDEN = -1e30  # score of a key that the token must not see; infinity is not safe in WGSL
POOL_BYTES = 8192


def keys_per_split(kv_len: Expr) -> Expr:
    """Keys that one workgroup reads: whole tiles, as few as keep the number of splits at MAX_SPLITS or below."""
    return TILE * ceildiv(kv_len, TILE * MAX_SPLITS)


def num_splits(kv_len: Expr) -> Expr:
    """Workgroups (blockIdx.y) that have work for kv_len >= 1 keys, at most MAX_SPLITS. kv_len: an int or an int32 expression."""
    keys = keys_per_split(kv_len)
    # Both are positive, which TVM cannot know: it would round `//` with care.
    return (kv_len + keys - 1) // keys if isinstance(kv_len, int) else T.truncdiv(kv_len + keys - 1, keys)


def partial_shape(num_heads: int, head_dim: int) -> list[int]:
    """Of float32: for each head and split head_dim sums, then the maximum of the scores (base 2), the sum of weights, two unused."""
    return [num_heads, MAX_SPLITS, head_dim + VEC]


def attention_decode(variant: Variant, num_heads: int, num_kv_heads: int, head_dim: int) -> PrimFunc:
    """softmax(q K / sqrt(head_dim)) V over keys 0..state[0] of each split, not yet divided by the sum of weights.

    q float32[1, num_heads * head_dim]; kv, page_table int32[max_pages]: see kv_cache.py; state int32[16];
    partial float32[partial_shape]. Only the first num_splits(state[0] + 1) splits are written.
    The grid is (workgroups of heads, MAX_SPLITS). The attribute `webllm.grid_y` names the function of kv_len that gives the extent
    of y that is needed: the workgroups beyond it only leave.
    """
    return _AttentionDecode(variant, num_heads, num_kv_heads, head_dim).build()


class _AttentionDecode:
    def __init__(self, variant: Variant, num_heads: int, num_kv_heads: int, head_dim: int) -> None:
        self.variant = variant
        self.num_heads, self.num_kv_heads, self.head_dim = num_heads, num_kv_heads, head_dim
        self.group = check_heads(num_heads, num_kv_heads, head_dim)
        # A bound on registers and workgroup memory: eight heads of 128, four of 256.
        self.heads = max(h for h in range(1, 9) if self.group % h == 0 and (h == 1 or h * head_dim <= 1024))
        self.columns = head_dim // VEC
        self.threads = 128 if head_dim <= 128 else 256
        if not variant.subgroups:  # every invocation pays for the barriers: as few as heads and four slices need
            needed = max(64, self.heads * SHARED_BY_HEAD, 4 * self.columns)
            self.threads = min(self.threads, 1 << (needed - 1).bit_length())
        self.slices = 2 ** int(math.log2(self.threads / self.columns))
        self.slice_keys = TILE // self.slices
        self.key_rows = self.threads // SHARED_BY_KEY
        self.rounds = TILE // self.key_rows
        self.key_vectors = -(-self.columns // SHARED_BY_KEY)  # of one invocation; the last may be padding

    def build(self) -> PrimFunc:
        heads, group = self.heads, self.group
        with Kernel() as kernel:
            T.func_attr({"webllm.grid_y": num_splits.__name__})
            self.q = kernel.buffer("q", (1, self.num_heads * self.head_dim), "float32")
            self.kv = kv_buffer(kernel, self.variant, self.num_kv_heads, self.head_dim)
            state = kernel.buffer("state", (16,), "int32")
            self.page_table = page_table_buffer(kernel)
            self.partial = kernel.buffer("partial", partial_shape(self.num_heads, self.head_dim), "float32")
            with launch([self.num_heads // heads, MAX_SPLITS], [self.threads]) as ((block, self.split), (self.thread,)):
                self.first_head = block * heads
                self.kv_head = block // (group // heads)
                self.kv_len = fixed("kv_len", state[0] + 1)
                keys = fixed("keys", keys_per_split(self.kv_len))
                begin = fixed("begin", self.split * keys)
                with when(begin < self.kv_len):
                    end = fixed("end", T.min(begin + keys, self.kv_len))
                    self._allocate()
                    self._load_queries()
                    with T.serial(ceildiv(end - begin, TILE)) as tile:
                        first = fixed("first", begin + tile * TILE)
                        self._scores(first, end)
                        barrier()
                        self._weights()
                        barrier()
                        self._sums()
                    self._write()
        return kernel.func

    def _allocate(self) -> None:
        heads = self.heads
        self.queries = shared("queries", heads * self.key_vectors * SHARED_BY_KEY, "float32x4")
        self.scores = shared("scores", heads * TILE)
        self.weights = shared("weights", heads * SHARED_BY_HEAD, "float32x4")
        self.tile_max = shared("tile_max", heads)
        self.pool = shared("pool", POOL_BYTES // 16, "float32x4")
        self.sums = local("sums", heads, "float32x4")
        self.weight_sum = local("weight_sum", heads)
        self.running_max = local("running_max", heads)
        for h in range(heads):
            store(self.sums, splat(T.float32(0)), h)
            store(self.weight_sum, T.float32(0), h)
            store(self.running_max, T.float32(HIDDEN), h)
        self.values = local("values", self.slice_keys, f"{self.variant.kv_dtype}x4")
        self.slice = fixed("slice", self.thread // self.columns)
        self.column = fixed("column", self.thread % self.columns)
        # Invocations that step 3 needs; a bound that holds for all is decided when the kernel is built.
        self.active = self.slices * self.columns == self.threads or self.slice < self.slices

    def _load_queries(self) -> None:
        """Scaled queries in workgroup memory, padded with zeros to SHARED_BY_KEY vectors."""
        padded = self.key_vectors * SHARED_BY_KEY
        scale = splat(T.float32(math.log2(math.e) / math.sqrt(self.head_dim)))
        count = self.heads * padded
        for start in range(0, count, self.threads):
            index = let("index", start + self.thread)
            with when(start + self.threads <= count or index < count):
                head, column = index // padded, index % padded
                value = self.q[0, vec((self.first_head + head) * self.columns + column)] * scale
                if padded > self.columns:
                    value = T.if_then_else(column < self.columns, value, splat(T.float32(0)))
                store(self.queries, value, index)
        barrier()

    def _scores(self, first: Expr, end: Expr) -> None:
        row, lane = fixed("row", self.thread // SHARED_BY_KEY), fixed("lane", self.thread % SHARED_BY_KEY)
        last = fixed("last", self.kv_len - 1)  # a read beyond it goes here: what lies in unused slots may be NaN
        key = local("key", self.rounds * self.key_vectors, f"{self.variant.kv_dtype}x4")
        for r in range(self.rounds):
            position = fixed("position", T.min(first + (r * self.key_rows + row), last))
            page = let("page", page_of(self.page_table, position))
            for j in range(self.key_vectors):
                column = j * SHARED_BY_KEY + lane
                if (j + 1) * SHARED_BY_KEY > self.columns:
                    column = T.min(column, self.columns - 1)
                store(key, self.kv[page, KEY, self.kv_head, slot_of(position), column], r * self.key_vectors + j)
        with when(self.active):
            position = fixed("position", T.min(first + self.slice * self.slice_keys, last))
            page = let("page", page_of(self.page_table, position))  # a slice lies in one page
            for i in range(self.slice_keys):
                slot = slot_of(T.min(position + i, last))
                store(self.values, self.kv[page, VALUE, self.kv_head, slot, self.column], i)

        score = local("score", self.heads * self.rounds)
        for i in range(self.heads * self.rounds):
            store(score, T.float32(0), i)
        for j in range(self.key_vectors):
            for h in range(self.heads):
                query = let("query", self.queries[(h * self.key_vectors + j) * SHARED_BY_KEY + lane])
                for r in range(self.rounds):
                    i = h * self.rounds + r
                    store(score, score[i] + dot(query, T.Cast("float32x4", key[r * self.key_vectors + j])), i)
        self._share_scores(score, row, lane, end - first)

    def _share_scores(self, score: Buffer, row: Expr, lane: Expr, keys: Expr) -> None:
        """Add the parts of the invocations that share a key and put the sums into workgroup memory."""
        count = self.heads * self.rounds

        def put(value: Expr, index: Expr) -> None:
            key = (index % self.rounds) * self.key_rows + row
            store(self.scores, extern("float32", "select", T.float32(HIDDEN), value, key < keys), (index // self.rounds) * TILE + key)

        if self.variant.subgroups:
            butterfly(score, count, SHARED_BY_KEY)
            with when(lane == 0):
                for i in range(count):
                    put(score[i], i)
            return
        for start in range(0, count, SHARED_BY_KEY):  # a transposed sum: each invocation adds one of four scores
            chunk = range(start, min(start + SHARED_BY_KEY, count))
            if start:
                barrier()
            parts = [score[i] for i in chunk] + [T.float32(0)] * (SHARED_BY_KEY - len(chunk))
            store(self.pool, _vector(parts), self.thread)
            barrier()
            summed = let("summed", total([self.pool[row * SHARED_BY_KEY + i] for i in range(SHARED_BY_KEY)]))
            for offset in range(len(chunk)):
                with when(lane == offset):
                    put(element(summed, offset), start + offset)

    def _weights(self) -> None:
        head = let("head", T.min(self.thread // SHARED_BY_HEAD, self.heads - 1))
        quad = let("quad", self.thread % SHARED_BY_HEAD)
        score = [let("score", self.scores[head * TILE + quad * VEC + i]) for i in range(VEC)]
        largest = local("largest", 1)
        store(largest, T.max(T.max(score[0], score[1]), T.max(score[2], score[3])), 0)
        if self.variant.subgroups:
            group, groups = self.thread // SHARED_BY_HEAD, self.threads // SHARED_BY_HEAD
            reduce_all(self.variant, largest, 1, lane=quad, width=SHARED_BY_HEAD, group=group, groups=groups, operator="max")
        else:  # cheaper than the barriers of a tree
            with T.serial(TILE) as i:
                store(largest, T.max(largest[0], self.scores[head * TILE + i]), 0)
        with when(self.thread < self.heads * SHARED_BY_HEAD):
            store(self.weights, T.exp2(_vector(score) - splat(largest[0])), self.thread)
            with when(quad == 0):
                store(self.tile_max, largest[0], head)

    def _sums(self) -> None:
        quads = self.slice_keys // VEC
        with when(self.active):
            for h in range(self.heads):
                tile_max = self.tile_max[h]
                new_max = let("new_max", T.max(self.running_max[h], tile_max))
                old_scale = let("old_scale", T.exp2(self.running_max[h] - new_max))
                tile_scale = let("tile_scale", T.exp2(tile_max - new_max))
                store(self.running_max, new_max, h)
                store(self.weight_sum, self.weight_sum[h] * old_scale, h)
                store(self.sums, self.sums[h] * splat(old_scale), h)
                for i in range(quads):
                    weight = let("weight", self.weights[h * SHARED_BY_HEAD + self.slice * quads + i] * splat(tile_scale))
                    store(self.weight_sum, self.weight_sum[h] + dot(weight, splat(T.float32(1))), h)
                    for k in range(VEC):
                        value = T.Cast("float32x4", self.values[i * VEC + k])
                        store(self.sums, self.sums[h] + splat(element(weight, k)) * value, h)

    def _write(self) -> None:
        """Add the slices, as many heads at a time as the pool holds."""
        size = self.slices * self.columns
        at_once = min(self.heads, POOL_BYTES // 16 // size)
        with when(self.active), when(self.column == 0):
            for h in range(self.heads):
                store(self.scores, self.weight_sum[h], h * self.slices + self.slice)
        for start in range(0, self.heads, at_once):
            count = min(at_once, self.heads - start)
            barrier()
            with when(self.active):
                for h in range(count):
                    store(self.pool, self.sums[start + h], h * size + self.thread)
            barrier()
            with when(self.thread < count * self.columns):
                slices = [self.pool[self.slice * size + s * self.columns + self.column] for s in range(self.slices)]
                store(self.partial, total(slices), self.first_head + start + self.slice, self.split, vec(self.column))
            for h in range(start, start + count):
                with when(self.thread == h - start):
                    weight_sum = total([self.scores[h * self.slices + s] for s in range(self.slices)])
                    stats = _vector([self.running_max[h], weight_sum, T.float32(0), T.float32(0)])
                    store(self.partial, stats, self.first_head + h, self.split, vec(self.columns))


def _vector(values: list[Expr]) -> Expr:
    return extern("float32x4", "vec4f", *values)
