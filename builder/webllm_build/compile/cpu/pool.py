"""Several tokens' states as one vector, for embeddings of texts."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.ops import at, units, zeros
from webllm_build.compile.io import POOLED
from webllm_build.compile.kernels.tir.ops import VEC, Kernel, size, store, vec


def pool(columns: int) -> PrimFunc:
    """As kernels/pool.py; one unit."""
    with Kernel() as kernel:
        n = size("n")
        x = kernel.buffer("x", (n, columns), "float32")
        out = kernel.buffer("out", (POOLED, columns), "float32")
        with units(1), T.serial(columns // VEC) as column:
            total = zeros("total", 1)
            with T.serial(n) as row:
                store(total, total[at(0)] + x[row, vec(column)], at(0))
            store(out, x[n - 1, vec(column)], 0, vec(column))
            store(out, total[at(0)], 1, vec(column))
    return kernel.func
