"""Products of bytes: what each flavour of the library has for them."""

from __future__ import annotations

from collections.abc import Sequence

from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.variant import Flavour
from webllm_build.compile.kernels.tir.ops import Expr, let


class Dot:
    """Sums of products of codes, int32x4 whose elements together are the sum; and of float32."""

    def __init__(self, flavour: Flavour) -> None:
        self._flavour = flavour

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
        """16 activations' codes, uint32x4, as `add` wants them. small: the weights' codes are from 0 to 127."""
        x = let("x", T.reinterpret("int8x16", codes))
        return (x,) if self.is_single(small=small) else _halves(x)

    def weights(self, codes: Expr, *, small: bool) -> tuple[Expr, ...]:
        """16 weights' codes, uint8x16 or int8x16, likewise."""
        if self.is_single(small=small):
            return (let("w", T.reinterpret("int8x16", codes)),)
        return _halves(let("w", codes))

    def add(self, x: tuple[Expr, ...], w: tuple[Expr, ...], sums: Expr | None) -> Expr:
        """sums + the products of 16 codes each."""
        if len(x) == 1:  # bytes: the second operand's have seven bits, which all machines multiply alike
            start = T.Broadcast(T.int32(0), 4) if sums is None else sums
            return T.call_llvm_pure_intrin("int32x4", "llvm.wasm.relaxed.dot.i8x16.i7x16.add.signed", x[0], w[0], start)
        for a, b in zip(x, w, strict=True):
            product = self._dot(a, b)
            sums = product if sums is None else sums + product
        return sums

    def by_rows(self, words: Sequence[Expr], w: Sequence[tuple[Expr, ...]]) -> Expr:
        """Sums of products of four codes, the same in all lanes of a uint32x4, with four rows' each, which lie beside each other in w;
        where `is_single`."""
        sums = None
        for word, codes in zip(words, w, strict=True):
            sums = let("sums", self.add((let("x", T.reinterpret("int8x16", word)),), codes, sums))
        return sums

    def _dot(self, a: Expr, b: Expr) -> Expr:
        """Of int16x8: the products, summed in pairs."""
        if self._flavour != "native":
            return T.call_llvm_pure_intrin("int32x4", "llvm.wasm.dot", a, b)
        products = let("products", T.Cast("int32x8", a) * T.Cast("int32x8", b))
        return T.Shuffle([products], [0, 2, 4, 6]) + T.Shuffle([products], [1, 3, 5, 7])


def _halves(codes: Expr) -> tuple[Expr, ...]:
    """16 bytes as two int16x8."""
    return tuple(let("wide", T.Cast("int16x8", T.Shuffle([codes], list(range(first, first + 8))))) for first in (0, 8))
