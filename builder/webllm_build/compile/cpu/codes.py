"""Blocks of quantized weights as integers, inside a kernel for CPUs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.ops import like, typed
from webllm_build.compile.cpu.unpack import e2m1, e8m0, lower_half, nibbles, upper_half
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, let
from webllm_build.quantize.mxfp4 import ZERO


@dataclass(frozen=True)
class Codes:
    """A weight is scale * code + minimum.

    codes: (buffer q, block) → its 32 codes as 2 vectors of 16 bytes. small: they are from 0 to 127. interleaved: they come in the order of
    nibbles (see quantize.py).
    scale_dtype: of an element of buffer s, one for each block. scales: elements, in any number of lanes → (scales, minimums or None).
    """

    codes: Callable[[Buffer, Expr], tuple[Expr, Expr]]
    small: bool
    interleaved: bool
    scale_dtype: str
    scales: Callable[[Expr], tuple[Expr, Expr | None]]


def _nibble_codes(q: Buffer, block: Expr) -> tuple[Expr, Expr]:
    return nibbles(q[block])


def _byte_codes(q: Buffer, block: Expr) -> tuple[Expr, Expr]:
    low, high = (T.reinterpret("int8x16", q[block * 2 + part]) for part in range(2))
    return low, high


def _halves(elements: Expr) -> Expr:
    return let("scale", lower_half(T.Cast(typed("uint32", elements), elements)))


def _q4_scales(elements: Expr) -> tuple[Expr, Expr | None]:
    scale = _halves(elements)
    return scale, let("minimum", scale * like(T.float32(-8), scale))


def _q4a_scales(elements: Expr) -> tuple[Expr, Expr | None]:
    return let("scale", lower_half(elements)), let("minimum", upper_half(elements))


def _q8_scales(elements: Expr) -> tuple[Expr, Expr | None]:
    return _halves(elements), None


def _mxfp4_codes(q: Buffer, block: Expr) -> tuple[Expr, Expr]:
    low, high = nibbles(q[block])
    return e2m1(low), e2m1(high)


def _mxfp4_scales(elements: Expr) -> tuple[Expr, Expr | None]:
    scale = let("scale", e8m0(elements))
    return scale, let("minimum", scale * like(T.float32(-ZERO), scale))


# By the scheme's name; one that is not here is multiplied as float32.
CODES: Mapping[str, Codes] = MappingProxyType(
    {
        "q4": Codes(_nibble_codes, True, True, "uint16", _q4_scales),
        "q4a": Codes(_nibble_codes, True, True, "uint32", _q4a_scales),
        "mxfp4": Codes(_mxfp4_codes, True, True, "uint8", _mxfp4_scales),
        "q8": Codes(_byte_codes, False, False, "uint16", _q8_scales),
    }
)
