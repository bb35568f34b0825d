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


@dataclass(frozen=True)
class CodeBlock:
    """The weights of a block as packed integers: weight i is scale * (code i - the scheme's bias) + minimum, with code i the signed
    byte i % 4 of words[i // 4]; words are 8 uint32, scale and minimum float32, no minimum is 0."""

    words: tuple[Expr, ...]
    scale: Expr
    minimum: Expr | None = None


def nibble_words(words: Expr) -> tuple[Expr, ...]:
    """32 nibbles of a uint32x4 as 8 uint32 of four bytes each, in the order of `nibbles`."""
    mask = T.uint32(0x0F0F0F0F)
    return tuple(T.bitwise_and(T.shift_right(_lane(words, j), T.uint32(first)), mask) for j in range(4) for first in (0, 4))


def lanes(words: Expr) -> tuple[Expr, ...]:
    """The 4 uint32 of a uint32x4."""
    return tuple(_lane(words, j) for j in range(4))


def nibbles(words: Expr) -> tuple[Expr, ...]:
    """32 nibbles of a uint32x4 as 8 float32x4: of word j the low nibbles of its 4 bytes, then the high ones."""
    halves = [_halves(_lane(words, j)) for j in range(4)]
    return tuple(_fields(pair, first, 15) for pair in halves for first in (0, 4))


def signed_bytes(words: Expr) -> tuple[Expr, ...]:
    """16 signed bytes of a uint32x4 as 4 float32x4."""
    return tuple(four_signed_bytes(word) for word in lanes(words))


def four_signed_bytes(word: Expr) -> Expr:
    """The signed bytes of a uint32 as float32x4."""
    return _fields(_halves(T.bitwise_xor(word, T.uint32(0x80808080))), 0, 255, bias=128)


def _halves(word: Expr) -> Expr:
    """A word twice, then its upper half twice, as uint32x4."""
    return T.bind(T.call_pure_extern("uint32x4", "vec4u", word, word, *[T.shift_right(word, T.uint32(16))] * 2))


def _fields(halves: Expr, first: int, mask: int, bias: int = 0) -> Expr:
    """The fields of a word at the bits first, first + 8, first + 16 and first + 24, minus a bias, as float32x4.

    A field at bit b of the mantissa of the float 2**(23 - b) makes the float 2**(23 - b) + field, exactly. That takes two bit
    operations and a subtraction, which GPUs do at full speed; NVIDIA's conversions from integers run at an eighth of it.
    """
    bits = (first, first + 8) * 2
    fields = T.bitwise_and(halves, _vec4u(*(mask << bit for bit in bits)))
    floats = T.bitwise_or(fields, _vec4u(*(127 + 23 - bit << 23 for bit in bits)))
    offsets = (T.float32(2 ** (23 - bit) + bias) for bit in bits)
    return T.call_pure_extern("float32x4", "bitcast<vec4<f32>>", floats) - T.call_pure_extern("float32x4", "vec4f", *offsets)


def _vec4u(*values: int) -> Expr:
    return T.call_pure_extern("uint32x4", "vec4u", *(T.uint32(value) for value in values))


def halves(words: Expr) -> tuple[Expr, ...]:
    """8 float16 of a uint32x4 as 2 float32x4."""
    pairs = [T.call_pure_extern("float32x2", "unpack2x16float", _lane(words, j)) for j in range(4)]
    return tuple(T.call_pure_extern("float32x4", "vec4f", *pairs[j : j + 2]) for j in (0, 2))


def half(words: Any, index: Expr) -> Expr:
    """float32 value of the float16 `index` in a buffer of packed words."""
    return half_of(words[index // 2], index)


def half_of(word: Expr, index: Expr) -> Expr:
    """float32 value of the low float16 of a word where index is even, of the high one where it is odd."""
    shift = T.cast(index % 2 * 16, "uint32")
    return _lane(T.call_pure_extern("float32x2", "unpack2x16float", T.shift_right(word, shift)), 0)


def half_pair(word: Expr) -> tuple[Expr, Expr]:
    """float32 values of the low and the high float16 of a word."""
    pair = T.bind(T.call_pure_extern("float32x2", "unpack2x16float", word))
    return _lane(pair, 0), _lane(pair, 1)


def _lane(vector: Expr, index: int) -> Expr:
    return T.Shuffle([vector], [index])
