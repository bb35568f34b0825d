"""Dequantization inside a kernel: TIR expressions for one block of 32 weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tvm.tirx.script import builder as T

Expr = Any  # a TIR expression


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
    return tuple(_unsigned(_lane(words, j), (first, first + 8, first + 16, first + 24), 15) for j in range(4) for first in (0, 4))


def signed_bytes(words: Expr) -> tuple[Expr, ...]:
    """16 signed bytes of a uint32x4 as 4 float32x4."""
    flipped = (T.bitwise_xor(_lane(words, j), T.uint32(0x80808080)) for j in range(4))
    return tuple(_unsigned(word, (0, 8, 16, 24), 255, bias=128) for word in flipped)


def _unsigned(word: Expr, shifts: tuple[int, int, int, int], mask: int, bias: int = 0) -> Expr:
    """The fields of a word at four shifts, minus a bias, as float32x4.

    A field put into the low bits of the float 2**23 makes the float 2**23 + field, exactly. That takes shifts, masks and a
    subtraction, which GPUs do at full speed; NVIDIA's conversions from integers run at an eighth of it.
    """
    fields = T.bitwise_and(T.shift_right(T.Broadcast(word, 4), _vec4u(*shifts)), _vec4u(mask, mask, mask, mask))
    floats = T.bitwise_or(fields, T.Broadcast(T.uint32(0x4B000000), 4))
    return T.call_pure_extern("float32x4", "bitcast<vec4<f32>>", floats) - T.Broadcast(T.float32(2**23 + bias), 4)


def _vec4u(*values: int) -> Expr:
    return T.call_pure_extern("uint32x4", "vec4u", *(T.uint32(value) for value in values))


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
