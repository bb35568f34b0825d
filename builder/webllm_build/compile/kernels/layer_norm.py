"""Layer normalisation of rows of activations (arXiv 1607.06450)."""

from __future__ import annotations

from collections.abc import Callable

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.fixed import fixed
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


def layer_norm(variant: Variant, tokens: int | None, columns: int, eps: float, *, bias: bool) -> PrimFunc:
    """out[t] = norm_weight * (x[t] - mean(x[t])) / sqrt(mean((x[t] - mean(x[t]))²) + eps) + norm_bias. A workgroup has a row; the mean is
    known before squares are summed, so that a large one costs no digits.

    tokens: how many rows, None for symbolically many. Parameters: x float32[n, columns], norm_weight and (with bias) norm_bias
    float32[columns], out float32[n, columns].
    """
    vectors = columns // VEC
    with Kernel() as kernel:
        n = size("n") if tokens is None else tokens
        x = kernel.buffer("x", (n, columns), "float32")
        weight = kernel.buffer("norm_weight", (columns,), "float32")
        added = kernel.buffer("norm_bias", (columns,), "float32") if bias else None
        out = kernel.buffer("out", (n, columns), "float32")
        with launch([n], [THREADS]) as ((row,), (thread,)):
            sums = local("sums", 1)

            def add_up(of_vector: Callable[[Expr], Expr], *, again: bool) -> None:
                store(sums, T.float32(0), 0)
                with T.serial(ceildiv(vectors, THREADS)) as i, when(vectors % THREADS == 0 or i * THREADS + thread < vectors):
                    store(sums, sums[0] + of_vector(x[row, vec(i * THREADS + thread)]), 0)
                reduce_all(variant, sums, 1, lane=thread, width=THREADS, again=again)

            add_up(lambda value: dot(value, splat(T.float32(1))), again=False)
            mean = splat(fixed("mean", sums[0] * T.float32(1 / columns), "float32"))
            add_up(lambda value: dot(value - mean, value - mean), again=True)
            scale = let("scale", inverse_rms(sums[0], columns, eps))
            with T.serial(ceildiv(vectors, THREADS)) as i:
                column = let("column", i * THREADS + thread)
                with when(vectors % THREADS == 0 or column < vectors):
                    y = (x[row, vec(column)] - mean) * splat(scale) * weight[vec(column)]
                    store(out, y if added is None else y + added[vec(column)], row, vec(column))
    return kernel.func
