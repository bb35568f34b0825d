"""Layer normalisation of rows of activations (arXiv 1607.06450)."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import VEC, Expr, Kernel, dot, inverse_rms, launch, let, local, splat, store, token_count, vec
from webllm_build.compile.kernels.tir.rows import THREADS, Row
from webllm_build.compile.target import Variant


def layer_norm(variant: Variant, tokens: int | None, columns: int, eps: float, *, bias: bool) -> PrimFunc:
    """out[t] = norm_weight * (x[t] - mean(x[t])) / sqrt(mean((x[t] - mean(x[t]))²) + eps) + norm_bias. A workgroup has a row; the mean is
    known before squares are summed, so that a large one costs no digits.

    tokens: how many rows, None for symbolically many. Parameters: x float32[n, columns], norm_weight and (with bias) norm_bias
    float32[columns], out float32[n, columns].
    """
    with Kernel() as kernel:
        n = token_count(tokens)
        x = kernel.buffer("x", (n, columns), "float32")
        weight = kernel.buffer("norm_weight", (columns,), "float32")
        added = kernel.buffer("norm_bias", (columns,), "float32") if bias else None
        out = kernel.buffer("out", (n, columns), "float32")
        with launch([n], [THREADS]) as ((row,), (thread,)):
            of_row, sums = Row(variant, columns // VEC, THREADS, thread), local("sums", 1)

            def from_mean(column: Expr) -> Expr:
                return x[row, vec(column)] - mean

            of_row.sum(sums, lambda column: dot(x[row, vec(column)], splat(T.float32(1))))
            mean = splat(fixed("mean", sums[0] * T.float32(1 / columns), "float32"))
            of_row.sum(sums, lambda column: dot(from_mean(column), from_mean(column)), again=True)
            scale = let("scale", inverse_rms(sums[0], columns, eps))
            with of_row.each() as column:
                y = from_mean(column) * splat(scale) * weight[vec(column)]
                store(out, y if added is None else y + added[vec(column)], row, vec(column))
    return kernel.func
