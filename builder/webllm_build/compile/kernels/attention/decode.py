"""Attention of one new token over itself and those before it, split over keys, and its append to the paged cache; merge.py joins the
splits. The others are in the cache, but for those of the same step: they are read from qkv, and take the places that they will have.

A workgroup serves `heads` query heads of one key-value head, which share its loads, and one split of the keys. A group of `parts`
invocations shares a key: each holds every parts-th vector of it, of the queries and of the sums, in registers, and their parts of a score
are added. Each group has its own online softmax (arXiv 1805.02867), so that the loop over keys needs no barrier; the groups are joined
at the end through workgroup memory.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

from tvm.tirx import PrimFunc, Var
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.attention.kv_cache import (
    BEFORE,
    KEY,
    ONE_ROW,
    VALUE,
    KvCache,
    Rows,
    Share,
    encoded,
    floats,
    layout_of,
    page_of,
    qk_norm_buffer,
    row_scale,
    slot_of,
    state_buffer,
    words_dtype,
)
from webllm_build.compile.kernels.attention.rope_append import largest_magnitude, normalised, rms_scale, rotate
from webllm_build.compile.kernels.attention.splits import (
    MOST_PARTIAL,
    cached_before,
    keys_per_split,
    partial_shape,
    partial_splits,
    seen_before,
)
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import (
    VEC,
    Buffer,
    Expr,
    Kernel,
    UpTo,
    barrier,
    ceildiv,
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
    tanh,
    total,
    vec,
    when,
)
from webllm_build.compile.kernels.tir.reduce import Operator, butterfly, reduce_all
from webllm_build.compile.target import Variant
from webllm_build.model.attention import Attention

KV_LEN = Var("kv_len", "int32")  # a size that no shape names: one object, so that kernels which are alike compare equal
MAX_HEADS = 8
MAX_ELEMENTS = 2048  # of the queries of a workgroup, which are in registers,
ELEMENTS_ALONE = 512  # and where few invocations hold them, without subgroups: those of sums too, they are 256 of an invocation
KEYS = 4  # that an invocation has in flight
THREADS = 128  # of a workgroup with subgroups
HIDDEN = -1e30  # score of a key that the token must not see; infinity is not safe in WGSL
POOL_BYTES = 8192


def query_scale(attention: Attention) -> float:
    """What turns products of queries and keys into exponents of 2, or what `capped` does."""
    return math.log2(math.e) * attention.scale if attention.softcap is None else attention.scale / attention.softcap


def scale_at(attention: Attention, position: Expr) -> Expr:
    """query_scale of a query at a position, float32."""
    scale = T.float32(query_scale(attention))
    if attention.growth is None:
        return scale
    steps = T.Cast("float32", T.truncdiv(position, attention.growth.length))
    return fixed("query_scale", scale * (T.float32(1) + T.float32(attention.growth.rate) * T.log(steps + T.float32(1))), "float32")


def capped(attention: Attention, score: Expr) -> Expr:
    """A score as an exponent of 2."""
    return score if attention.softcap is None else tanh(score) * T.float32(math.log2(math.e) * attention.softcap)


def attention_decode(variant: Variant, attention: Attention, rows: Rows = ONE_ROW) -> PrimFunc:
    """softmax(scale * q K) V over the keys that a row's token at position state[row, 0] sees, its own among them, split by split, not yet
    divided by the sum of weights. Rows of one sequence follow each other, and state[row, BEFORE] counts those before a row.

    qkv float32[rows, qkv_size], nothing of it rotated yet; rope float32[>= rows, head_dim]: see rope_append.py;
    qk_norm, state, page_table, kv: see kv_cache.py; kv is written in place at that position, of a layer that has keys of its own;
    partial float32[rows, *partial_shape]. Of each row only the first partial_splits(position) splits are written. The grid is (workgroups
    of heads of each row, those splits), for kv_len tokens with this one in the longest row.
    """
    return _AttentionDecode(variant, attention, rows).build()


@dataclass(frozen=True, eq=False)
class _NewToken:
    """An invocation's part of a new key and value: vectors as the cache holds them, and the largest magnitudes of the whole rows, of which
    layouts with scales need them."""

    words: tuple[Buffer, Buffer]
    largest: Buffer


class _AttentionDecode:
    def __init__(self, variant: Variant, attention: Attention, rows: Rows) -> None:
        self.variant, self.attention, self.layout, self.rows = variant, attention, layout_of(variant, attention), rows
        self.adds = not attention.shared  # keys that are not in the cache
        self.head_dim, self.group = attention.head_dim, attention.group
        elements = MAX_ELEMENTS if variant.subgroups else ELEMENTS_ALONE
        most = min(MAX_HEADS, elements // self.head_dim)
        self.heads = max(heads for heads in range(1, most + 1) if self.group % heads == 0)
        self.columns = self.layout.columns
        self.row_vectors = self.head_dim // VEC
        if variant.subgroups:
            self.parts = min(variant.lanes, 1 << (self.head_dim // 8 - 1).bit_length())
            self.set_width, self.threads, self.keys = variant.lanes, THREADS, KEYS
        else:  # sums across invocations go through workgroup memory: few parts, few invocations, and scores that fit
            self.parts = self.set_width = 4
            self.threads = 16
            self.keys = min(KEYS, POOL_BYTES // 4 // (2 * self.heads * self.threads))
        # The sets of `set_width` invocations that are left to join have a row each in the pool.
        self.threads = min(self.threads, self.set_width * (POOL_BYTES // 16 // self.row_vectors))
        self.groups = self.threads // self.parts
        self.share = Share.of(self.layout, self.parts)
        self.words, self.quads, self.vectors = self.share.words, self.share.quads, self.share.vectors

    def build(self) -> PrimFunc:
        heads, group = self.heads, self.group
        with Kernel() as kernel:
            m = self.rows.count()
            self.qkv = kernel.buffer("qkv", (m, self.attention.qkv_size), "float32")
            self.rope = kernel.buffer("rope", (size("rope_rows"), self.head_dim), "float32")
            self.qk_norm = qk_norm_buffer(kernel, self.attention)
            self.cache = KvCache(kernel, self.layout)
            state = state_buffer(kernel)
            self.page_table = self.rows.page_table(kernel)
            self.partial = kernel.buffer("partial", (m, *partial_shape(self.attention)), "float32")
            blocks = self.attention.heads // heads
            splits = partial_splits(self.attention, KV_LEN - 1)
            with launch([m * blocks, UpTo(MOST_PARTIAL, splits)], [self.threads]) as ((block, self.split), (self.thread,)):
                self.row, block = self.rows.split(block, blocks)
                self.first_head = block * heads
                self.kv_head = block // (group // heads)
                self.cached = fixed("cached", cached_before(self.attention, state[self.row, 0]))
                self.position = self.cached if self.adds else self.cached - 1
                several = self.adds and self.rows.several
                self.stored = fixed("stored", self.cached - state[self.row, BEFORE]) if several else self.cached
                seen = self.cached if self.attention.window is None else fixed("seen", seen_before(self.attention, self.position))
                keys = fixed("keys", keys_per_split(seen))
                begin = (self.split - 1 if self.adds else self.split) * keys
                begin = begin if self.attention.window is None else self.cached - seen + begin
                begin = fixed("begin", T.Select(self.split == 0, self.cached, begin) if self.adds else begin)
                end = T.min(begin + keys, self.cached)
                end = self.end = fixed("end", T.Select(self.split == 0, self.cached + 1, end) if self.adds else end)
                with when(begin < end):
                    self._allocate()
                    with T.serial(ceildiv(self.end - begin, self.groups * self.keys)) as step:
                        first = fixed("first", begin + step * (self.groups * self.keys) + self.kv_group)
                        positions = [fixed("position", first + k * self.groups) for k in range(self.keys)]
                        self._load(positions)
                        if self.adds:
                            with when(T.min(begin + (step + 1) * (self.groups * self.keys), self.end) > self.stored):
                                self._load_new(positions)
                                with when(self.split == 0):
                                    self._append()
                        self._scores()
                        self._weights(positions)
                        self._sum()
                    self._write()
        return kernel.func

    def _allocate(self) -> None:
        heads = self.heads
        self.kv_group, self.part = fixed("group", self.thread // self.parts), fixed("part", self.thread % self.parts)
        self.query = local("query", heads * self.vectors, "float32x4")
        self.sums = local("sums", heads * self.vectors, "float32x4")
        self.weight_sum, self.running_max = local("weight_sum", heads), local("running_max", heads)
        count, dtype = self.keys * self.words, words_dtype(self.layout)
        self.key_words, self.value_words = (local(name, count, dtype) for name in ("key_words", "value_words"))
        self.key_scales, self.value_scales = (local(name, self.keys) for name in ("key_scales", "value_scales"))
        self.read = local("read", self.quads, "float32x4")
        self.score = local("score", heads * self.keys)
        self.scale = scale_at(self.attention, self.position)
        for head in range(heads):
            store(self.weight_sum, T.float32(0), head)
            store(self.running_max, T.float32(HIDDEN), head)
            for j, (column, inside) in enumerate(self.share.places(self.part)):
                store(self.sums, splat(T.float32(0)), head * self.vectors + j)
                store(self.query, splat(T.float32(0)), head * self.vectors + j)
                with when(inside):
                    query = let("unrotated", self.qkv[self.row, vec((self.first_head + head) * self.row_vectors + column)])
                    store(self.query, query if self.qk_norm is not None else self._turned(query, column), head * self.vectors + j)
        if self.qk_norm is not None:
            self._normalise(self.qk_norm)

    def _turned(self, query: Expr, column: Expr) -> Expr:
        return self._turn(query, column) * splat(self.scale)

    def _turn(self, x: Expr, column: Expr, row: Expr | None = None) -> Expr:
        return rotate(x, let("turn", self.rope[self.row if row is None else row, vec(column)]))

    def _normalise(self, weights: Buffer) -> None:
        """RMS norms of the queries, which are then turned."""
        squares = local("squares", self.heads)
        for head in range(self.heads):
            vectors = [self.query[head * self.vectors + j] for j in range(self.vectors)]
            store(squares, total([dot(vector, vector) for vector in vectors]), head)
        reduce_all(self.variant, squares, self.heads, lane=self.part, width=self.parts, group=self.kv_group, groups=self.groups)
        for head in range(self.heads):
            scale = splat(fixed("rms_scale", rms_scale(self.attention, squares[head]), "float32"))
            for j, (column, inside) in enumerate(self.share.places(self.part)):
                with when(inside):
                    at = head * self.vectors + j
                    turned = normalised(self.attention, self.query[at] * scale, weights[vec(column)], self._turn, column)
                    store(self.query, turned * splat(self.scale), at)

    def _load(self, positions: list[Expr]) -> None:
        """All loads of a step. Beyond the last key that one again, and never a slot that nothing was written to, which may hold NaN;
        padding meets zeros of the query and sums that are not stored."""
        scales_of_kinds = self.key_scales, self.value_scales
        for k, position in enumerate(positions):
            position = T.min(position, self.stored - 1)
            position = fixed("known", T.max(position, 0) if self.adds else position)
            page, slot = fixed("page", page_of(self.page_table, self.row, position)), slot_of(position)
            for kind, words in ((KEY, self.key_words), (VALUE, self.value_words)):
                for word in range(self.words):
                    column = word * self.parts + self.part
                    if (word + 1) * self.parts > self.columns:
                        column = T.min(column, self.columns - 1)
                    store(words, self.cache.load(page, kind, self.kv_head, slot, column), k * self.words + word)
            if self.layout.scaled:
                for scales, scale in zip(scales_of_kinds, self.cache.load_scales(page, self.kv_head, slot), strict=True):
                    store(scales, scale, k)

    def _load_new(self, positions: list[Expr]) -> None:
        """In place of what was loaded, the keys and values of rows of this step, this one and those before it, as the cache will hold them.
        A single row is all there is, whatever the position."""
        new = None if self.rows.several else self._new(0)
        for k, position in enumerate(positions):
            if new is None or self.rows.several:
                before = T.max(T.min(self.cached - position, self.cached - self.stored), 0)
                new = self._new(fixed("new_row", self.row - before))
            is_new = position >= self.stored
            kept = ((self.key_words, self.key_scales), (self.value_words, self.value_scales))
            for kind, (words, scales) in enumerate(kept):
                for word in range(self.words):
                    at = k * self.words + word
                    store(words, extern(words.dtype, "select", words[at], new.words[kind][word], is_new), at)
                if self.layout.scaled:
                    store(scales, extern("float32", "select", scales[k], row_scale(new.largest[kind]), is_new), k)

    def _new(self, row: Expr) -> _NewToken:
        """Of a row of this step."""
        quads, places, norm, dtype = self.quads, self.share.places(self.part), self.qk_norm, words_dtype(self.layout)
        first_key = self.attention.heads + self.kv_head
        turn = functools.partial(self._turn, row=row)
        new = [local(name, self.vectors, "float32x4") for name in ("new_key", "new_value")]
        for values, head in zip(new, (first_key, first_key + self.attention.kv_heads), strict=True):
            for j, (column, inside) in enumerate(places):
                store(values, splat(T.float32(0)), j)
                with when(inside):
                    store(values, self.qkv[row, vec(head * self.row_vectors + column)], j)
        scale = None
        if norm is not None:
            normed = new if self.attention.value_norm else new[:1]
            squares = local("key_squares", len(normed))
            for kind, values in enumerate(normed):
                store(squares, total([dot(values[j], values[j]) for j in range(self.vectors)]), kind)
            self._reduce(squares, "sum")
            scales = [splat(fixed("rms_scale", rms_scale(self.attention, squares[i]), "float32")) for i in range(len(normed))]
            scale = scales[KEY]
            for j in range(self.vectors if self.attention.value_norm else 0):
                store(new[VALUE], new[VALUE][j] * scales[VALUE], j)
        for j, (column, inside) in enumerate(places):
            with when(inside):
                if norm is None:
                    key = turn(let("unturned_key", new[KEY][j]), column)
                else:
                    weight = norm[vec(self.row_vectors + column)]
                    key = normalised(self.attention, new[KEY][j] * scale, weight, turn, column, "unturned_key")
                store(new[KEY], key, j)
        largest = local("new_largest", 2)
        if self.layout.scaled:
            for kind, values in enumerate(new):
                store(largest, largest_magnitude(values, self.vectors), kind)
            self._reduce(largest, "max")
        made = _NewToken((local("new_key_words", self.words, dtype), local("new_value_words", self.words, dtype)), largest)
        for kind, values in enumerate(new):
            for word in range(self.words):
                store(made.words[kind], encoded(self.layout, [values[word * quads + quad] for quad in range(quads)], largest[kind]), word)
        return made

    def _append(self) -> None:
        """The token's own key and value, which are the first group's first, join the cache: by one workgroup of those that share them."""
        is_real = self.position >= 0 if self.rows.several else True
        first = T.And(self.kv_group == 0, self.first_head % self.group == 0)
        with when(is_real), when(first):
            page, slot = fixed("own_page", page_of(self.page_table, self.row, self.position)), slot_of(self.position)
            for kind, words in ((KEY, self.key_words), (VALUE, self.value_words)):
                for word in range(self.words):
                    column = word * self.parts + self.part
                    with when((word + 1) * self.parts <= self.columns or column < self.columns):
                        self.cache.store_vector(page, kind, self.kv_head, slot, column, words[word])
            if self.layout.scaled:
                with when(self.part == 0):
                    self.cache.store_scales(page, self.kv_head, slot, self.key_scales[0], self.value_scales[0])

    def _reduce(self, values: Buffer, operator: Operator) -> None:
        """Over the parts of a group."""
        count, place = int(values.shape[0]), {"lane": self.part, "width": self.parts, "group": self.kv_group, "groups": self.groups}
        reduce_all(self.variant, values, count, **place, operator=operator, again=True)

    def _scores(self) -> None:
        for k in range(self.keys):
            for word in range(self.words):
                for quad, value in enumerate(floats(self.layout, self.key_words[k * self.words + word])):
                    store(self.read, value, quad)
                for head in range(self.heads):
                    score = self.score[head * self.keys + k] if word else T.float32(0)
                    for quad in range(self.quads):
                        query = self.query[head * self.vectors + word * self.quads + quad]
                        for lane in range(VEC):
                            score = extern("float32", "fma", element(query, lane), element(self.read[quad], lane), score)
                    store(self.score, score, head * self.keys + k)
        self._reduce(self.score, "sum")
        if self.layout.scaled:
            for i in range(self.heads * self.keys):
                store(self.score, self.score[i] * self.key_scales[i % self.keys], i)
        if self.attention.softcap is not None:
            for i in range(self.heads * self.keys):
                store(self.score, capped(self.attention, self.score[i]), i)

    def _weights(self, positions: list[Expr]) -> None:
        """Scores become exp2(score - running maximum); rescales the sums to a new maximum.

        While a group has seen no key its maximum is HIDDEN and its weights are 1: the first key scales them away, or the other groups
        at the end.
        """
        for head in range(self.heads):
            largest = self.running_max[head]
            for k, position in enumerate(positions):
                at = head * self.keys + k
                store(self.score, extern("float32", "select", T.float32(HIDDEN), self.score[at], position < self.end), at)
                largest = T.max(largest, self.score[at])
            largest = fixed("largest", largest, "float32")
            old_scale = fixed("old_scale", T.exp2(self.running_max[head] - largest), "float32")
            store(self.running_max, largest, head)
            self._scale(head, old_scale)
            for k in range(self.keys):
                at = head * self.keys + k
                store(self.score, T.exp2(self.score[at] - largest), at)
                store(self.weight_sum, self.weight_sum[head] + self.score[at], head)
                if self.layout.scaled:
                    store(self.score, self.score[at] * self.value_scales[k], at)

    def _scale(self, head: int, factor: Expr) -> None:
        store(self.weight_sum, self.weight_sum[head] * factor, head)
        for j in range(head * self.vectors, (head + 1) * self.vectors):
            store(self.sums, self.sums[j] * splat(factor), j)

    def _sum(self) -> None:
        for k in range(self.keys):
            for word in range(self.words):
                for quad, value in enumerate(floats(self.layout, self.value_words[k * self.words + word])):
                    store(self.read, value, quad)
                for head in range(self.heads):
                    for quad in range(self.quads):
                        at = head * self.vectors + word * self.quads + quad
                        store(self.sums, self.sums[at] + splat(self.score[head * self.keys + k]) * self.read[quad], at)

    def _write(self) -> None:
        """Join the groups: of a subgroup by butterflies, the rest through workgroup memory, as many heads at a time as the pool holds."""
        if self.set_width > self.parts:
            self._join_groups()
        sets, set_index = self.threads // self.set_width, fixed("set_index", self.thread // self.set_width)
        lane = fixed("lane", self.thread % self.set_width)
        set_max, set_sum = shared("set_max", self.heads * sets), shared("set_sum", self.heads * sets)
        size = sets * self.row_vectors
        at_once = min(self.heads, POOL_BYTES // 16 // size)
        pool = shared("pool", at_once * size, "float32x4")
        barrier()  # TVM gives these arrays memory of others
        with when(lane == 0):
            for head in range(self.heads):
                store(set_max, self.running_max[head], head * sets + set_index)
                store(set_sum, self.weight_sum[head], head * sets + set_index)
        for start in range(0, self.heads, at_once):
            count = min(at_once, self.heads - start)
            if start:
                barrier()
            with when(self.set_width == self.parts or lane < self.parts):
                for h in range(count):
                    for j, (column, inside) in enumerate(self.share.places(self.part)):
                        with when(inside):
                            at = h * size + set_index * self.row_vectors + column
                            store(pool, self.sums[(start + h) * self.vectors + j], at)
            barrier()
            for first in range(0, count * self.row_vectors, self.threads):
                index = fixed("index", first + self.thread)
                with when(first + self.threads <= count * self.row_vectors or index < count * self.row_vectors):
                    h, column = fixed("head", index // self.row_vectors), fixed("column", index % self.row_vectors)
                    first_set = (start + h) * sets
                    scales, stats = join(*([of_sets[first_set + s] for s in range(sets)] for of_sets in (set_max, set_sum)))
                    value = total([pool[h * size + s * self.row_vectors + column] * splat(scale) for s, scale in enumerate(scales)])
                    store(self.partial, value, self.row, self.first_head + start + h, self.split, vec(column))
                    with when(column == 0):
                        store(self.partial, stats, self.row, self.first_head + start + h, self.split, vec(self.row_vectors))

    def _join_groups(self) -> None:
        """Add the groups of each set of `set_width` invocations, all of one subgroup."""
        largest = local("largest", self.heads)
        for head in range(self.heads):
            store(largest, self.running_max[head], head)
        butterfly(largest, self.heads, self.set_width, "max", nearest=self.parts)
        for head in range(self.heads):
            self._scale(head, fixed("scale", T.exp2(self.running_max[head] - largest[head]), "float32"))
            store(self.running_max, largest[head], head)
        butterfly(self.weight_sum, self.heads, self.set_width, nearest=self.parts)
        butterfly(self.sums, self.heads * self.vectors, self.set_width, nearest=self.parts)


def join(maxima: list[Expr], weights: list[Expr]) -> tuple[list[Expr], Expr]:
    """What to scale the sums of softmaxes with these maxima and sums of weights by, and the vector of both that describes their sum."""
    named = [let("maximum", maximum) for maximum in maxima]
    largest = named[0]
    for maximum in named[1:]:
        largest = T.max(largest, maximum)
    largest = fixed("largest", largest, "float32")
    scales = [fixed("scale", T.exp2(maximum - largest), "float32") for maximum in named]
    weight_sum = total([weight * scale for weight, scale in zip(weights, scales, strict=True)])
    return scales, extern("float32x4", "vec4f", largest, weight_sum, T.float32(0), T.float32(0))
