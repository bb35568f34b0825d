"""Where matrix-vector kernels on integer dot products have their activations from: codes made before, or made in each workgroup."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.dequantize import Codes
from webllm_build.compile.kernels.linear.codes import Activations, activations_of, block_scale, code_sum, halves, pack_block
from webllm_build.compile.kernels.linear.epilogue import QUADS
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, barrier, dot, let, local, shared, store, total, vec, when
from webllm_build.compile.kernels.tir.reduce import pick, reduce_group
from webllm_build.compile.kernels.tir.unpack import lanes
from webllm_build.compile.target import Variant
from webllm_build.quantize import GROUP

BLOCK_BYTES = GROUP + 4 + 4  # of workgroup memory: codes, scale, sum of the codes
MOST_BYTES = 15 << 10  # of WebGPU's 16 KiB, the rest is for sums
MOST_VECTORS = 2  # with more, workgroups would spend too long on making the same codes


def fit_workgroups(k: int, m: int) -> bool:
    """Whether each workgroup should make the codes of m vectors of k activations itself."""
    return m <= MOST_VECTORS and m * (k // GROUP) * BLOCK_BYTES <= MOST_BYTES


class PackedInputs:
    """Activations that are codes already: x_q, x_s (see codes.py) and, where a norm came before, x_r float32[m], its 1 / rms."""

    def __init__(self, codes: Codes, x_q: Buffer, x_s: Buffer, x_r: Buffer | None) -> None:
        self.codes, self.x_q, self.x_s, self.x_r = codes, x_q, x_s, x_r

    def block(self, block: Expr, vector: int = 0) -> Activations:
        words = lanes(let("x0", self.x_q[vector, block * 2])) + lanes(let("x1", self.x_q[vector, block * 2 + 1]))
        return activations_of(self.codes, words, let("x_scale", self.x_s[vector, block]), fixed("code_sum", code_sum(words)))

    def scale(self) -> Callable[[Expr], Expr]:
        """vector → what its products are multiplied by."""
        x_r = self.x_r
        return lambda vector: T.float32(1) if x_r is None else x_r[vector]


class MadeInputs:
    """Codes that each workgroup makes of x float32[m, k], in workgroup memory: one invocation a block. With a norm, its weights are
    applied before, and 1 / sqrt(mean square), which all of a vector have in common, by the caller."""

    def __init__(
        self,
        variant: Variant,
        codes: Codes,
        x: Buffer,
        norm_weight: Buffer | None,
        norm_eps: float | None,
        thread: Expr,
        threads: int,
    ) -> None:
        self.m, self.k = (int(extent) for extent in x.shape)
        self.codes, self.norm_eps, self.blocks = codes, norm_eps, self.k // GROUP
        blocks = self.blocks
        self.x_q, self.x_s = shared("x_codes", self.m * blocks * 2, "uint32x4"), shared("x_scales", self.m * blocks)
        self.x_sums = shared("x_sums", self.m * blocks, "int32")
        squares = local("squares", self.m)
        for t in range(self.m):
            store(squares, T.float32(0), t)
        for t in range(self.m):
            for first in range(0, blocks, threads):
                block = first + thread
                with when(first + threads <= blocks or block < blocks):
                    quads = [let(f"x{j}", x[t, vec(block * QUADS + j)]) for j in range(QUADS)]
                    if norm_weight is not None:
                        store(squares, squares[t] + total([dot(quad, quad) for quad in quads]), t)
                        quads = [let(f"y{j}", quad * norm_weight[vec(block * QUADS + j)]) for j, quad in enumerate(quads)]
                    self._publish(quads, t * blocks + block)
        if norm_weight is None:
            barrier()
        else:  # a reduction within a subgroup has no barrier; TVM then puts one before the first use of the codes
            self.square_sum = reduce_group(variant, squares, self.m, lane=thread, width=threads)

    def _publish(self, quads: Sequence[Expr], block: Expr) -> None:
        scale, inverse = block_scale(quads)
        words = pack_block(quads, inverse)
        for i, half in enumerate(halves(words)):
            store(self.x_q, half, block * 2 + i)
        store(self.x_s, scale, block)
        store(self.x_sums, code_sum(words), block)

    def block(self, block: Expr, vector: int = 0) -> Activations:
        block = vector * self.blocks + block if vector else block
        words = lanes(let("x0", self.x_q[block * 2])) + lanes(let("x1", self.x_q[block * 2 + 1]))
        return activations_of(self.codes, words, let("x_scale", self.x_s[block]), let("code_sum", self.x_sums[block]))

    def scale(self) -> Callable[[Expr], Expr]:
        """vector → what its products are multiplied by."""
        if self.norm_eps is None:
            return lambda vector: T.float32(1)
        inverses = [
            fixed("inverse_rms", T.rsqrt(self.square_sum(t) / T.float32(self.k) + T.float32(self.norm_eps)), "float32")
            for t in range(self.m)
        ]
        return lambda vector: pick(inverses, self.m, vector)
