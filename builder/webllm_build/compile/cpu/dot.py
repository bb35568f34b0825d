"""Products of bytes: what each flavour of the library has for them."""

from __future__ import annotations

from collections.abc import Sequence

from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.variant import Flavour
from webllm_build.compile.kernels.tir.ops import Expr, element, let, total

# A product of such bytes in pairs is more than 16 bits have: machines that multiply bytes in pairs, for want of a dot instruction, stop
# there, and so at SATURATED for four of them.
LEFT, RIGHT, SATURATED = 127, 255, 65534


def multiplies_in_pairs() -> Expr:
    """Whether this machine has relaxed SIMD's dot product of four bytes only as products of pairs, which it then widens one by one (x86
    without VNNI)."""
    left, right = (T.reinterpret("int8x16", T.Broadcast(T.uint8(value), 16)) for value in (LEFT, RIGHT))
    return let("in_pairs", element(_dot_of_bytes(left, right, T.Broadcast(T.int32(0), 4)), 0) == SATURATED)


class Dot:
    """Sums of products of codes, int32x4 whose elements together are the sum; and of float32.

    in_pairs: sums of several products of pairs of small codes are widened, not each of them. The numbers are the same.
    """

    def __init__(self, flavour: Flavour, *, in_pairs: bool = False) -> None:
        self._flavour, self._in_pairs = flavour, in_pairs

    @property
    def relaxed(self) -> bool:
        return self._flavour == "relaxed"

    def multiply_add(self, a: Expr, b: Expr, c: Expr) -> Expr:
        """a * b + c of float32x4; relaxed: rounded once where the machine can, and so not as in the other flavours."""
        return T.call_llvm_pure_intrin("float32x4", "llvm.wasm.relaxed.madd", a, b, c) if self.relaxed else a * b + c

    def is_single(self, *, small: bool) -> bool:
        """Whether 16 codes are multiplied at once, and summed in fours."""
        return self.relaxed and small

    def inputs(self, codes: Expr, *, small: bool) -> tuple[Expr, ...]:
        """16 activations' codes, uint32x4, as `total` wants them. small: the weights' codes are from 0 to 31."""
        x = let("x", T.reinterpret("int8x16", codes))
        return (x,) if self.is_single(small=small) else _halves(x)

    def weights(self, codes: Expr, *, small: bool) -> tuple[Expr, ...]:
        """16 weights' codes, uint8x16 or int8x16, likewise."""
        if self.is_single(small=small):
            return (let("w", T.reinterpret("int8x16", codes)),)
        return _halves(let("w", codes))

    def total(self, x: Sequence[tuple[Expr, ...]], w: Sequence[tuple[Expr, ...]]) -> Expr:
        """The products of 16 codes each, of up to four times 16, as a sum."""
        pairs = [(a, b) for each, others in zip(x, w, strict=True) for a, b in zip(each, others, strict=True)]
        if len(x[0]) > 1:
            return total([self._dot(a, b) for a, b in pairs])
        # Bytes: the second operand's have seven bits, which all machines multiply alike.
        if self._in_pairs:
            intrinsic = "llvm.wasm.relaxed.dot.i8x16.i7x16.signed"
            sums = total([T.call_llvm_pure_intrin("int16x8", intrinsic, a, b) for a, b in pairs])  # at most 4 * 2 * 127 * 31
            return self._dot(sums, T.Broadcast(T.int16(1), 8))
        sums = T.Broadcast(T.int32(0), 4)
        for a, b in pairs:
            sums = let("sums", _dot_of_bytes(a, b, sums))
        return sums

    def _dot(self, a: Expr, b: Expr) -> Expr:
        """Of int16x8: the products, summed in pairs."""
        if self._flavour != "native":
            return T.call_llvm_pure_intrin("int32x4", "llvm.wasm.dot", a, b)
        products = let("products", T.Cast("int32x8", a) * T.Cast("int32x8", b))
        return T.Shuffle([products], [0, 2, 4, 6]) + T.Shuffle([products], [1, 3, 5, 7])


def _dot_of_bytes(a: Expr, b: Expr, sums: Expr) -> Expr:
    return T.call_llvm_pure_intrin("int32x4", "llvm.wasm.relaxed.dot.i8x16.i7x16.add.signed", a, b, sums)


def _halves(codes: Expr) -> tuple[Expr, ...]:
    """16 bytes as two int16x8."""
    return tuple(let("wide", T.Cast("int16x8", T.Shuffle([codes], list(range(first, first + 8))))) for first in (0, 8))
