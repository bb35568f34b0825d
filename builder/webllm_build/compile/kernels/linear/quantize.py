"""Activations of a prefill as 8-bit integers, after a norm or as they are."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.linear.codes import block_scale, halves, pack_block
from webllm_build.compile.kernels.linear.epilogue import QUADS
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import Expr, Kernel, dot, launch, let, local, size, splat, store, total, vec, when
from webllm_build.compile.kernels.tir.reduce import reduce_all
from webllm_build.compile.target import Variant
from webllm_build.quantize import GROUP

MOST_THREADS = 256


def quantize(variant: Variant, k: int, *, norm_eps: float | None = None, rms_apart: bool = False) -> PrimFunc:
    """out_q, out_s = codes and scales (see codes.py) of x[m], or of norm_weight * x / sqrt(mean(x²) + norm_eps), for each of the tokens
    m (symbolic size "n").

    With `rms_apart` the codes are of norm_weight * x, and out_r has what products are to be multiplied by: as gemv_codes does it, where
    each workgroup makes the codes, and with the same sums.
    Parameters: x float32[m, k], norm_weight float32[k] (with norm_eps), out_q uint32x4[m, k/16], out_s float32[m, k/32],
    out_r float32[m] (with rms_apart).
    """
    blocks = k // GROUP
    threads = min(MOST_THREADS, -(-blocks // 32) * 32)  # one a block
    if rms_apart:
        threads = 128 if blocks <= 128 else MOST_THREADS  # a sum without subgroups depends on it
    with Kernel() as kernel:
        m = size("n")
        x = kernel.buffer("x", (m, k), "float32")
        norm_weight = kernel.buffer("norm_weight", (k,), "float32") if norm_eps is not None else None
        out_q = kernel.buffer("out_q", (m, k // 16), "uint32x4")
        out_s = kernel.buffer("out_s", (m, blocks), "float32")
        out_r = kernel.buffer("out_r", (m,), "float32") if rms_apart else None
        with launch([m], [threads]) as ((token,), (thread,)):

            def quads_of(block: Expr) -> list[Expr]:
                return [let(f"x{j}", x[token, vec(block * QUADS + j)]) for j in range(QUADS)]

            inverse_rms = None
            if norm_eps is not None:
                squares = local("squares", 1)
                store(squares, T.float32(0), 0)
                for first in range(0, blocks, threads):
                    with when(first + threads <= blocks or first + thread < blocks):
                        store(squares, squares[0] + total([dot(quad, quad) for quad in quads_of(first + thread)]), 0)
                reduce_all(variant, squares, 1, lane=thread, width=threads)
                inverse_rms = fixed("inverse_rms", T.rsqrt(squares[0] / T.float32(k) + T.float32(norm_eps)), "float32")
            for first in range(0, blocks, threads):
                with when(first + threads <= blocks or first + thread < blocks):
                    block = first + thread
                    quads = quads_of(block)
                    if norm_weight is not None:
                        weights = [norm_weight[vec(block * QUADS + j)] for j in range(QUADS)]
                        weights = weights if rms_apart else [weight * splat(inverse_rms) for weight in weights]
                        quads = [let(f"y{j}", quad * weight) for j, (quad, weight) in enumerate(zip(quads, weights, strict=True))]
                    scale, inverse = block_scale(quads)
                    for i, half in enumerate(halves(pack_block(quads, inverse))):
                        store(out_q, half, token, block * 2 + i)
                    store(out_s, scale, token, block)
            if out_r is not None:
                with when(thread == 0):
                    store(out_r, inverse_rms, token)
    return kernel.func
