"""Causal attention of many new tokens over the paged cache, in tiles (FlashAttention, arXiv 2205.14135).

A workgroup serves ROWS rows of one key-value head; a row is one query head of one token, so the heads that share keys share loads
whatever their number. Four invocations share a row: each holds every fourth vector of its query and of its sums in registers, and
their parts of a score are added by shuffles. Keys and values pass through workgroup memory as float32; the next tile is loaded
into registers while this one is multiplied.
"""

from __future__ import annotations

import math

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from ..io import PAGE_SIZE
from ..target import Variant
from .attention_decode import HIDDEN
from .fixed import fixed
from .kv_cache import KEY, VALUE, check_heads, kv_buffer, page_of, page_table_buffer, slot_of
from .reduce import butterfly
from .tir_ops import VEC, Buffer, Expr, Kernel, barrier, ceildiv, dot, extern, launch, local, shared, size, splat, store, total, vec, when

ROWS = 32
PARTS = 4  # invocations that share a row
THREADS = ROWS * PARTS
TILE_BYTES = 8192  # of keys and values together


def attention_prefill(variant: Variant, num_heads: int, num_kv_heads: int, head_dim: int) -> PrimFunc:
    """softmax(q K / sqrt(head_dim)) V; token t of n sees keys 0..state[0]+t, those of earlier calls included.

    q float32[n, num_heads * head_dim]; kv, page_table int32[max_pages]: see kv_cache.py, with the n tokens already appended;
    state int32[16]; out float32[n, num_heads * head_dim].
    """
    return _AttentionPrefill(variant, num_heads, num_kv_heads, head_dim).build()


