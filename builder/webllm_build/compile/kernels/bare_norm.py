"""An RMS norm of rows of activations, without weights."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.ops import VEC, Expr, Kernel, inverse_rms, launch, let, local, size, splat, store, vec
from webllm_build.compile.kernels.tir.rows import THREADS, Row, square
from webllm_build.compile.target import Variant


def bare_norm(variant: Variant, columns: int, eps: float, factor: float, *, affine: bool) -> PrimFunc:
    """out[t] = y / sqrt(mean(y²) + eps) of y = factor * x[t], with `affine` (factor * x[t] - bias) * scale. A workgroup has a row.

    Parameters: x float32[n, columns], where there are such bias and scale float32[columns], out float32[n, columns].
    """
    with Kernel() as kernel:
        n = size("n")
        x = kernel.buffer("x", (n, columns), "float32")
        bias, scale = (kernel.buffer(name, (columns,), "float32") if affine else None for name in ("bias", "scale"))
        out = kernel.buffer("out", (n, columns), "float32")
        with launch([n], [THREADS]) as ((row,), (thread,)):
            of_row, sums = Row(variant, columns // VEC, THREADS, thread), local("sums", 1)

            def value(column: Expr) -> Expr:
                y = x[row, vec(column)] * splat(T.float32(factor))
                return y if bias is None or scale is None else (y - bias[vec(column)]) * scale[vec(column)]

            of_row.sum(sums, lambda column: square(value(column)))
            root = let("root", inverse_rms(sums[0], columns, eps))
            with of_row.each() as column:
                store(out, value(column) * splat(root), row, vec(column))
    return kernel.func
