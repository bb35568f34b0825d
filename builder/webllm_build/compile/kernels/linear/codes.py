"""Activations as 8-bit integers: each block of 32 values shares a scale, as in GGUF's Q8_0, and products with a block of integer weights
are summed exactly, four at a time, by WGSL's dot4I8Packed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.dequantize import CodeBlock, Codes
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel, element, extern, local, splat, store, total, when
from webllm_build.compile.kernels.tir.reduce import Operator, butterfly
from webllm_build.compile.target import Variant
from webllm_build.quantize import GROUP

LARGEST_CODE = 127
ONES = 0x01010101

# A float between 2**23 and 2**24 has the steps 1, and its bits count them: an integer added to its bits, or a small float added to it,
# is that integer above it, exactly. (Conversions between integers and floats are slow on NVIDIA's GPUs.) This one's low byte is 0, and
# TVM writes seven digits of a constant.
_ORIGIN = 12_000_000
_ORIGIN_BITS = 0x4B000000 + _ORIGIN - 2**23


def code_buffers(kernel: Kernel, tokens: Expr, k: int) -> tuple[Buffer, Buffer]:
    """Parameters x_q, x_s: activations [tokens, k] as packed codes uint32x4[tokens, k/16] and scales float32[tokens, k/32]."""
    return kernel.buffer("x_q", (tokens, k // 16), "uint32x4"), kernel.buffer("x_s", (tokens, k // GROUP), "float32")


def makers(variant: Variant) -> int:
    """Consecutive invocations that make the codes of a block together, where a kernel does nothing else with it: so neighbours load what
    lies side by side."""
    return 4 if variant.subgroups else 1


def shared_sum(value: Expr, dtype: str, count: int) -> Expr:
    """Of the values of `count` makers of a block."""
    return _over_makers(value, dtype, count, "sum")


def _over_makers(value: Expr, dtype: str, count: int, operator: Operator) -> Expr:
    if count == 1:
        return value
    values = local("of_makers", 1, dtype)
    store(values, value, 0)
    butterfly(values, 1, count, operator)
    return values[0]


def block_scale(quads: Sequence[Expr], count: int = 1) -> tuple[Expr, Expr]:
    """The scale of a block of 32 values, of which each of `count` makers has as many float32x4, and its inverse: the largest becomes code
    127 (or -127)."""
    largest = extern("float32x4", "abs", quads[0])
    for quad in quads[1:]:
        largest = extern("float32x4", "max", largest, extern("float32x4", "abs", quad))
    extremes = local("extremes", 1, "float32x4")
    store(extremes, largest, 0)
    x, y, z, w = _elements(extremes[0])
    extreme = fixed("extreme", _over_makers(T.max(T.max(x, y), T.max(z, w)), "float32", count, "max"), "float32")
    # A block of zeros, or of numbers whose inverse would overflow, is zero.
    inverse = T.Select(extreme > T.float32(1e-30), T.float32(LARGEST_CODE) / extreme, T.float32(0))
    return extreme * T.float32(1 / LARGEST_CODE), fixed("inverse", inverse, "float32")


def pack_quad(quad: Expr, inverse: Expr) -> Expr:
    """The codes of a float32x4, each round(value * inverse), as a uint32 of four signed bytes."""
    bits = local("bits", 1, "uint32x4")
    # The low byte of the sum's bits is the code in two's complement.
    store(bits, extern("uint32x4", "bitcast<vec4<u32>>", quad * splat(inverse) + splat(T.float32(_ORIGIN))), 0)
    word = T.uint32(0)
    for i, value in enumerate(_elements(bits[0])):
        word = T.bitwise_or(word, T.shift_left(T.bitwise_and(value, T.uint32(0xFF)), T.uint32(8 * i)))
    return word


def halves(words: Sequence[Expr]) -> tuple[Expr, Expr]:
    """8 words as two uint32x4."""
    return extern("uint32x4", "vec4u", *words[:4]), extern("uint32x4", "vec4u", *words[4:])


@dataclass(frozen=True)
class MadeBlock:
    """The codes of a block, of which each of its makers has some words."""

    words: Sequence[Expr]
    scale: Expr
    part: Expr
    makers: int

    def store(self, is_real: Expr, q: Buffer, s: Buffer, vector: Expr, block: Expr) -> None:
        """Store codes and scale, where the block is real. All makers must come here."""
        if self.makers == 1:
            with when(is_real):
                for i, half in enumerate(halves(self.words)):
                    store(q, half, vector, block * 2 + i)
                store(s, self.scale, vector, block)
            return
        # Two neighbours have the words of one vector: the first of them stores it.
        others = [fixed("other", extern("uint32", "subgroupShuffleXor", word, T.uint32(1)), "uint32") for word in self.words]
        with when(is_real), when(self.part % 2 == 0):
            store(q, extern("uint32x4", "vec4u", *self.words, *others), vector, block * 2 + self.part // 2)
        with when(is_real), when(self.part == 0):
            store(s, self.scale, vector, block)


def make_block(variant: Variant, part: Expr, quads: Sequence[Expr]) -> MadeBlock:
    """The codes of a block, by `makers` invocations: each has the next of its float32x4. Must be reached by all of a subgroup."""
    count = makers(variant)
    scale, inverse = block_scale(quads, count)
    words = [fixed(f"word{j}", pack_quad(quad, inverse), "uint32") for j, quad in enumerate(quads)]
    return MadeBlock(words, scale, part, count)


def code_sum(words: Sequence[Expr]) -> Expr:
    """Sum of the codes of packed words, int32."""
    return total([_dot4(word, T.uint32(ONES)) for word in words])


@dataclass(frozen=True)
class Activations:
    """A block of activations as kernels multiply it: 8 packed words, the scale float32, and what weights whose zero is not code 0 need
    of the sum of the codes."""

    words: Sequence[Expr]
    scale: Expr
    origin: Expr
    weighted_sum: Expr | None = None

    def dot(self, weight: CodeBlock) -> Expr:
        """The dot product with a block of weights, float32."""
        products = T.int32(_ORIGIN_BITS)
        for w, x in zip(weight.words, self.words, strict=True):
            products = products + _dot4(w, x)
        y = (_float_of_bits(products) - self.origin) * (self.scale * weight.scale)
        return y if self.weighted_sum is None else y + weight.minimum * self.weighted_sum


def activations_of(codes: Codes, words: Sequence[Expr], scale: Expr, sum_of_codes: Expr | None) -> Activations:
    """A block of activations for weights of a scheme: their bias and their minimum are taken care of once for all rows. sum_of_codes:
    int32, where the scheme needs it."""
    origin, weighted = T.float32(_ORIGIN), None
    if codes.bias and sum_of_codes is not None:
        origin = fixed("origin", _float_of_bits(sum_of_codes * T.int32(codes.bias) + T.int32(_ORIGIN_BITS)), "float32")
    if codes.has_minimum and sum_of_codes is not None:
        weighted = fixed("x_sum", scale * T.cast(sum_of_codes, "float32"), "float32")
    return Activations(words, scale, origin, weighted)


def _dot4(a: Expr, b: Expr) -> Expr:
    return extern("int32", "dot4I8Packed", a, b)


def _float_of_bits(value: Expr) -> Expr:
    return extern("float32", "bitcast<f32>", value)


def _elements(vector: Expr) -> list[Expr]:
    return [element(vector, i) for i in range(4)]
