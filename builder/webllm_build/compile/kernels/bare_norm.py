"""An RMS norm of rows of activations, without weights."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.ops import (
    VEC,
    Expr,
    Kernel,
    ceildiv,
    dot,
    inverse_rms,
    launch,
    let,
    local,
    size,
    splat,
    store,
    vec,
    when,
)
from webllm_build.compile.kernels.tir.reduce import reduce_all
from webllm_build.compile.target import Variant

THREADS = 128


def bare_norm(variant: Variant, columns: int, eps: float, factor: float, *, affine: bool) -> PrimFunc:
    """out[t] = y / sqrt(mean(y²) + eps) of y = factor * x[t], with `affine` (factor * x[t] - bias) * scale. A workgroup has a row.

    Parameters: x float32[n, columns], where there are such bias and scale float32[columns], out float32[n, columns].
    """
    vectors = columns // VEC
    with Kernel() as kernel:
        n = size("n")
        x = kernel.buffer("x", (n, columns), "float32")
        bias, scale = (kernel.buffer(name, (columns,), "float32") if affine else None for name in ("bias", "scale"))
        out = kernel.buffer("out", (n, columns), "float32")
        with launch([n], [THREADS]) as ((row,), (thread,)):
            sums = local("sums", 1)

            def value(column: Expr) -> Expr:
                y = x[row, vec(column)] * splat(T.float32(factor))
                return y if bias is None or scale is None else (y - bias[vec(column)]) * scale[vec(column)]

            store(sums, T.float32(0), 0)
            with T.serial(ceildiv(vectors, THREADS)) as i, when(vectors % THREADS == 0 or i * THREADS + thread < vectors):
                y = let("y", value(i * THREADS + thread))
                store(sums, sums[0] + dot(y, y), 0)
            reduce_all(variant, sums, 1, lane=thread, width=THREADS)
            root = let("root", inverse_rms(sums[0], columns, eps))
            with T.serial(ceildiv(vectors, THREADS)) as i:
                column = let("column", i * THREADS + thread)
                with when(vectors % THREADS == 0 or column < vectors):
                    store(out, value(column) * splat(root), row, vec(column))
    return kernel.func
