"""Floats as 8-bit integers with one scale: round(x / scale), scale = largest / 127."""

from __future__ import annotations

from collections.abc import Sequence

from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.ops import constant
from webllm_build.compile.kernels.tir.ops import Expr, let, splat

_ROUND = 1.5 * 2**23  # added to a small float32 leaves the nearest integer in its lowest bits


def quantized(quads: Sequence[Expr]) -> tuple[Expr, list[Expr]]:
    """The scale of some float32x4, and the codes of each in the bytes of a uint32."""
    scale, shifted = shifted_codes(quads)
    return scale, [codes_of(value) for value in shifted]


def shifted_codes(quads: Sequence[Expr]) -> tuple[Expr, list[Expr]]:
    """The scale, and float32x4 of which `codes_of` and `rounded` tell the codes."""
    values = [let("value", quad) for quad in quads]
    largest = let("largest", _largest(values))
    inverse = splat(let("inverse", T.Select(largest > T.float32(0), T.float32(127) / largest, T.float32(0))))
    return let("scale", largest * T.float32(1 / 127)), [let("shifted", value * inverse + constant(_ROUND, value)) for value in values]


def codes_of(shifted: Expr) -> Expr:
    """Four codes, as the bytes of a uint32."""
    return T.reinterpret("uint32", T.Shuffle([T.reinterpret("uint8x16", shifted)], [0, 4, 8, 12]))


def rounded(shifted: Expr) -> Expr:
    """Four codes, as float32x4."""
    return shifted - constant(_ROUND, shifted)


def _largest(values: list[Expr]) -> Expr:
    """The largest magnitude of all elements."""
    largest = T.max(values[0], constant(0, values[0]) - values[0])
    for value in values[1:]:
        largest = T.max(largest, T.max(value, constant(0, value) - value))
    largest = let("largest", largest)
    pairs = let("pairs", T.max(largest, T.Shuffle([largest], [2, 3, 0, 1])))
    return T.max(T.Shuffle([pairs], [0]), T.Shuffle([pairs], [1]))
