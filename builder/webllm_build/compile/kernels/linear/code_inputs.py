"""Where matrix-vector kernels on integer dot products have their activations from: codes made before, or made in each workgroup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.dequantize import Codes
from webllm_build.compile.kernels.linear.codes import Activations, activations_of, code_sum, make_block, makers, shared_sum
from webllm_build.compile.kernels.linear.epilogue import QUADS
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel, barrier, dot, let, shared, store, total, vec, when
from webllm_build.compile.kernels.tir.unpack import lanes
from webllm_build.compile.target import Variant
from webllm_build.quantize import GROUP

BLOCK_BYTES = GROUP + 3 * 4  # of workgroup memory: codes, scale, sum of the codes, sum of squares
MOST_BYTES = 15 << 10  # of WebGPU's 16 KiB, the rest is for sums
MOST_VECTORS = 2  # with more, workgroups would spend too long on making the same codes
ROUNDS = 3  # of making codes: their loads are under way at once


def fit_workgroups(k: int, m: int) -> bool:
    """Whether each workgroup should make the codes of m vectors of k activations itself."""
    return m <= MOST_VECTORS and m * (k // GROUP) * BLOCK_BYTES <= MOST_BYTES


class PackedInputs:
    """Activations that are codes already: x_q, x_s (see codes.py) and, where a norm came before, x_squares (see quantize.py)."""

    def __init__(self, codes: Codes, x_q: Buffer, x_s: Buffer, x_squares: Buffer | None) -> None:
        self.codes, self.x_q, self.x_s, self.x_squares = codes, x_q, x_s, x_squares

    def block(self, block: Expr, vector: Expr = 0) -> Activations:
        words = lanes(let("x0", self.x_q[vector, block * 2])) + lanes(let("x1", self.x_q[vector, block * 2 + 1]))
        sum_of_codes = fixed("code_sum", code_sum(words)) if self.codes.needs_sums else None
        return activations_of(self.codes, words, let("x_scale", self.x_s[vector, block]), sum_of_codes)


class Source(Protocol):
    """What a kernel makes a vector of k numbers of, instead of reading it."""

    def inputs(self, kernel: Kernel, k: int) -> SourceInputs:
        """Declare the parameters in the place of x."""

    def output(self, kernel: Kernel, k: int) -> Buffer | None:
        """Declare the one that the vector is stored in, for who reads it later."""


class SourceInputs(Protocol):
    """Those parameters."""

    def made(self, variant: Variant, out: Buffer | None, workgroup: Expr, threads: int, thread: Expr) -> Vectors:
        """What each workgroup makes of them first. out: see Source.output."""


class Vectors(Protocol):
    """float32[m, k] that codes are made of. in_workgroup: whether what they are made of is in workgroup memory."""

    shape: tuple[int, int]
    in_workgroup: bool

    def quads(self, vector: Expr, columns: Sequence[Expr]) -> list[Expr]:
        """float32x4: the numbers of a vector from 4 * column on, of consecutive columns of a block."""

    def keep(self, quad: Expr, is_real: Expr, vector: Expr, column: Expr) -> None:
        """Of vectors that are made here: stores a quad, where it is one."""


class StoredVectors:
    """Those of a buffer."""

    in_workgroup = False

    def __init__(self, x: Buffer) -> None:
        m, k = x.shape
        self._x, self.shape = x, (int(m), int(k))

    def quads(self, vector: Expr, columns: Sequence[Expr]) -> list[Expr]:
        return [self._x[vector, vec(column)] for column in columns]

    def keep(self, quad: Expr, is_real: Expr, vector: Expr, column: Expr) -> None:
        """They are there."""


class MadeInputs:
    """Codes that each workgroup makes of x[m, k], in workgroup memory. With a norm, its weights are applied before, and
    1 / sqrt(mean square), which all of a vector have in common, by the caller, from x_squares: each block's sum of squares."""

    def __init__(self, variant: Variant, codes: Codes, x: Vectors, norm_weight: Buffer | None, thread: Expr, threads: int) -> None:
        m, k = x.shape
        self.codes, blocks, of_block = codes, k // GROUP, makers(variant)
        assert threads % of_block == 0
        self.x_q, self.x_s = shared("x_codes", (m, blocks * 2), "uint32x4"), shared("x_scales", (m, blocks))
        self.x_sums = shared("x_sums", (m, blocks), "int32") if codes.needs_sums else None
        self.x_squares = shared("x_squares", (m, blocks)) if norm_weight is not None else None
        units = m * blocks * of_block
        for first in range(0, units, threads * ROUNDS):
            rounds = [_Round(x, norm_weight, start, thread, threads, of_block) for start in range(first, units, threads)[:ROUNDS]]
            if x.in_workgroup:
                barrier()  # TVM gives these arrays memory of others
            for made in rounds:
                self._publish(variant, made)
        barrier()

    def _publish(self, variant: Variant, made: _Round) -> None:
        block = make_block(variant, made.part, made.scaled)
        sum_of_codes = squares = None
        if self.x_sums is not None:
            sum_of_codes = shared_sum(code_sum(block.words), "int32", block.makers)
        if self.x_squares is not None:
            squares = shared_sum(total([dot(quad, quad) for quad in made.quads]), "float32", block.makers)
        block.store(made.is_real, self.x_q, self.x_s, made.vector, made.block)
        of_block = [(values, value) for values, value in ((self.x_sums, sum_of_codes), (self.x_squares, squares)) if values is not None]
        if of_block:
            with when(made.is_real), when(block.makers == 1 or made.part == 0):
                for values, value in of_block:
                    store(values, value, made.vector, made.block)

    def block(self, block: Expr, vector: int = 0) -> Activations:
        words = lanes(let("x0", self.x_q[vector, block * 2])) + lanes(let("x1", self.x_q[vector, block * 2 + 1]))
        sum_of_codes = let("code_sum", self.x_sums[vector, block]) if self.x_sums is not None else None
        return activations_of(self.codes, words, let("x_scale", self.x_s[vector, block]), sum_of_codes)


class _Round:
    """What an invocation loads to make a block's codes, or its part of them: a vector's quads, and those times the norm's weights."""

    def __init__(self, x: Vectors, norm_weight: Buffer | None, start: int, thread: Expr, threads: int, of_block: int) -> None:
        m, k = x.shape
        blocks, each = k // GROUP, QUADS // of_block
        units = m * blocks * of_block
        self.is_real = start + threads <= units or start + thread < units
        unit = start + thread if self.is_real is True else T.min(start + thread, units - 1)
        self.vector = 0 if m == 1 else fixed("vector", unit // (blocks * of_block))
        self.block, self.part = fixed("block", unit // of_block % blocks), fixed("part", unit % of_block)
        columns = [self.block * QUADS + self.part * each + j for j in range(each)]
        self.quads = [let("x", quad) for quad in x.quads(self.vector, columns)]
        for quad, column in zip(self.quads, columns, strict=True):
            x.keep(quad, self.is_real, self.vector, column)
        self.scaled = self.quads
        if norm_weight is not None:
            weights = [let("norm", norm_weight[vec(column)]) for column in columns]
            self.scaled = [let("y", quad * weight) for quad, weight in zip(self.quads, weights, strict=True)]
