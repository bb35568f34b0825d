"""Loads and stores of the paged key-value cache, whose layout is in kv_layout.py.

Token `position` of a row's sequence lies in slot position % PAGE_SIZE of page page_table[row, position / PAGE_SIZE]; a prefill is row 0.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tvm.tirx.script import builder as T

from webllm_build.compile.abi_generated import FIRST_WORD, MAX_ROWS, STATE_WORDS
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import VEC, Buffer, Expr, Kernel, element, extern, let, size, splat, store, vec
from webllm_build.compile.kernels.tir.unpack import float16s, four_signed_bytes
from webllm_build.compile.kv_layout import PAGE_SIZE, KvLayout
from webllm_build.compile.target import Variant
from webllm_build.model.attention import Attention

Name = Callable[[str, Expr], Expr]

PAGE_BITS = PAGE_SIZE.bit_length() - 1
PAIRS = PAGE_SIZE // 2  # of scales behind the rows of a block
KEY, VALUE = 0, 1
BEFORE = 5  # word of a row of `state`: rows of its sequence that come before it in this step, at the positions before its own
TINY = 1e-30  # what a row of zeros is divided by


class KvCache:
    """The parameter "kv" of a kernel. `kind` is KEY or VALUE (or an expression of either), page, head and slot say which token's row."""

    def __init__(self, kernel: Kernel, layout: KvLayout) -> None:
        self.layout = layout
        self._words = kernel.buffer("kv", (size("pages"), 2, layout.num_kv_heads, layout.block_words), "uint32")

    def load(self, page: Expr, kind: Expr, head: Expr, slot: Expr, column: Expr) -> Expr:
        """Vector `column` of a row as it is stored, words_dtype(layout): `floats` tells what it holds."""
        return self._vector(page, kind, head, slot * self.layout.columns + column)

    def load_scales(self, page: Expr, head: Expr, slot: Expr) -> tuple[Expr, Expr]:
        """What the floats of a token's key and value are to be multiplied by, float32. For layouts that have it only."""
        pair = let("scales", self._vector(*self._pair(page, head, slot)))
        key, value = (extern("float32", "bitcast<f32>", element(pair, kind)) for kind in (KEY, VALUE))
        return key, value

    def store(self, page: Expr, kind: Expr, head: Expr, slot: Expr, column: Expr, value: Expr, largest: Expr) -> None:
        """Store four elements, column*4 and on, of a row. largest: the row's largest magnitude, of which layouts with scales need it."""
        words = VEC * self.layout.words // self.layout.elements
        start = slot * (self.layout.columns * self.layout.words) + column * words
        place = (page, kind, head, T.ramp(start, 1, words) if words > 1 else start)
        store(self._words, _encode(self.layout, value, largest), *place)

    def store_scale(self, page: Expr, kind: Expr, head: Expr, slot: Expr, largest: Expr) -> None:
        """Store a row's scale, given its largest magnitude."""
        *place, pair = self._pair(page, head, slot)
        store(self._words, extern("uint32", "bitcast<u32>", row_scale(largest)), *place, pair * self.layout.words + kind)

    def store_vector(self, page: Expr, kind: Expr, head: Expr, slot: Expr, column: Expr, words: Expr) -> None:
        """Store what `load` gives: a kernel does this, or what `store` does."""
        self._store_vector((page, kind, head, slot * self.layout.columns + column), words)

    def store_scales(self, page: Expr, head: Expr, slot: Expr, key: Expr, value: Expr) -> None:
        """Store what `load_scales` gives, beside store_vector."""
        pair = extern("uint32x2", "vec2u", *(extern("uint32", "bitcast<u32>", scale) for scale in (key, value)))
        self._store_vector(self._pair(page, head, slot), pair)

    def _pair(self, page: Expr, head: Expr, slot: Expr) -> tuple[Expr, Expr, Expr, Expr]:
        """Where a token's scales are, a vector of both: see KvLayout."""
        return page, slot >> (PAGE_BITS - 1), head, PAGE_SIZE * self.layout.columns + (slot & (PAIRS - 1))

    def _store_vector(self, place: tuple[Expr, Expr, Expr, Expr], words: Expr) -> None:
        *block, index = place
        store(self._words, words, *block, T.ramp(index * self.layout.words, 1, self.layout.words))

    def _vector(self, page: Expr, kind: Expr, head: Expr, index: Expr) -> Expr:
        return self._words[page, kind, head, T.ramp(index * self.layout.words, 1, self.layout.words)]


