"""Several tokens' states as one vector, for embeddings of texts."""

from __future__ import annotations

from collections.abc import Sequence

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.ops import at, units, zeros
from webllm_build.compile.kernels.pool import Kind
from webllm_build.compile.kernels.tir.ops import VEC, Kernel, size, splat, store, vec


def pool(columns: int, kinds: Sequence[Kind]) -> PrimFunc:
    """As kernels/pool.py; one unit."""
    with Kernel() as kernel:
        n = size("n")
        x = kernel.buffer("x", (n, columns), "float32")
        out = kernel.buffer("out", (len(kinds), columns), "float32")
        with units(1), T.serial(columns // VEC) as column:
            if "sum" in kinds or "mean" in kinds:
                total = zeros("total", 1)
                with T.serial(n) as row:
                    store(total, total[at(0)] + x[row, vec(column)], at(0))
            for i, kind in enumerate(kinds):
                if kind in ("sum", "mean"):
                    value = total[at(0)] if kind == "sum" else total[at(0)] / splat(T.Cast("float32", n))
                else:
                    value = x[0 if kind == "cls" else n - 1, vec(column)]
                store(out, value, i, vec(column))
    return kernel.func
