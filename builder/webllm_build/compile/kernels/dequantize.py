"""A block of 32 weights inside a kernel, from the buffers of each scheme of quantize/: as floats, or as integers for integer dot products.

The block `block` of row r of a weight of k columns is r * k / GROUP + its place in the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.ops import Buffer, Expr
from webllm_build.compile.kernels.tir.unpack import (
    biased_bytes,
    e2m1_words,
    e8m0,
    float16_at,
    float16_of,
    float16_pair,
    float16s,
    lanes,
    nibble_words,
    nibbles,
    signed_bytes,
    signed_nibble_words,
)
from webllm_build.quantize import GROUP, Scheme
from webllm_build.quantize.mxfp4 import ZERO


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


@dataclass(frozen=True)
class Codes:
    """How a kernel gets a block's integers, where weights are integers times a scale.

    Attributes:
        read: (buffers, block) → the block as it lies in memory, loaded but not unpacked.
        unpack: (what read gave, block) → the block's codes.
        dtypes: of what read gives.
        bias: what stands for zero in a code.
        has_minimum: whether blocks have a minimum.
    """

    read: Callable[[Sequence[Buffer], Expr], tuple[Expr, ...]]
    unpack: Callable[[Sequence[Expr], Expr], CodeBlock]
    dtypes: tuple[str, ...]
    bias: int = 0
    has_minimum: bool = False

    @property
    def needs_sums(self) -> bool:
        """Whether a product takes the sum of the activations' codes."""
        return self.bias != 0 or self.has_minimum


def load_block(scheme: Scheme, weight: Sequence[Buffer], block: Expr) -> Block:
    """A block of a weight, from the buffers of its scheme."""
    return LOADS[scheme.name](weight, block)


def _q4(weight: Sequence[Buffer], block: Expr) -> Block:
    words = T.bind(weight[0][block])
    scale = T.bind(float16_at(weight[1], block))
    return Block(nibbles(words), scale, scale * T.float32(-8))


def _q4a(weight: Sequence[Buffer], block: Expr) -> Block:
    words = T.bind(weight[0][block])
    scale, minimum = float16_pair(weight[1][block])
    return Block(nibbles(words), scale, minimum)


def _q8(weight: Sequence[Buffer], block: Expr) -> Block:
    words = [T.bind(weight[0][block * 2 + part]) for part in range(2)]
    scale = T.bind(float16_at(weight[1], block))
    return Block(signed_bytes(words[0]) + signed_bytes(words[1]), scale)


def _mxfp4(weight: Sequence[Buffer], block: Expr) -> Block:
    words = T.bind(weight[0][block])
    return Block(biased_bytes(e2m1_words(words), ZERO), T.bind(e8m0(weight[1][block // 4], block)))


def _f16(weight: Sequence[Buffer], block: Expr) -> Block:
    words = [T.bind(weight[0][block * 4 + part]) for part in range(4)]
    return Block(tuple(value for part in words for value in float16s(part)))


def _f32(weight: Sequence[Buffer], block: Expr) -> Block:
    return Block(tuple(T.bind(weight[0][T.ramp(block * GROUP + 4 * j, 1, 4)]) for j in range(8)))


def _read_q4(weight: Sequence[Buffer], block: Expr) -> tuple[Expr, ...]:
    return weight[0][block], weight[1][block // 2]


def _unpack_q4(raw: Sequence[Expr], block: Expr) -> CodeBlock:
    return CodeBlock(signed_nibble_words(raw[0]), float16_of(raw[1], block) * T.float32(1 / 16))


def _read_q4a(weight: Sequence[Buffer], block: Expr) -> tuple[Expr, ...]:
    return weight[0][block], weight[1][block]


def _unpack_q4a(raw: Sequence[Expr], block: Expr) -> CodeBlock:
    scale, minimum = float16_pair(raw[1])
    return CodeBlock(nibble_words(raw[0]), scale, minimum)


def _read_q8(weight: Sequence[Buffer], block: Expr) -> tuple[Expr, ...]:
    return weight[0][block * 2], weight[0][block * 2 + 1], weight[1][block // 2]


def _unpack_q8(raw: Sequence[Expr], block: Expr) -> CodeBlock:
    return CodeBlock(lanes(raw[0]) + lanes(raw[1]), float16_of(raw[2], block))


def _read_mxfp4(weight: Sequence[Buffer], block: Expr) -> tuple[Expr, ...]:
    return weight[0][block], weight[1][block // 4]


def _unpack_mxfp4(raw: Sequence[Expr], block: Expr) -> CodeBlock:
    return CodeBlock(e2m1_words(raw[0]), e8m0(raw[1], block))


LOADS: Mapping[str, Callable[[Sequence[Buffer], Expr], Block]] = MappingProxyType(
    {"q4": _q4, "q4a": _q4a, "q8": _q8, "mxfp4": _mxfp4, "f16": _f16, "f32": _f32}
)
# By the scheme's name, as LOADS; a scheme without integers is not among them.
CODES: Mapping[str, Codes] = MappingProxyType(
    {
        "q4": Codes(_read_q4, _unpack_q4, ("uint32x4", "uint32")),
        "q4a": Codes(_read_q4a, _unpack_q4a, ("uint32x4", "uint32"), has_minimum=True),
        "q8": Codes(_read_q8, _unpack_q8, ("uint32x4", "uint32x4", "uint32")),
        "mxfp4": Codes(_read_mxfp4, _unpack_mxfp4, ("uint32x4", "uint32"), bias=ZERO),
    }
)
