"""Weights inside a kernel for CPUs, from the buffers of each scheme of quantize/, as float32 (see kernels/dequantize.py for the GPU's)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.ops import integer, like, typed
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, let, splat
from webllm_build.quantize import GROUP, Scheme
from webllm_build.quantize.mxfp4 import RISE, ZERO

QUADS = GROUP // 4  # float32x4 in a block


BIAS = 2.0**112  # between the exponents of float32 and float16


def upper_half(words: Expr) -> Expr:
    """float32 values of the float16 in the upper halves of 32-bit words, in any number of lanes. Infinities and NaN are not kept."""
    return small_upper_half(words) * like(T.float32(BIAS), words)


def lower_half(words: Expr) -> Expr:
    """As upper_half."""
    return small_lower_half(words) * like(T.float32(BIAS), words)


def small_upper_half(words: Expr) -> Expr:
    """The values divided by BIAS: the sign stays, the rest moves to where float32 has it."""
    words = let("halves", T.reinterpret(typed("int32", words), words))
    bits = T.bitwise_and(T.shift_right(words, integer(3, words)), integer(-0x70002000, words))  # 0x8fffe000
    return T.reinterpret(typed("float32", words), bits)


def small_lower_half(words: Expr) -> Expr:
    words = let("halves", T.reinterpret(typed("int32", words), words))
    return small_upper_half(T.shift_left(words, integer(16, words)))


def half_of(buffer: Buffer, index: Expr) -> Expr:
    """float32 value of the float16 `index` in a buffer of packed words."""
    word = T.reinterpret("int32", buffer[index // 2])
    return upper_half(T.shift_left(word, T.Cast("int32", 1 - index % 2) * T.int32(16)))


def bytes_of(words: Expr) -> Expr:
    """The bytes of a uint32x4 as uint8x16."""
    return T.reinterpret("uint8x16", words)


def nibbles(words: Expr) -> tuple[Expr, Expr]:
    """The low and the high nibbles of the bytes of a uint32x4, as uint8x16."""
    words = let("words", words)
    # Not a shift of bytes, which x86 does not have.
    return tuple(T.bitwise_and(bytes_of(part), T.Broadcast(T.uint8(15), 16)) for part in (words, T.shift_right(words, integer(4, words))))


def e2m1(nibbles: Expr) -> Expr:
    """Codes of quantize/mxfp4.py, nibbles in uint8x16, as ZERO + twice the number: see kernels/tir/unpack.py."""

    def times(value: int) -> Expr:
        return T.Broadcast(T.uint8(value), 16)

    x = let("nibbles", nibbles)
    words = let("words", T.reinterpret("uint32x4", x))
    # Bit 1 and bit 3 of each are wanted in the lowest bit of a byte alone.
    one, three = (let("inverse", T.bitwise_not(bytes_of(T.shift_right(words, integer(bit, words))))) for bit in (1, 3))
    rises = T.bitwise_or(T.bitwise_and(one, three), T.bitwise_and(x, T.bitwise_or(one, three)))
    return x + T.bitwise_and(times(0) - T.bitwise_and(rises, times(1)), times(RISE))


def e8m0(elements: Expr) -> Expr:
    """Half the powers of two that bytes say, in any number of lanes, as float32; less than float32 has is 0."""
    words = let("exponents", T.Cast(typed("uint32", elements), elements))
    bits = T.shift_left(T.max(words, integer(1, words)) - integer(1, words), integer(23, words))
    return T.reinterpret(typed("float32", words), bits)


def values_of(scheme: Scheme, weight: Sequence[Buffer], block: Expr) -> tuple[Expr, ...]:
    """The weights of a block as 8 float32x4, in order. The block of row r of a weight of k columns is r * k / GROUP + its place there."""
    return VALUES[scheme.name](weight, block)


def _quads(vector: Expr) -> list[Expr]:
    """16 bytes as 4 float32x4."""
    return [T.Cast("float32x4", T.Shuffle([vector], list(range(first, first + 4)))) for first in range(0, 16, 4)]


def _interleaved(words: Expr) -> list[Expr]:
    """32 nibbles in the order of nibbles.join_nibbles as 8 float32x4."""
    return _in_order(*nibbles(words))


def _in_order(low: Expr, high: Expr) -> list[Expr]:
    pairs = zip(*(_quads(let("nibbles", part)) for part in (low, high)), strict=True)
    return [quad for pair in pairs for quad in pair]


def _q4(weight: Sequence[Buffer], block: Expr) -> tuple[Expr, ...]:
    scale = splat(let("scale", half_of(weight[1], block)))
    return tuple((quad - splat(T.float32(8))) * scale for quad in _interleaved(weight[0][block]))


def _q4a(weight: Sequence[Buffer], block: Expr) -> tuple[Expr, ...]:
    pair = let("pair", weight[1][block])
    scale, minimum = splat(let("scale", lower_half(pair))), splat(let("minimum", upper_half(pair)))
    return tuple(quad * scale + minimum for quad in _interleaved(weight[0][block]))


def _q8(weight: Sequence[Buffer], block: Expr) -> tuple[Expr, ...]:
    scale = splat(let("scale", half_of(weight[1], block)))
    parts = [let("codes", T.reinterpret("int8x16", weight[0][block * 2 + part])) for part in range(2)]
    return tuple(quad * scale for part in parts for quad in _quads(part))


def _mxfp4(weight: Sequence[Buffer], block: Expr) -> tuple[Expr, ...]:
    byte = T.shift_right(weight[1][block // 4], T.Cast("uint32", block % 4 * 8))
    scale = splat(let("scale", e8m0(T.bitwise_and(byte, T.uint32(0xFF)))))
    codes = _in_order(*(e2m1(part) for part in nibbles(weight[0][block])))
    return tuple((quad - splat(T.float32(ZERO))) * scale for quad in codes)


def _f16(weight: Sequence[Buffer], block: Expr) -> tuple[Expr, ...]:
    values: list[Expr] = []
    for part in range(4):
        halves = let("halves", T.reinterpret("uint16x8", weight[0][block * 4 + part]))
        for first in (0, 4):
            words = T.Cast("uint32x4", T.Shuffle([halves], list(range(first, first + 4))))
            values.append(lower_half(words))
    return tuple(values)


def _f32(weight: Sequence[Buffer], block: Expr) -> tuple[Expr, ...]:
    return tuple(weight[0][T.ramp(block * GROUP + 4 * j, 1, 4)] for j in range(QUADS))


# By the scheme's name.
VALUES: Mapping[str, Callable[[Sequence[Buffer], Expr], tuple[Expr, ...]]] = MappingProxyType(
    {"q4": _q4, "q4a": _q4a, "q8": _q8, "mxfp4": _mxfp4, "f16": _f16, "f32": _f32}
)