class _AttentionPrefill:
    def __init__(self, variant: Variant, num_heads: int, num_kv_heads: int, head_dim: int) -> None:
        self.variant = variant
        self.num_heads, self.num_kv_heads, self.head_dim = num_heads, num_kv_heads, head_dim
        self.group = check_heads(num_heads, num_kv_heads, head_dim)
        self.columns = head_dim // VEC
        self.vectors = -(-self.columns // PARTS)  # of one invocation; the last may be padding
        # A power of two, so that a tile lies in one page.
        self.tile = min(PAGE_SIZE, 2 ** int(math.log2(TILE_BYTES / (2 * head_dim * 4))))
        self.loads = -(-self.tile * self.columns // THREADS)  # vectors of keys, and as many of values, of one invocation

    def build(self) -> PrimFunc:
        with Kernel() as kernel:
            self.n = size("n")
            self.q = kernel.buffer("q", (self.n, self.num_heads * self.head_dim), "float32")
            self.kv = kv_buffer(kernel, self.variant, self.num_kv_heads, self.head_dim)
            state = kernel.buffer("state", (16,), "int32")
            self.page_table = page_table_buffer(kernel)
            out = kernel.buffer("out", (self.n, self.num_heads * self.head_dim), "float32")
            with launch([ceildiv(self.n * self.group, ROWS), self.num_kv_heads], [THREADS]) as ((block, self.kv_head), (self.thread,)):
                self._locate(block, state)
                self._allocate()
                self._load(fixed("start", 0))
                last_token = T.min((block * ROWS + ROWS - 1) // self.group, self.n - 1)
                end = fixed("end", state[0] + last_token + 1)
                with T.serial(ceildiv(end, self.tile)) as step:
                    first = fixed("first", step * self.tile)
                    barrier()
                    self._publish()
                    barrier()
                    self._load(fixed("next_first", first + self.tile))
                    self._sum(self._weights(first))
                with when(self.valid):
                    for j in range(self.vectors):
                        column = j * PARTS + self.part
                        with when((j + 1) * PARTS <= self.columns or column < self.columns):
                            store(out, self.sums[j] / splat(self.weight_sum[0]), self.token, vec(self.head * self.columns + column))
        return kernel.func

    def _locate(self, block: Expr, state: Buffer) -> None:
        """This invocation's row: which token and head, and the last key that it sees."""
        self.row, self.part = fixed("row", self.thread // PARTS), fixed("part", self.thread % PARTS)
        index = fixed("index", block * ROWS + self.row)
        token = fixed("token", index // self.group)
        self.valid = token < self.n
        self.token = fixed("row_token", T.min(token, self.n - 1))
        self.head = fixed("head", self.kv_head * self.group + index % self.group)
        self.limit = fixed("limit", state[0] + self.token)
        self.last = fixed("last", state[0] + self.n - 1)

    def _allocate(self) -> None:
        self.keys = shared("keys", self.tile * self.columns, "float32x4")
        self.values = shared("values", self.tile * self.columns, "float32x4")
        self.next_keys = local("next_keys", self.loads, f"{self.variant.kv_dtype}x4")
        self.next_values = local("next_values", self.loads, f"{self.variant.kv_dtype}x4")
        self.sums = local("sums", self.vectors, "float32x4")
        self.running_max, self.weight_sum = local("running_max", 1), local("weight_sum", 1)
        store(self.running_max, T.float32(HIDDEN), 0)
        store(self.weight_sum, T.float32(0), 0)
        self.query = local("query", self.vectors, "float32x4")
        scale = splat(T.float32(math.log2(math.e) / math.sqrt(self.head_dim)))
        for j in range(self.vectors):
            store(self.sums, splat(T.float32(0)), j)
            column = j * PARTS + self.part
            inside = (j + 1) * PARTS <= self.columns
            value = self.q[self.token, vec(self.head * self.columns + (column if inside else T.min(column, self.columns - 1)))] * scale
            store(self.query, value if inside else T.Select(column < self.columns, value, splat(T.float32(0))), j)

    def _load(self, first: Expr) -> None:
        """Part of the tile that starts at position `first` into registers; beyond the last key that one again, and never a slot
        that nothing was written to, which may hold NaN."""
        page = fixed("page", page_of(self.page_table, T.min(first, self.last)))
        for i in range(self.loads):
            key, column = self._place(i)
            slot = slot_of(T.min(first + key, self.last))
            store(self.next_keys, self.kv[page, KEY, self.kv_head, slot, column], i)
            store(self.next_values, self.kv[page, VALUE, self.kv_head, slot, column], i)

    def _place(self, i: int) -> tuple[Expr, Expr]:
        """(key of the tile, vector) of load i."""
        index = i * THREADS + self.thread
        if (i + 1) * THREADS > self.tile * self.columns:
            index = T.min(index, self.tile * self.columns - 1)
        return index // self.columns, index % self.columns

    def _publish(self) -> None:
        for i in range(self.loads):
            with when((i + 1) * THREADS <= self.tile * self.columns or i * THREADS + self.thread < self.tile * self.columns):
                store(self.keys, T.Cast("float32x4", self.next_keys[i]), i * THREADS + self.thread)
                store(self.values, T.Cast("float32x4", self.next_values[i]), i * THREADS + self.thread)

    def _at(self, key: int, j: int) -> Expr:
        """Index in the tile of this invocation's vector j of a key. Padding meets zeros of the query and sums that are not stored."""
        column = j * PARTS + self.part
        return key * self.columns + (column if (j + 1) * PARTS <= self.columns else T.min(column, self.columns - 1))

    def _weights(self, first: Expr) -> Buffer:
        """exp2(score - running maximum) of the row for each key of the tile; rescales the sums to a new maximum."""
        weight = local("weight", self.tile)
        for key in range(self.tile):
            store(weight, total([dot(self.query[j], self.keys[self._at(key, j)]) for j in range(self.vectors)]), key)
        self._add_parts(weight)
        new_max = old_max = fixed("old_max", self.running_max[0], "float32")
        for key in range(self.tile):
            seen = first + key <= self.limit
            store(weight, extern("float32", "select", T.float32(HIDDEN), weight[key], seen), key)
            new_max = T.max(new_max, weight[key])
        store(self.running_max, new_max, 0)
        old_scale = fixed("old_scale", T.exp2(old_max - self.running_max[0]), "float32")
        store(self.weight_sum, self.weight_sum[0] * old_scale, 0)
        for j in range(self.vectors):
            store(self.sums, self.sums[j] * splat(old_scale), j)
        for key in range(self.tile):
            store(weight, T.exp2(weight[key] - self.running_max[0]), key)
            store(self.weight_sum, self.weight_sum[0] + weight[key], 0)
        return weight

    def _add_parts(self, score: Buffer) -> None:
        if self.variant.subgroups:
            butterfly(score, self.tile, PARTS)
            return
        parts = shared("parts", self.tile * THREADS)
        for key in range(self.tile):
            store(parts, score[key], key * THREADS + self.thread)
        barrier()
        for key in range(self.tile):
            store(score, total([parts[key * THREADS + self.row * PARTS + part] for part in range(PARTS)]), key)

    def _sum(self, weight: Buffer) -> None:
        for key in range(self.tile):
            for j in range(self.vectors):
                store(self.sums, self.sums[j] + splat(weight[key]) * self.values[self._at(key, j)], j)
