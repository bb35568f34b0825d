"""Packed words as numbers: what the fields of a word hold, as float32."""

from __future__ import annotations

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.ops import Buffer, Expr, element, extern


def nibble_words(words: Expr) -> tuple[Expr, ...]:
    """32 nibbles of a uint32x4 as 8 uint32 of four bytes each, in the order of `nibbles`."""
    mask = T.uint32(0x0F0F0F0F)
    return tuple(T.bitwise_and(T.shift_right(element(words, j), T.uint32(first)), mask) for j in range(4) for first in (0, 4))


E2M1_BIAS = 12  # what stands for 0 among the codes of e2m1_words


def e2m1_words(words: Expr) -> tuple[Expr, ...]:
    """32 numbers in E2M1 of a uint32x4 as nibble_words has their nibbles: bytes of E2M1_BIAS + twice the number."""
    return tuple(_e2m1(T.bind(word)) for word in nibble_words(words))


def _e2m1(word: Expr) -> Expr:
    """Of the bits s, 2, 1, 0 of each byte twice the number's size is bits 210 + (0 and 2) + 2 * ((1 and 2) + (0 and 1 and 2))."""
    ones, two = T.uint32(0x01010101), T.bind(T.shift_right(word, T.uint32(2)))
    zero_and_two = T.bind(T.bitwise_and(T.bitwise_and(word, two), ones))
    one_and_two = T.bind(T.bitwise_and(T.bitwise_and(T.shift_right(word, T.uint32(1)), two), ones))
    both = one_and_two + T.bitwise_and(zero_and_two, one_and_two)
    size = T.bind(T.bitwise_and(word, T.uint32(0x07070707)) + zero_and_two + T.shift_left(both, T.uint32(1)))
    sign = T.bind(T.bitwise_and(T.shift_right(word, T.uint32(3)), ones))
    negative = T.bitwise_and(size, T.shift_left(sign, T.uint32(4)) - sign)
    return size + T.uint32(E2M1_BIAS * 0x01010101) - T.shift_left(negative, T.uint32(1))


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
