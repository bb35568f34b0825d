"""Several tokens' states as one vector, for embeddings of texts."""

from __future__ import annotations

from collections.abc import Sequence

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.abi_generated import MAX_ROWS, STATE_WORDS
from webllm_build.compile.cpu.ops import at, units, zeros
from webllm_build.compile.kernels.pool import Kind, is_text, rows_of
from webllm_build.compile.kernels.tir.ops import VEC, Kernel, size, splat, store, vec, when


def pool(columns: int, kinds: Sequence[Kind], *, several: bool = False) -> PrimFunc:
    """As kernels/pool.py; a unit is a text."""
    with Kernel() as kernel:
        n = size("n")
        x = kernel.buffer("x", (n, columns), "float32")
        state = kernel.buffer("state", (MAX_ROWS, STATE_WORDS), "int32") if several else None
        out = kernel.buffer("out", (MAX_ROWS if several else len(kinds), columns), "float32")
        with units(MAX_ROWS if several else 1) as text, when(is_text(state, text)):
            first, count = rows_of(state, text, n)
            with T.serial(columns // VEC) as column:
                if "sum" in kinds or "mean" in kinds:
                    total = zeros("total", 1)
                    with T.serial(count) as row:
                        store(total, total[at(0)] + x[first + row, vec(column)], at(0))
                for i, kind in enumerate(kinds):
                    if kind in ("sum", "mean"):
                        value = total[at(0)] if kind == "sum" else total[at(0)] / splat(T.Cast("float32", count))
                    else:
                        value = x[first if kind == "cls" else first + count - 1, vec(column)]
                    store(out, value, text if several else i, vec(column))
    return kernel.func
