"""The paged key-value cache on a CPU. A page holds all layers, so that the cache grows at its end, where it lies; a layer's part
of a page is as in kv_layout.py, but that of 8 float16 a word has elements i and i + 4, which become two vectors without moving anything."""

from __future__ import annotations

from tvm.tirx.script import builder as T

from webllm_build.compile.abi_generated import MAX_ROWS, STATE_WORDS
from webllm_build.compile.cpu.ops import WRITTEN_OUT, at, constant, integer
from webllm_build.compile.cpu.rounding import quantized
from webllm_build.compile.cpu.unpack import BIAS, small_lower_half, small_upper_half
from webllm_build.compile.kernels.attention.kv_cache import Text, page_of, slot_of, text_of
from webllm_build.compile.kernels.tir.ops import VEC, Buffer, Expr, Kernel, counted, let, size, store
from webllm_build.compile.kv_layout import PAGE_SIZE, KvLayout

LARGEST = 65504  # float16


class Places:
    """The parameters "state" int32[MAX_ROWS, STATE_WORDS] and "page_table" int32[MAX_ROWS, max_pages]: where a step's tokens lie.

    The tokens of a prefill are of row 0's sequence, from the position in its state on, or where they see whole texts of one in each row;
    those of a decode step (max_pages: entries of a table) each have a row, and one at position -1 is padding.
    """

    def __init__(self, kernel: Kernel, max_pages: int | None, *, in_turn: bool = True) -> None:
        self._rows, self._in_turn = max_pages is not None, in_turn
        self._state = kernel.buffer("state", (MAX_ROWS, STATE_WORDS), "int32")
        self._table = kernel.buffer("page_table", (MAX_ROWS, max_pages or size("max_pages")), "int32")

    def position(self, token: Expr) -> Expr:
        if not self._in_turn:
            return self.text(token).position(token)
        return self._state[token, 0] if self._rows else self._state[0, 0] + token

    def text(self, token: Expr) -> Text:
        """The one that a token is of, where they are seen whole."""
        return text_of(self._state, token, let)

    def page(self, token: Expr, position: Expr) -> Expr:
        """Of a position of a token's sequence."""
        return page_of(self._table, token if self._rows else 0, position)


class KvCache:
    """The parameter "kv": a layer's part of page p lies p * stride words behind that of page 0."""

    def __init__(self, kernel: Kernel, layout: KvLayout, stride: int) -> None:
        self.layout = layout
        self._words = kernel.buffer("kv", (size("pages"), stride), "uint32")

    def _row(self, kind: Expr, head: Expr, position: Expr) -> Expr:
        """The first word of a row."""
        layout = self.layout
        return ((kind * layout.num_kv_heads) + head) * layout.block_words + slot_of(position) * (layout.columns * layout.words)

    def store(self, page: Expr, kind: Expr, head: Expr, position: Expr, row: Buffer) -> None:
        """Store float32[head_dim]."""
        first = let("first", self._row(kind, head, position))
        if self.layout.scaled:
            quads = [row[at(i)] for i in range(self.layout.head_dim // VEC)]
            scale, codes = quantized(quads)
            store(self._words, T.reinterpret("uint32", scale), page, self._scale(kind, head, position))
            for i, code in enumerate(codes):
                store(self._words, code, page, first + i)
            return
        for i in counted(self.layout.columns, WRITTEN_OUT):
            if self.layout.dtype == "float32":
                words = T.reinterpret("uint32x4", row[at(i)])
            else:
                low, high = (_as_halves(row[at(2 * i + part)]) for part in range(2))
                words = T.bitwise_or(low, T.shift_left(high, integer(16, high)))
            store(self._words, words, page, T.ramp(first + i * 4, 1, 4))

    def scale(self, page: Expr, kind: Expr, head: Expr, position: Expr) -> Expr:
        """Of a row, in a layout that has such."""
        return T.reinterpret("float32", self._words[page, self._scale(kind, head, position)])

    def _scale(self, kind: Expr, head: Expr, position: Expr) -> Expr:
        layout = self.layout
        return ((kind * layout.num_kv_heads) + head) * layout.block_words + PAGE_SIZE * layout.columns * layout.words + slot_of(position)

    @property
    def factor(self) -> float:
        """What `load` divides by, beside a row's scale: who multiplies many rows does it to what they meet."""
        return BIAS if self.layout.dtype == "float16" else 1

    def scaled_up(self, value: Expr) -> Expr:
        """float32x4 times `factor`; beyond float16's range its largest, which leaves room for that."""
        if self.factor == 1:
            return value
        value = T.min(T.max(value, constant(-LARGEST, value)), constant(LARGEST, value))
        return value * constant(self.factor, value)

    @property
    def parts(self) -> int:
        """Of a row, which are loaded by themselves."""
        return self.layout.head_dim // VEC if self.layout.scaled else self.layout.columns

    def load(self, page: Expr, kind: Expr, head: Expr, position: Expr, part: Expr) -> list[Expr]:
        """A part of a row as float32x4, to be multiplied by `factor` and by the row's scale where the layout has such."""
        first = let("first", self._row(kind, head, position))
        if self.layout.scaled:
            return [T.Cast("float32x4", T.reinterpret("int8x4", self._words[page, first + part]))]
        words = let("words", self._words[page, T.ramp(first + part * 4, 1, 4)])
        if self.layout.dtype == "float32":
            return [T.reinterpret("float32x4", words)]
        return [small_lower_half(words), small_upper_half(words)]


def _as_halves(value: Expr) -> Expr:
    """float32x4 as float16, in the lower halves of uint32x4, to the nearest, of equals the even one; beyond float16's range its largest."""
    value = let("value", value)
    largest = T.min(T.max(value, constant(0, value) - value), constant(LARGEST, value))
    # float32's exponents now end where float16's do, so that its denormal numbers are float16's too.
    bits = let("bits", T.reinterpret("int32x4", largest * constant(2.0**-112, value)))
    odd = T.bitwise_and(T.shift_right(bits, integer(13, bits)), integer(1, bits))
    magnitude = T.shift_right(bits + odd + integer(0xFFF, bits), integer(13, bits))
    sign = T.bitwise_and(T.shift_right(T.reinterpret("int32x4", value), integer(16, bits)), integer(0x8000, bits))
    return T.reinterpret("uint32x4", T.bitwise_or(magnitude, sign))
