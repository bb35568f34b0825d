"""Dequantization inside a kernel: TIR expressions for one block of 32 weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tvm.tirx.script import builder as T

Expr = Any  # a TIR expression
LOW_NIBBLES = 0x0F0F0F0F


@dataclass(frozen=True)
class Block:
    """The weights 4j..4j+3 of a block are scale * codes[j] + offset, with codes float32x4 and the rest float32; None is 1 or 0.

    A kernel multiplies codes with activations and applies scale and offset to the block's sums, which saves work per weight.
    """

    codes: tuple[Expr, ...]
    scale: Expr | None = None
    offset: Expr | None = None

    def values(self, j: int) -> Expr:
        """The weights 4j..4j+3 as float32x4."""
        value = self.codes[j]
        if self.scale is not None:
            value = value * T.Broadcast(self.scale, 4)
        if self.offset is not None:
            value = value + T.Broadcast(self.offset, 4)
        return value


def nibbles(words: Expr) -> tuple[Expr, ...]:
    """32 nibbles of a uint32x4 as 8 float32x4: of word j the low nibbles of its 4 bytes, then the high ones."""
    parts = []
    for j in range(4):
        word = _lane(words, j)
        low = T.bitwise_and(word, T.uint32(LOW_NIBBLES))
        high = T.bitwise_and(T.shift_right(word, T.uint32(4)), T.uint32(LOW_NIBBLES))
        parts += [T.cast(T.call_pure_extern("uint32x4", "unpack4xU8", bits), "float32x4") for bits in (low, high)]
    return tuple(parts)


def signed_bytes(words: Expr) -> tuple[Expr, ...]:
    """16 signed bytes of a uint32x4 as 4 float32x4."""
    return tuple(T.cast(T.call_pure_extern("int32x4", "unpack4xI8", _lane(words, j)), "float32x4") for j in range(4))


def halves(words: Expr) -> tuple[Expr, ...]:
    """8 float16 of a uint32x4 as 2 float32x4."""
    pairs = [T.call_pure_extern("float32x2", "unpack2x16float", _lane(words, j)) for j in range(4)]
    return tuple(T.call_pure_extern("float32x4", "vec4f", *pairs[j : j + 2]) for j in (0, 2))


def half(words: Any, index: Expr) -> Expr:
    """float32 value of the float16 `index` in a buffer of packed words."""
    shift = T.cast(index % 2 * 16, "uint32")
    return _lane(T.call_pure_extern("float32x2", "unpack2x16float", T.shift_right(words[index // 2], shift)), 0)


def half_pair(word: Expr) -> tuple[Expr, Expr]:
    """float32 values of the low and the high float16 of a word."""
    pair = T.bind(T.call_pure_extern("float32x2", "unpack2x16float", word))
    return _lane(pair, 0), _lane(pair, 1)


def _lane(vector: Expr, index: int) -> Expr:
    return T.Shuffle([vector], [index])