@dataclass(frozen=True)
class Share:
    """What each of `parts` invocations that share a row of `columns` float32x4 holds of it: every parts-th vector of `quads` of them."""

    columns: int
    parts: int
    quads: int = 1

    @staticmethod
    def of(layout: KvLayout, parts: int) -> Share:
        """Of a row as the cache holds it, whose vectors are the layout's."""
        return Share(layout.head_dim // VEC, parts, layout.elements // VEC)

    @property
    def words(self) -> int:
        """Vectors that an invocation holds; the last may be padding."""
        return -(-self.columns // (self.parts * self.quads))

    @property
    def vectors(self) -> int:
        """float32x4 of an invocation."""
        return self.words * self.quads

    def places(self, part: Expr) -> list[tuple[Expr, Expr]]:
        """Of each float32x4: its place in the row, and whether that is inside and not padding."""
        places = []
        for first in (word * self.parts * self.quads + quad for word in range(self.words) for quad in range(self.quads)):
            column = first + part * self.quads
            places.append((column, first + (self.parts - 1) * self.quads < self.columns or column < self.columns))
        return places


def words_dtype(layout: KvLayout) -> str:
    return f"uint32x{layout.words}"


def floats(layout: KvLayout, words: Expr) -> tuple[Expr, ...]:
    """The elements of a vector as float32x4, four after four; not yet multiplied by the row's scale."""
    if layout.dtype == "float32":
        return (extern("float32x4", "bitcast<vec4<f32>>", words),)
    return float16s(words) if layout.dtype == "float16" else tuple(four_signed_bytes(element(words, i)) for i in range(2))


def encoded(layout: KvLayout, quads: Sequence[Expr], largest: Expr) -> Expr:
    """A vector of a row, as `load` gives it, of as many float32x4. largest: see KvCache.store."""
    words = [_encode(layout, quad, largest) for quad in quads]
    return words[0] if len(words) == 1 else extern(words_dtype(layout), f"vec{layout.words}u", *words)


def row_scale(largest: Expr) -> Expr:
    """Of a row in a layout with scales, given its largest magnitude: see KvCache.load_scales."""
    return largest * T.float32(1 / 127)


def as_halves(words: Expr) -> Expr:
    """8 signed bytes as a vector of float16, uint32x4, which holds them exactly."""
    return extern("uint32x4", "vec4u", *(pair for i in range(2) for pair in _pack_pairs(four_signed_bytes(element(words, i)))))


def state_buffer(kernel: Kernel) -> Buffer:
    """Parameter "state" int32[MAX_ROWS, STATE_WORDS]: for each row of the step, first the position of its first new token, or -1 for a row
    that does nothing."""
    return kernel.buffer("state", (MAX_ROWS, STATE_WORDS), "int32")


@dataclass(frozen=True)
class Text:
    """One of the texts of a prefill in which tokens see their whole text: the place of its first token, and the positions of its first and
    last one in the cache. Each begins with a page."""

    first: Expr
    begin: Expr
    last: Expr

    def position(self, token: Expr) -> Expr:
        """Of one of its tokens."""
        return self.begin + (token - self.first)


def text_of(state: Buffer, token: Expr, name: Name = fixed) -> Text:
    """The text that a token is of. name: gives values a name."""
    return _text(state, lambda row: state[row, FIRST_WORD] <= token, name)


def text_at(state: Buffer, position: Expr) -> Text:
    """The text that has a position, or ends in the same page."""
    return _text(state, lambda row: state[row, 0] <= position, fixed)


def _text(state: Buffer, has_begun: Callable[[int], Expr], name: Name) -> Text:
    """The last of those that have begun."""
    begun = [T.Select(T.And(state[row, FIRST_WORD] > 0, has_begun(row)), 1, 0) for row in range(1, MAX_ROWS)]
    row = name("text", functools.reduce(operator.add, begun))
    begin = name("text_begin", state[row, 0])
    return Text(name("text_first", T.max(state[row, FIRST_WORD], 0)), begin, name("text_last", begin + state[row, 1] - 1))


@dataclass(frozen=True)
class Rows:
    """The rows of a decode step: one, or n (a symbolic size), each a token of its own sequence or the next ones of one. max_pages: of a
    row's page table, where there are several; a kernel of one row needs not know."""

    max_pages: int | None = None

    @property
    def several(self) -> bool:
        return self.max_pages is not None

    def count(self) -> Expr:
        """1, or the symbolic size: once in a kernel."""
        return size("n") if self.several else 1

    def page_table(self, kernel: Kernel) -> Buffer:
        """Parameter "page_table" int32[MAX_ROWS, max_pages]."""
        return kernel.buffer("page_table", (MAX_ROWS, self.max_pages if self.several else size("max_pages")), "int32")

    def split(self, block: Expr, blocks: int) -> tuple[Expr, Expr]:
        """(row, workgroup of the row), given a workgroup of count * blocks. (TVM's kernels for WebGPU have no third axis.)"""
        return (fixed("row", block // blocks), fixed("block", block % blocks)) if self.several else (0, block)


ONE_ROW = Rows()


def page_of(page_table: Buffer, row: Expr, position: Expr) -> Expr:
    # A shift, because TVM cannot know that a position is not negative and would round `//` with care.
    return page_table[row, position >> PAGE_BITS]


def slot_of(position: Expr) -> Expr:
    return position & (PAGE_SIZE - 1)


def layout_of(variant: Variant, attention: Attention) -> KvLayout:
    """How a variant stores the keys and values of a layer."""
    return KvLayout(variant.kv_dtype, attention.kv_heads, attention.head_dim)


def qk_norm_buffer(kernel: Kernel, attention: Attention) -> Buffer | None:
    """Parameter "qk_norm" float32[qk_norm_size], the weights of queries and of keys, where they are normalised."""
    return kernel.buffer("qk_norm", (attention.qk_norm_size,), "float32") if attention.qk_norm is not None else None


def gated(attention: Attention, qkv: Buffer | None, row: Expr, head: Expr, column: Expr, value: Expr) -> Expr:
    """Vector `column` of what a head gives, times the sigmoids of its gates, which are the last columns of qkv."""
    if qkv is None or not attention.gate:
        return value
    first = attention.qkv_size - attention.heads * attention.gate
    if attention.gate == attention.head_dim:
        gates = qkv[row, vec(first // VEC + head * (attention.head_dim // VEC) + column)]
    else:
        index = fixed("gate_index", first + head)
        quad, lane = fixed("gates", qkv[row, vec(index >> 2)], "float32x4"), index & 3
        low = T.Select(lane == 0, element(quad, 0), element(quad, 1))
        gates = splat(T.Select(lane < 2, low, T.Select(lane == 2, element(quad, 2), element(quad, 3))))
    exponents = extern("float32x4", "min", splat(T.float32(0)) - gates, splat(T.float32(80)))  # WGSL leaves an overflow undefined
    return value / (splat(T.float32(1)) + extern("float32x4", "exp", exponents))


def sinks_buffer(kernel: Kernel, attention: Attention) -> Buffer | None:
    """Parameter "sinks" float32[heads], where there are such."""
    return kernel.buffer("sinks", (attention.heads,), "float32") if attention.sinks else None


def _encode(layout: KvLayout, value: Expr, largest: Expr) -> Expr:
    """Four elements of a row as words: uint32x4, uint32x2 or uint32."""
    if layout.dtype == "float32":
        return extern("uint32x4", "bitcast<vec4<u32>>", value)
    if layout.dtype == "float16":
        return extern("uint32x2", "vec2u", *_pack_pairs(value))
    return extern("uint32", "pack4x8snorm", value / splat(T.max(largest, T.float32(TINY))))


def _pack_pairs(value: Expr) -> list[Expr]:
    pairs = [extern("float32x2", "vec2f", element(value, i), element(value, i + 1)) for i in (0, 2)]
    return [extern("uint32", "pack2x16float", pair) for pair in pairs]
