"""Norms of queries and of keys over all their heads."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import VEC, Kernel, ceildiv, dot, inverse_rms, launch, let, local, size, splat, store, vec, when
from webllm_build.compile.kernels.tir.reduce import reduce_all
from webllm_build.compile.target import Variant

THREADS = 128


def norm_parts(variant: Variant, columns: int, sizes: tuple[int, int], eps: float) -> PrimFunc:
    """x[t] = norm_weight * x[t] / sqrt(mean(x[t]²) + eps) of each of the two first parts of a row by itself, for symbolically many rows.

    Parameters: x float32[n, columns], written in place, norm_weight float32[sum of sizes]. A workgroup has a part of a row.
    """
    with Kernel() as kernel:
        n = size("n")
        x = kernel.buffer("x", (n, columns), "float32")
        weight = kernel.buffer("norm_weight", (sum(sizes),), "float32")
        with launch([n * 2], [THREADS]) as ((block,), (thread,)):
            row, is_first = fixed("row", block // 2), block % 2 == 0
            first = fixed("first", T.Select(is_first, 0, sizes[0] // VEC))
            count = fixed("count", T.Select(is_first, sizes[0] // VEC, sizes[1] // VEC))
            steps = ceildiv(max(sizes) // VEC, THREADS)
            squares = local("squares", 1)
            store(squares, T.float32(0), 0)
            with T.serial(steps) as i, when(i * THREADS + thread < count):
                value = let("value", x[row, vec(first + i * THREADS + thread)])
                store(squares, squares[0] + dot(value, value), 0)
            reduce_all(variant, squares, 1, lane=thread, width=THREADS)
            of_first, of_second = (inverse_rms(squares[0], length, eps) for length in sizes)
            scale = fixed("scale", T.Select(is_first, of_first, of_second), "float32")
            with T.serial(steps) as i, when(i * THREADS + thread < count):
                column = let("column", first + i * THREADS + thread)
                store(x, x[row, vec(column)] * splat(scale) * weight[vec(column)], row, vec(column))
    return kernel.func
