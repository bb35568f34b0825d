"""Several tokens' states as one vector, for embeddings of texts."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.io import POOLED
from webllm_build.compile.kernels.tir.ops import VEC, Kernel, ceildiv, launch, let, local, size, splat, store, vec, when

THREADS = 64


def pool(columns: int) -> PrimFunc:
    """out[0] = x[n - 1], out[1] = sum of x over its rows, for symbolically many; the same in every variant.

    Parameters: x float32[n, columns], out float32[2, columns]. An invocation has four columns.
    """
    vectors = columns // VEC
    with Kernel() as kernel:
        n = size("n")
        x = kernel.buffer("x", (n, columns), "float32")
        out = kernel.buffer("out", (POOLED, columns), "float32")
        with launch([ceildiv(vectors, THREADS)], [THREADS]) as ((workgroup,), (thread,)):
            column = let("column", workgroup * THREADS + thread)
            with when(vectors % THREADS == 0 or column < vectors):
                total = local("total", VEC)
                store(total, splat(T.float32(0)), vec(0))
                with T.serial(n) as row:
                    store(total, total[vec(0)] + x[row, vec(column)], vec(0))
                store(out, x[n - 1, vec(column)], 0, vec(column))
                store(out, total[vec(0)], 1, vec(column))
    return kernel.func
