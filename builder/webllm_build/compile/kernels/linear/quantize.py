"""Activations as 8-bit integers, after a norm or as they are, by a kernel of their own."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.linear.codes import make_block, makers, shared_sum
from webllm_build.compile.kernels.linear.epilogue import QUADS
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import Expr, Kernel, dot, inverse_rms, launch, let, local, size, splat, store, total, vec, when
from webllm_build.compile.kernels.tir.reduce import reduce_all
from webllm_build.compile.target import Variant
from webllm_build.quantize import GROUP

MOST_THREADS = 256


def quantize(variant: Variant, k: int, *, norm_eps: float | None = None, squares_apart: bool = False, rows: int = 1) -> PrimFunc:
    """out_q, out_s = codes and scales (see codes.py) of x[m], or of norm_weight * x / sqrt(mean(x²) + norm_eps), for each of the tokens
    m (symbolic size "n"), or `rows` rows of x for a token.

    With `squares_apart` the codes are of norm_weight * x, and out_squares has each block's sum of squares of x: as gemv_codes does it,
    where each workgroup makes the codes.
    Parameters: x float32[m, k], norm_weight float32[k] (with norm_eps or squares_apart), out_q uint32x4[m, k/16], out_s float32[m, k/32],
    out_squares float32[m, k/32] (with squares_apart).
    """
    blocks, of_block = k // GROUP, makers(variant)
    units, each = blocks * of_block, QUADS // of_block
    threads = min(MOST_THREADS, -(-units // 32) * 32)
    with Kernel() as kernel:
        m = size("n") * rows
        x = kernel.buffer("x", (m, k), "float32")
        norm_weight = kernel.buffer("norm_weight", (k,), "float32") if norm_eps is not None or squares_apart else None
        out_q = kernel.buffer("out_q", (m, k // 16), "uint32x4")
        out_s = kernel.buffer("out_s", (m, blocks), "float32")
        out_squares = kernel.buffer("out_squares", (m, blocks), "float32") if squares_apart else None
        with launch([m], [threads]) as ((token,), (thread,)):

            def quads_of(unit: Expr) -> list[Expr]:
                return [let("x", x[token, vec(unit * each + j)]) for j in range(each)]

            scale_of_all = None
            if norm_eps is not None:
                squares = local("squares", 1)
                store(squares, T.float32(0), 0)
                for first in range(0, units, threads):
                    with when(first + threads <= units or first + thread < units):
                        store(squares, squares[0] + total([dot(quad, quad) for quad in quads_of(first + thread)]), 0)
                reduce_all(variant, squares, 1, lane=thread, width=threads)
                scale_of_all = fixed("inverse_rms", inverse_rms(squares[0], k, norm_eps), "float32")
            for first in range(0, units, threads):
                is_real = first + threads <= units or first + thread < units
                unit = fixed("unit", first + thread if is_real is True else T.min(first + thread, units - 1))
                part, block = fixed("part", thread % of_block), fixed("block", (first + thread) // of_block)
                quads = scaled = quads_of(unit)
                if norm_weight is not None:
                    weights = [norm_weight[vec(unit * each + j)] for j in range(each)]
                    weights = weights if scale_of_all is None else [weight * splat(scale_of_all) for weight in weights]
                    scaled = [let("y", quad * weight) for quad, weight in zip(quads, weights, strict=True)]
                made = make_block(variant, part, scaled)
                made.store(is_real, out_q, out_s, token, block)
                if out_squares is not None:
                    square = shared_sum(total([dot(quad, quad) for quad in quads]), "float32", of_block)
                    with when(is_real), when(of_block == 1 or part == 0):
                        store(out_squares, square, token, block)
    return kernel.func
