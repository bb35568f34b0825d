"""Attention of many new tokens over the paged cache, in tiles (FlashAttention, arXiv 2205.14135).

A row is one query head of one token, so the heads that share keys share loads whatever their number. `parts` invocations share a few
rows: each holds every parts-th vector of their queries and of their sums in registers. Keys and values pass through workgroup memory as
vectors of the cache; the next tile is loaded into registers while this one is multiplied.

Keys are taken in runs of `parts`. What invocation p calls key i of a run is key i ^ p. So the parts of the scores are added by
butterflies that halve their number each time: an invocation ends with the score of one key, its key 0, and the softmax is computed once.
Key i's weight is then one shuffle away. Without subgroups `parts` is 1, and there is nothing to exchange.

Of a head whose vectors the parts do not divide (9 of 8 halves in one of 72), the last one or two are the rest: of a run, each invocation
multiplies those of its own key, whose score it ends with, by the query's, and sums them with its own weight. So none is idle; these sums
are added up over the parts at the end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.attention.decode import HIDDEN, capped, scale_at
from webllm_build.compile.kernels.attention.kv_cache import (
    KEY,
    ONE_ROW,
    VALUE,
    KvCache,
    Share,
    as_halves,
    floats,
    gated,
    layout_of,
    page_of,
    sinks_buffer,
    slot_of,
    state_buffer,
    text_at,
    text_of,
    words_dtype,
)
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import (
    VEC,
    Buffer,
    Expr,
    Kernel,
    barrier,
    ceildiv,
    counted,
    element,
    extern,
    launch,
    local,
    shared,
    size,
    splat,
    store,
    vec,
    when,
)
from webllm_build.compile.kernels.tir.reduce import butterfly
from webllm_build.compile.kv_layout import PAGE_SIZE, KvLayout
from webllm_build.compile.target import Variant
from webllm_build.model.attention import Attention

MAX_PARTS = 16
MAX_RUNS = 4  # that share one update of the softmax
WORKGROUP_BYTES = 16384  # WebGPU's default limit
# Vectors of a row that an invocation holds, of heads of 256 numbers where no others share it, up to which each is written out: more are no
# registers anyway, and their code would be hundreds of kilobytes.
WRITTEN_OUT = 64
MAX_REST = 2  # vectors of a head that each invocation holds whole


def attention_prefill(variant: Variant, attention: Attention) -> PrimFunc:
    """softmax(scale * q K) V; token t of n sees keys 0..state[0, 0]+t, or the last of them, those of earlier calls included; where
    attention is not causal it sees all of its text, or those near it on both sides.

    q float32[n, query_size], normalised and rotated; kv, page_table, state: see kv_cache.py, with the n tokens already appended;
    ends int32[n], where the attention has such: the last key that each token sees, which those after it see, too;
    spans int32[n, 2], where the attention has such, of a call that begins a sequence: the first and the last key of each token;
    qkv float32[n, qkv_size], where outputs have gates; out float32[n, query_size]. Products and sums are float32 in every variant.
    """
    return _AttentionPrefill(variant, attention).build()


class _AttentionPrefill:
    def __init__(self, variant: Variant, attention: Attention) -> None:
        stored = layout_of(variant, attention)
        self.variant, self.attention, self.stored = variant, attention, stored
        self.head_dim, self.group = attention.head_dim, attention.group
        # Signed bytes are exact as float16, and are so in workgroup memory: they become floats faster.
        self.layout = KvLayout("float16", stored.num_kv_heads, stored.head_dim) if stored.scaled else stored
        self.columns = stored.columns  # of the layout too
        self.row_vectors = self.head_dim // VEC
        # A power of two, so that a tile lies in one page.
        key_bytes = 2 * (16 * self.columns + 4 * stored.scaled)
        self.tile = min(PAGE_SIZE, 1 << int(math.log2(WORKGROUP_BYTES / key_bytes)))
        if variant.subgroups:
            self.threads = 128
            self.parts = min(MAX_PARTS, variant.lanes, self.tile, 1 << (self.head_dim // 8 - 1).bit_length())
        else:
            self.threads, self.parts = 32, 1
        fewer = min(self.parts, 1 << self.columns.bit_length() - 1)
        self.rest = self.columns % fewer if self.columns % fewer <= MAX_REST else 0
        self.parts = fewer if self.rest else self.parts
        self.main = self.columns - self.rest  # vectors of a key that are shared out
        self.share = Share(self.row_vectors - self.rest * self.layout.elements // VEC, self.parts, self.layout.elements // VEC)
        self.words, self.quads, self.vectors = self.share.words, self.share.quads, self.share.vectors
        self.rows = 1 if not variant.subgroups else 4 if self.vectors <= 2 else 2  # of one invocation; a bound on registers
        self.looped = self.vectors > WRITTEN_OUT  # of one row, which nobody shares
        self.runs = min(MAX_RUNS, self.tile // self.parts)
        self.block = self.threads // self.parts * self.rows  # rows of a workgroup
        self.loads = -(-self.tile * self.columns // self.threads)  # vectors of keys, and as many of values, of one invocation

    def build(self) -> PrimFunc:
        with Kernel() as kernel:
            self.n = size("n")
            self.q = kernel.buffer("q", (self.n, self.attention.query_size), "float32")
            self.cache = KvCache(kernel, self.stored)
            state = state_buffer(kernel)
            self.page_table = ONE_ROW.page_table(kernel)
            self.sinks = sinks_buffer(kernel, self.attention)
            self.ends = kernel.buffer("ends", (self.n,), "int32") if self.attention.ends else None
            self.spans = None if self.attention.span is None else kernel.buffer("spans", (self.n, 2), "int32")
            qkv = kernel.buffer("qkv", (self.n, self.attention.qkv_size), "float32") if self.attention.gate else None
            out = kernel.buffer("out", (self.n, self.attention.query_size), "float32")
            blocks = ceildiv(self.n * self.group, self.block)
            with launch([self.stored.num_kv_heads, blocks], [self.threads]) as ((self.kv_head, block), (self.thread,)):
                block = fixed("block", blocks - 1 - block)  # those with the most keys start first
                self._locate(block, state)
                self._allocate()
                before = self._tiles_before(block, state)
                self._load(fixed("start", before * self.tile), state)
                last_token = T.min((block * self.block + self.block - 1) // self.group, self.n - 1)
                end = fixed("end", self._end(last_token, state))
                with T.serial(ceildiv(end, self.tile) - before) as index:
                    first = fixed("first", (before + index) * self.tile)
                    barrier()
                    self._publish()
                    barrier()
                    self._load(fixed("next_first", first + self.tile), state)
                    step_keys = self.runs * self.parts
                    with T.serial(self.tile // step_keys) as step:
                        offset = fixed("offset", step * step_keys)
                        self._scores(offset)
                        self._weights(first, offset)
                        self._sum(offset)
                self._write(qkv, out)
        return kernel.func

    def _locate(self, block: Expr, state: Buffer) -> None:
        """This invocation's rows: which tokens and heads, and the last keys that they see."""
        self.part = fixed("part", self.thread % self.parts)
        first = fixed("first_row", block * self.block + self.thread // self.parts * self.rows)
        self.row = [fixed("row", first + r) for r in range(self.rows)]
        self.token = [fixed("token", T.min(row // self.group, self.n - 1)) for row in self.row]
        self.head = [fixed("head", self.kv_head * self.group + row % self.group) for row in self.row]
        if self.attention.in_turn:
            self.last = fixed("last", state[0, 0] + self.n - 1)
        if self.attention.causal:
            self.position = [fixed("limit", state[0, 0] + token) for token in self.token]
            # The last keys that they see.
            self.limit = self.position if self.ends is None else [fixed("seen", self.ends[token]) for token in self.token]
        else:
            seen = [self._seen_of_text(state, token) for token in self.token]
            self.position, self.begin, self.limit = ([fixed("seen", each[i]) for each in seen] for i in range(3))
        # The first vector of a run's key i ^ part that this invocation holds.
        self.key_at = [fixed("key_at", T.bitwise_xor(self.part, i) * self.main + self.part) for i in range(self.parts)]

    def _seen_of_text(self, state: Buffer, token: Expr) -> tuple[Expr, Expr, Expr]:
        """Where attention is not causal: a token's position, and those of the first and the last key that it sees."""
        if self.spans is not None:
            return token, self.spans[token, 0], self.spans[token, 1]
        text, window = text_of(state, token), self.attention.window
        position = fixed("position", text.position(token))
        if window is None:
            return position, text.begin, text.last
        return position, T.max(position - (window - 1), text.begin), T.min(position + (window - 1), text.last)

    def _tiles_before(self, block: Expr, state: Buffer) -> Expr:
        """Tiles of keys that none of the workgroup's tokens sees any more."""
        first_token = block * self.block // self.group
        if not self.attention.causal:
            return fixed("tiles_before", self._seen_of_text(state, first_token)[1] >> (self.tile.bit_length() - 1))
        if self.attention.window is None:
            return 0
        first_seen = state[0, 0] + first_token - (self.attention.window - 1)
        return fixed("tiles_before", T.max(first_seen, 0) >> (self.tile.bit_length() - 1))

    def _end(self, last_token: Expr, state: Buffer) -> Expr:
        """Keys that the workgroup's tokens see, of which this is the last: those before it are as many as its number."""
        if self.ends is not None:
            return self.ends[last_token] + 1
        return state[0, 0] + last_token + 1 if self.attention.causal else self._seen_of_text(state, last_token)[2] + 1

    def _sees(self, row: int, key: Expr) -> Expr:
        """Whether a row's token sees the key at a position."""
        seen, window = key <= self.limit[row], self.attention.window
        if not self.attention.causal:
            return T.And(seen, key >= self.begin[row])
        return seen if window is None else T.And(seen, key > self.position[row] - window)

    def _allocate(self) -> None:
        self.key_tile = shared("key_tile", self.tile * self.columns, "uint32x4")
        self.value_tile = shared("value_tile", self.tile * self.columns, "uint32x4")
        self.next_keys, self.next_values = (local(name, self.loads, words_dtype(self.stored)) for name in ("next_keys", "next_values"))
        if self.stored.scaled:
            self.key_scales, self.value_scales = (shared(name, self.tile) for name in ("key_scales", "value_scales"))
            self.next_scales = local("next_scales", 2)
        self.raw = local("raw", 1, "uint32x4")
        self.read = local("read", self.quads, "float32x4")
        self.score = local("score", self.runs * self.rows * self.parts)
        self.weight = local("weight", self.rows)
        self.running_max, self.weight_sum = local("running_max", self.rows), local("weight_sum", self.rows)
        self.query = local("query", self.rows * self.vectors, "float32x4")
        self.sums = local("sums", self.rows * self.vectors, "float32x4")
        self.rests = self.rest * self.quads  # of one row
        if self.rest:
            self.rest_query, self.rest_sums = (local(name, self.rows * self.rests, "float32x4") for name in ("rest_query", "rest_sums"))
        for r in range(self.rows):
            scale = splat(scale_at(self.attention, self.position[r]))
            store(self.running_max, T.float32(HIDDEN), r)
            store(self.weight_sum, T.float32(0), r)
            for j, column, inside in self._places():
                store(self.sums, splat(T.float32(0)), r * self.vectors + j)
                store(self.query, splat(T.float32(0)), r * self.vectors + j)
                with when(inside):
                    store(self.query, self._query(r, column) * scale, r * self.vectors + j)
            for j in range(self.rests):
                store(self.rest_sums, splat(T.float32(0)), r * self.rests + j)
                store(self.rest_query, self._query(r, self._rest_column(j)) * scale, r * self.rests + j)

    def _query(self, row: int, column: Expr) -> Expr:
        return self.q[self.token[row], vec(self.head[row] * self.row_vectors + column)]

    def _rest_column(self, j: int) -> int:
        return self.row_vectors - self.rests + j

    def _places(self) -> Iterator[tuple[Expr, Expr, Expr]]:
        """As Share.places, each with its number."""
        if self.looped:
            for j in counted(self.vectors, WRITTEN_OUT):
                yield j, j, True
        else:
            for j, (column, inside) in enumerate(self.share.places(self.part)):
                yield j, column, inside

    def _words(self) -> Iterator[Expr]:
        return counted(self.words, WRITTEN_OUT // self.quads)

    def _load(self, first: Expr, state: Buffer) -> None:
        """Part of the tile that starts at position `first` into registers; beyond the last key that one again, and never a slot
        that nothing was written to, which may hold NaN."""
        last = self.last if self.attention.in_turn else text_at(state, first).last
        page = fixed("page", page_of(self.page_table, 0, T.min(first, last)))
        for i in range(self.loads):
            index = i * self.threads + self.thread
            if (i + 1) * self.threads > self.tile * self.columns:
                index = T.min(index, self.tile * self.columns - 1)
            slot, column = fixed("slot", slot_of(T.min(first + index // self.columns, last))), index % self.columns
            for kind, words in ((KEY, self.next_keys), (VALUE, self.next_values)):
                store(words, self.cache.load(page, kind, self.kv_head, slot, column), i)
        if self.stored.scaled:
            slot = fixed("slot", slot_of(T.min(first + self.thread % self.tile, last)))
            for kind, scale in enumerate(self.cache.load_scales(page, self.kv_head, slot)):
                store(self.next_scales, scale, kind)

    def _publish(self) -> None:
        for i in range(self.loads):
            index = i * self.threads + self.thread
            with when((i + 1) * self.threads <= self.tile * self.columns or index < self.tile * self.columns):
                place = self._place_of(index)
                for tile, words in ((self.key_tile, self.next_keys), (self.value_tile, self.next_values)):
                    store(tile, as_halves(words[i]) if self.stored.scaled else words[i], place)
        if self.stored.scaled:
            with when(self.thread < self.tile):
                store(self.key_scales, self.next_scales[KEY], self.thread)
                store(self.value_scales, self.next_scales[VALUE], self.thread)

    def _place_of(self, index: Expr) -> Expr:
        """Where a tile has a vector of its keys. Rests lie behind all others: invocations side by side so read from different banks."""
        if not self.rest:
            return index
        key, column = index // self.columns, index % self.columns
        in_rest = self.tile * self.main + key * self.rest + (column - self.main)
        return fixed("place", T.Select(column < self.main, key * self.main + column, in_rest))

    def _read(self, tile: Buffer, offset: Expr, run: int, i: int, word: Expr) -> Buffer:
        """This invocation's vector `word` of key i ^ part of a run, as floats. Padding meets zeros of the query and sums that are
        not stored."""
        at = offset * self.main + self.key_at[i] + (run * self.parts * self.main + word * self.parts)
        if self.words * self.parts > self.main and word == self.words - 1:
            at = T.min(at, self.tile * self.columns - 1)
        return self._floats(tile, at)

    def _read_rest(self, tile: Buffer, offset: Expr, run: int, word: int) -> Buffer:
        """Vector `word` of the rest of this invocation's own key of a run."""
        return self._floats(tile, self.tile * self.main + (offset + (run * self.parts + self.part)) * self.rest + word)

    def _floats(self, tile: Buffer, at: Expr) -> Buffer:
        store(self.raw, tile[at], 0)
        for quad, value in enumerate(floats(self.layout, self.raw[0])):
            store(self.read, value, quad)
        return self.read

    def _score_at(self, run: int, row: int, i: int = 0) -> int:
        return (run * self.rows + row) * self.parts + i

    def _scores(self, offset: Expr) -> None:
        """Leaves in score[_score_at(run, row)] that of key `part` of the run."""
        for run in range(self.runs):
            if self.looped:
                store(self.score, T.float32(0), self._score_at(run, 0))
            for word in self._words():
                for i in range(self.parts):
                    key = self._read(self.key_tile, offset, run, i, word)
                    for row in range(self.rows):
                        at = self._score_at(run, row, i)
                        score = self.score[at] if self.looped or word else T.float32(0)
                        first = row * self.vectors + word * self.quads
                        store(self.score, self._products(self.query, first, key, score), at)
            distance = self.parts // 2
            while distance:
                for row in range(self.rows):
                    for i in range(distance):
                        at = self._score_at(run, row, i)
                        other = extern("float32", "subgroupShuffleXor", self.score[at + distance], T.uint32(distance))
                        store(self.score, self.score[at] + other, at)
                distance //= 2
            for word in range(self.rest):
                key = self._read_rest(self.key_tile, offset, run, word)
                for row in range(self.rows):
                    at = self._score_at(run, row)
                    store(self.score, self._products(self.rest_query, row * self.rests + word * self.quads, key, self.score[at]), at)

    def _products(self, query: Buffer, first: Expr, key: Buffer, score: Expr) -> Expr:
        """The score, and the products of a vector of a key with one of a query."""
        for quad in range(self.quads):
            for lane in range(VEC):
                score = extern("float32", "fma", element(query[first + quad], lane), element(key[quad], lane), score)
        return score

    def _weights(self, first: Expr, offset: Expr) -> None:
        """score[_score_at(run, row)] becomes exp2(score - running maximum), times the scale of the value; rescales the sums to a new
        maximum. The sum of weights is that of this invocation's keys, until the end."""
        largest = local("largest", self.rows)
        for run in range(self.runs):
            key = fixed("key", offset + (run * self.parts + self.part))
            for row in range(self.rows):
                at = self._score_at(run, row)
                score = capped(self.attention, self.score[at] * self.key_scales[key] if self.stored.scaled else self.score[at])
                store(self.score, extern("float32", "select", T.float32(HIDDEN), score, self._sees(row, first + key)), at)
                store(largest, T.max(largest[row] if run else self.running_max[row], self.score[at]), row)
        butterfly(largest, self.rows, self.parts, "max")
        for row in range(self.rows):
            old_scale = fixed("old_scale", T.exp2(self.running_max[row] - largest[row]), "float32")
            store(self.running_max, largest[row], row)
            store(self.weight_sum, self.weight_sum[row] * old_scale, row)
            for j in counted(self.vectors, WRITTEN_OUT):
                at = row * self.vectors + j
                store(self.sums, self.sums[at] * splat(old_scale), at)
            for j in range(row * self.rests, (row + 1) * self.rests):
                store(self.rest_sums, self.rest_sums[j] * splat(old_scale), j)
        for run in range(self.runs):
            scale = self.value_scales[offset + (run * self.parts + self.part)] if self.stored.scaled else None
            for row in range(self.rows):
                at = self._score_at(run, row)
                store(self.score, T.exp2(self.score[at] - largest[row]), at)
                store(self.weight_sum, self.weight_sum[row] + self.score[at], row)
                if scale is not None:
                    store(self.score, self.score[at] * scale, at)

    def _sum(self, offset: Expr) -> None:
        for run in range(self.runs):
            for i in range(self.parts):
                for row in range(self.rows):
                    own = self.score[self._score_at(run, row)]
                    store(self.weight, extern("float32", "subgroupShuffleXor", own, T.uint32(i)) if i else own, row)
                for word in self._words():
                    value = self._read(self.value_tile, offset, run, i, word)
                    for row in range(self.rows):
                        for quad in range(self.quads):
                            at = row * self.vectors + word * self.quads + quad
                            store(self.sums, self.sums[at] + splat(self.weight[row]) * value[quad], at)
            for word in range(self.rest):
                value = self._read_rest(self.value_tile, offset, run, word)
                for row in range(self.rows):
                    own = splat(self.score[self._score_at(run, row)])
                    for quad in range(self.quads):
                        at = row * self.rests + word * self.quads + quad
                        store(self.rest_sums, self.rest_sums[at] + own * value[quad], at)

    def _write(self, qkv: Buffer | None, out: Buffer) -> None:
        butterfly(self.weight_sum, self.rows, self.parts)
        if self.rest:
            butterfly(self.rest_sums, self.rows * self.rests, self.parts)
        for row in range(self.rows):
            weight_sum, scale = self.weight_sum[row], None
            if self.sinks is not None:
                sink = fixed("sink", self.sinks[self.head[row]] * T.float32(math.log2(math.e)), "float32")
                largest = fixed("largest", T.max(self.running_max[row], sink), "float32")
                scale = fixed("scale", T.exp2(self.running_max[row] - largest), "float32")
                weight_sum = fixed("weight_sum", weight_sum * scale + T.exp2(sink - largest), "float32")
            with when(self.row[row] < self.n * self.group):
                shared_out = ((self.sums[row * self.vectors + j], column, inside) for j, column, inside in self._places())
                rest = ((self.rest_sums[row * self.rests + j], self._rest_column(j), self.part == j) for j in range(self.rests))
                for value, column, inside in chain(shared_out, rest):
                    with when(inside):
                        value = value if scale is None else value * splat(scale)
                        value = value / splat(weight_sum)
                        value = gated(self.attention, qkv, self.token[row], self.head[row], column, value)
                        store(out, value, self.token[row], vec(self.head[row] * self.row_vectors + column))
