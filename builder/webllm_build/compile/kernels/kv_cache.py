"""Loads and stores of the paged key-value cache, whose layout is in kv_layout.py.

Token `position` of the running sequence lies in slot position % PAGE_SIZE of page page_table[position / PAGE_SIZE].
"""

from __future__ import annotations

from dataclasses import dataclass

from tvm.tirx.script import builder as T

from webllm_build.compile.kv_layout import PAGE_SIZE, KvLayout
from webllm_build.quantize import tir

from .tir_ops import VEC, Buffer, Expr, Kernel, element, extern, let, size, store, vec

PAGE_BITS = PAGE_SIZE.bit_length() - 1
KEY, VALUE = 0, 1


class KvCache:
    """The parameter "kv" of a kernel. `kind` is KEY or VALUE (or an expression of either), page, head and slot say which token's row."""

    def __init__(self, kernel: Kernel, layout: KvLayout) -> None:
        self.layout = layout
        self._words = kernel.buffer("kv", (size("pages"), 2, layout.num_kv_heads, layout.block_words), "uint32")

    def load(self, page: Expr, kind: Expr, head: Expr, slot: Expr, column: Expr) -> Expr:
        """Vector `column` of a row as it is stored, uint32x4: `floats` tells what it holds."""
        return self._words[page, kind, head, vec(slot * self.layout.columns + column)]

    def load_scale(self, page: Expr, kind: Expr, head: Expr, slot: Expr) -> Expr:
        """What the floats of a row are to be multiplied by, float32. For layouts that have it only."""
        words = let("scales", self._words[page, kind, head, vec(PAGE_SIZE * self.layout.columns + slot // VEC)])
        low, high = (_select(slot % 2 == 0, element(words, i), element(words, i + 1)) for i in (0, 2))
        return extern("float32", "bitcast<f32>", _select(slot % VEC < 2, low, high))

    def store(self, page: Expr, kind: Expr, head: Expr, slot: Expr, column: Expr, value: Expr) -> None:
        """Store four elements, column*4 and on, of a row. Of layouts with scales, `value` is divided by the row's largest magnitude."""
        place = (page, kind, head)
        start = slot * (self.layout.columns * VEC)
        if self.layout.dtype == "float32":
            words = extern("uint32x4", "bitcast<vec4<u32>>", value)
            store(self._words, words, *place, T.ramp(start + column * VEC, 1, VEC))
        elif self.layout.dtype == "float16":
            store(self._words, extern("uint32x2", "vec2u", *_pack_pairs(value)), *place, T.ramp(start + column * 2, 1, 2))
        else:
            store(self._words, extern("uint32", "pack4x8snorm", value), *place, start + column)

    def store_scale(self, page: Expr, kind: Expr, head: Expr, slot: Expr, largest: Expr) -> None:
        """Store a row's scale, given its largest magnitude."""
        scale = extern("uint32", "bitcast<u32>", largest * T.float32(1 / 127))
        store(self._words, scale, page, kind, head, PAGE_SIZE * self.layout.columns * VEC + slot)


@dataclass(frozen=True)
class Share:
    """What each of `parts` invocations that share a row holds of it: every parts-th of its `columns` vectors, as float32x4."""

    layout: KvLayout
    parts: int
    columns: int

    @property
    def words(self) -> int:
        """Vectors of 16 bytes of an invocation; the last may be padding."""
        return -(-self.columns // self.parts)

    @property
    def quads(self) -> int:
        """float32x4 in a vector of 16 bytes."""
        return self.layout.elements // VEC

    @property
    def vectors(self) -> int:
        """float32x4 of an invocation."""
        return self.words * self.quads

    def places(self, part: Expr) -> list[tuple[Expr, Expr]]:
        """Of each float32x4: its place in the row, and whether that is inside and not padding."""
        row = self.layout.head_dim // VEC
        places = []
        for first in (word * self.parts * self.quads + quad for word in range(self.words) for quad in range(self.quads)):
            column = first + part * self.quads
            places.append((column, first + (self.parts - 1) * self.quads < row or column < row))
        return places


def floats(layout: KvLayout, words: Expr) -> tuple[Expr, ...]:
    """The elements of a vector as float32x4, four after four; not yet multiplied by the row's scale."""
    if layout.dtype == "float32":
        return (extern("float32x4", "bitcast<vec4<f32>>", words),)
    return tir.halves(words) if layout.dtype == "float16" else tir.signed_bytes(words)


def as_halves(words: Expr) -> tuple[Expr, Expr]:
    """16 signed bytes as two vectors of float16, which hold them exactly."""
    pairs = [pair for value in tir.signed_bytes(words) for pair in _pack_pairs(value)]
    return extern("uint32x4", "vec4u", *pairs[:4]), extern("uint32x4", "vec4u", *pairs[4:])


def page_table_buffer(kernel: Kernel) -> Buffer:
    return kernel.buffer("page_table", (size("max_pages"),), "int32")


def page_of(page_table: Buffer, position: Expr) -> Expr:
    # A shift, because TVM cannot know that a position is not negative and would round `//` with care.
    return page_table[position >> PAGE_BITS]


def slot_of(position: Expr) -> Expr:
    return position & (PAGE_SIZE - 1)


def check_heads(num_heads: int, num_kv_heads: int, head_dim: int) -> int:
    """Query heads that share a key-value head. Raises ValueError for shapes that the attention kernels do not cover."""
    if num_heads % num_kv_heads:
        raise ValueError(f"{num_heads} query heads cannot share {num_kv_heads} key-value heads evenly")
    if head_dim % 8 or not 32 <= head_dim <= 256:
        raise ValueError(f"head_dim is {head_dim}, but attention needs a multiple of 8 from 32 to 256")
    return num_heads // num_kv_heads


def _pack_pairs(value: Expr) -> list[Expr]:
    pairs = [extern("float32x2", "vec2f", element(value, i), element(value, i + 1)) for i in (0, 2)]
    return [extern("uint32", "pack2x16float", pair) for pair in pairs]


def _select(condition: Expr, then: Expr, otherwise: Expr) -> Expr:
    return extern("uint32", "select", otherwise, then, condition)
