"""Blocks of quantized weights as integers, inside a kernel for CPUs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.ops import like, typed
from webllm_build.compile.cpu.unpack import e2m1, e8m0, lower_half, nibbles, upper_half
from webllm_build.compile.kernels.tir.ops import Expr, let
from webllm_build.quantize.mxfp4 import ZERO


@dataclass(frozen=True)
class Codes:
    """A weight is scale * code + minimum.

    parts: elements of buffer q, uint32x4, in a block. codes: such a part → its codes, as vectors of 16 bytes, of which each has four from
    every word; a block has two. small: they are from 0 to 127, and nibbles make them. interleaved: they come in the order of nibbles (see
    quantize.py).
    scale_dtype: of an element of buffer s, one for each block. scales: elements, in any number of lanes → (scales, minimums or None).
    """

    parts: int
    codes: Callable[[Expr], tuple[Expr, ...]]
    small: bool
    interleaved: bool
    scale_dtype: str
    scales: Callable[[Expr], tuple[Expr, Expr | None]]


def _byte_codes(words: Expr) -> tuple[Expr, ...]:
    return (T.reinterpret("int8x16", words),)


def _halves(elements: Expr) -> Expr:
    return let("scale", lower_half(T.Cast(typed("uint32", elements), elements)))


def _q4_scales(elements: Expr) -> tuple[Expr, Expr | None]:
    scale = _halves(elements)
    return scale, let("minimum", scale * like(T.float32(-8), scale))


def _q4a_scales(elements: Expr) -> tuple[Expr, Expr | None]:
    return let("scale", lower_half(elements)), let("minimum", upper_half(elements))


def _q8_scales(elements: Expr) -> tuple[Expr, Expr | None]:
    return _halves(elements), None


def _mxfp4_codes(words: Expr) -> tuple[Expr, ...]:
    return tuple(e2m1(part) for part in nibbles(words))


def _mxfp4_scales(elements: Expr) -> tuple[Expr, Expr | None]:
    scale = let("scale", e8m0(elements))
    return scale, let("minimum", scale * like(T.float32(-ZERO), scale))


# By the scheme's name; one that is not here is multiplied as float32.
CODES: Mapping[str, Codes] = MappingProxyType(
    {
        "q4": Codes(1, nibbles, True, True, "uint16", _q4_scales),
        "q4a": Codes(1, nibbles, True, True, "uint32", _q4a_scales),
        "mxfp4": Codes(1, _mxfp4_codes, True, True, "uint8", _mxfp4_scales),
        "q8": Codes(2, _byte_codes, False, False, "uint16", _q8_scales),
    }
)
