"""Several tokens' states as one vector, for embeddings of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.ops import VEC, Kernel, ceildiv, launch, let, local, size, splat, store, vec, when

THREADS = 64

Kind = Literal["cls", "last", "sum", "mean"]


def pool(columns: int, kinds: Sequence[Kind]) -> PrimFunc:
    """out[i] is of x's rows, symbolically many, what kinds[i] says: the first ("cls"), the last, the sum or the mean; the same in every
    variant.

    Parameters: x float32[n, columns], out float32[kinds, columns]. An invocation has four columns.
    """
    vectors = columns // VEC
    with Kernel() as kernel:
        n = size("n")
        x = kernel.buffer("x", (n, columns), "float32")
        out = kernel.buffer("out", (len(kinds), columns), "float32")
        with launch([ceildiv(vectors, THREADS)], [THREADS]) as ((workgroup,), (thread,)):
            column = let("column", workgroup * THREADS + thread)
            with when(vectors % THREADS == 0 or column < vectors):
                if "sum" in kinds or "mean" in kinds:
                    total = local("total", VEC)
                    store(total, splat(T.float32(0)), vec(0))
                    with T.serial(n) as row:
                        store(total, total[vec(0)] + x[row, vec(column)], vec(0))
                for i, kind in enumerate(kinds):
                    if kind in ("sum", "mean"):
                        value = total[vec(0)] if kind == "sum" else total[vec(0)] / splat(T.Cast("float32", n))
                    else:
                        value = x[0 if kind == "cls" else n - 1, vec(column)]
                    store(out, value, i, vec(column))
    return kernel.func
