"""Packed words as numbers: what the fields of a word hold, as float32."""

from __future__ import annotations

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.ops import Buffer, Expr, element, extern
from webllm_build.quantize.mxfp4 import RISE


def nibble_words(words: Expr) -> tuple[Expr, ...]:
    """32 nibbles of a uint32x4 as 8 uint32 of four bytes each, in the order of `nibbles`."""
    mask = T.uint32(0x0F0F0F0F)
    return tuple(T.bitwise_and(T.shift_right(element(words, j), T.uint32(first)), mask) for j in range(4) for first in (0, 4))


def signed_nibble_words(words: Expr) -> tuple[Expr, ...]:
    """As nibble_words, of nibbles less 8, times 16: such signed bytes only need a nibble in its place, and its highest bit inverted."""
    placed = (place for word in lanes(words) for place in (T.shift_left(word, T.uint32(4)), word))
    return tuple(T.bitwise_xor(T.bitwise_and(place, T.uint32(0xF0F0F0F0)), T.uint32(0x80808080)) for place in placed)


def e2m1_words(words: Expr) -> tuple[Expr, ...]:
    """32 codes of quantize/mxfp4.py in a uint32x4, as nibble_words has their nibbles: bytes of ZERO + twice the number."""
    return tuple(half for word in lanes(words) for half in _e2m1(T.bind(word)))


def _e2m1(word: Expr) -> tuple[Expr, Expr]:
    """Of the low and of the high nibbles of its bytes. The majority is one operation for all eight where a GPU has any function of three
    words."""
    one, three = (T.bind(T.bitwise_not(T.shift_right(word, T.uint32(bit)))) for bit in (1, 3))
    rises = T.bind(T.bitwise_or(T.bitwise_and(one, three), T.bitwise_and(word, T.bitwise_or(one, three))))

    def half(first: int) -> Expr:
        nibbles, rise = (
            T.bitwise_and(T.shift_right(x, T.uint32(first)) if first else x, T.uint32(mask * 0x01010101))
            for x, mask in ((word, 15), (rises, 1))
        )
        return nibbles + rise * T.uint32(RISE)

    return half(0), half(4)


def biased_bytes(words: tuple[Expr, ...], bias: int) -> tuple[Expr, ...]:
    """The bytes of words, less a bias, as a float32x4 each."""
    return tuple(_fields(_doubled(T.bind(word)), 0, 255, bias=bias) for word in words)


def e8m0(word: Expr, index: Expr) -> Expr:
    """Half the power of two that byte index % 4 of a word says, as float32; less than float32 has is 0."""
    byte = T.bitwise_and(T.shift_right(word, T.cast(index % 4 * 8, "uint32")), T.uint32(0xFF))
    return T.reinterpret("float32", T.shift_left(T.max(byte, T.uint32(1)) - T.uint32(1), T.uint32(23)))


def lanes(words: Expr) -> tuple[Expr, ...]:
    """The 4 uint32 of a uint32x4."""
    return tuple(element(words, j) for j in range(4))


def nibbles(words: Expr) -> tuple[Expr, ...]:
    """32 nibbles of a uint32x4 as 8 float32x4: of word j the low nibbles of its 4 bytes, then the high ones."""
    doubled = [_doubled(word) for word in lanes(words)]
    return tuple(_fields(pair, first, 15) for pair in doubled for first in (0, 4))


def signed_bytes(words: Expr) -> tuple[Expr, ...]:
    """16 signed bytes of a uint32x4 as 4 float32x4."""
    return tuple(four_signed_bytes(word) for word in lanes(words))


def four_signed_bytes(word: Expr) -> Expr:
    """The signed bytes of a uint32 as float32x4."""
    return _fields(_doubled(T.bitwise_xor(word, T.uint32(0x80808080))), 0, 255, bias=128)


def float16s(words: Expr) -> tuple[Expr, ...]:
    """8 float16 of a uint32x4 as 2 float32x4."""
    pairs = [extern("float32x2", "unpack2x16float", word) for word in lanes(words)]
    return tuple(extern("float32x4", "vec4f", *pairs[j : j + 2]) for j in (0, 2))


def float16_at(words: Buffer, index: Expr) -> Expr:
    """float32 value of the float16 `index` in a buffer of packed words."""
    return float16_of(words[index // 2], index)


def float16_of(word: Expr, index: Expr) -> Expr:
    """float32 value of the low float16 of a word where index is even, of the high one where it is odd."""
    shift = T.cast(index % 2 * 16, "uint32")
    return element(extern("float32x2", "unpack2x16float", T.shift_right(word, shift)), 0)


def float16_pair(word: Expr) -> tuple[Expr, Expr]:
    """float32 values of the low and the high float16 of a word."""
    pair = T.bind(extern("float32x2", "unpack2x16float", word))
    return element(pair, 0), element(pair, 1)


def _doubled(word: Expr) -> Expr:
    """A word twice, then its upper half twice, as uint32x4."""
    return T.bind(extern("uint32x4", "vec4u", word, word, *[T.shift_right(word, T.uint32(16))] * 2))


def _fields(doubled: Expr, first: int, mask: int, bias: int = 0) -> Expr:
    """The fields of a word at the bits first, first + 8, first + 16 and first + 24, minus a bias, as float32x4.

    A field at bit b of the mantissa of the float 2**(23 - b) makes the float 2**(23 - b) + field, exactly. That takes two bit
    operations and a subtraction, which GPUs do at full speed; NVIDIA's conversions from integers run at an eighth of it.
    """
    bits = (first, first + 8) * 2
    fields = T.bitwise_and(doubled, _vec4u(*(mask << bit for bit in bits)))
    floats = T.bitwise_or(fields, _vec4u(*(127 + 23 - bit << 23 for bit in bits)))
    offsets = (T.float32(2 ** (23 - bit) + bias) for bit in bits)
    return extern("float32x4", "bitcast<vec4<f32>>", floats) - extern("float32x4", "vec4f", *offsets)


def _vec4u(*values: int) -> Expr:
    return extern("uint32x4", "vec4u", *(T.uint32(value) for value in values))
