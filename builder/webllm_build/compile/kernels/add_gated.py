"""Rows of activations that are added as much as a gate of each row says."""

from __future__ import annotations

import functools

from tvm.tirx import PrimFunc

from webllm_build.compile.kernels.linear.epilogue import sigmoid
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import VEC, Kernel, dot, inverse_rms, launch, local, splat, store, token_count, vec
from webllm_build.compile.kernels.tir.rows import THREADS, Row, square
from webllm_build.compile.target import Variant


@functools.cache
def add_gated(variant: Variant, tokens: int | None, columns: int, eps: float) -> PrimFunc:
    """out[t] = residual[t] + y[t] * sigmoid(gate · norm_weight * x[t] / sqrt(mean(x[t]²) + eps)). A workgroup has a row.

    tokens: how many rows, None for symbolically many. Parameters: x float32[n, columns], norm_weight and gate float32[columns], y,
    residual and out as x.
    """
    with Kernel() as kernel:
        n = token_count(tokens)
        x = kernel.buffer("x", (n, columns), "float32")
        weight, gate = (kernel.buffer(name, (columns,), "float32") for name in ("norm_weight", "gate"))
        y, residual, out = (kernel.buffer(name, (n, columns), "float32") for name in ("y", "residual", "out"))
        with launch([n], [THREADS]) as ((row,), (thread,)):
            of_row, sums = Row(variant, columns // VEC, THREADS, thread), local("sums", 1)
            of_row.sum(sums, lambda column: square(x[row, vec(column)]))
            scale = fixed("scale", inverse_rms(sums[0], columns, eps), "float32")
            of_row.sum(sums, lambda column: dot(x[row, vec(column)] * weight[vec(column)], gate[vec(column)]), again=True)
            share = splat(fixed("share", sigmoid(sums[0] * scale), "float32"))
            with of_row.each() as column:
                store(out, residual[row, vec(column)] + y[row, vec(column)] * share, row, vec(column))
    return kernel.func
