"""Several tokens' states as one vector, for embeddings of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.abi_generated import FIRST_WORD, MAX_ROWS
from webllm_build.compile.kernels.attention.kv_cache import state_buffer
from webllm_build.compile.kernels.tir.ops import VEC, Buffer, Expr, Kernel, ceildiv, launch, let, local, size, splat, store, vec, when

THREADS = 64

Kind = Literal["cls", "last", "sum", "mean"]


def pool(columns: int, kinds: Sequence[Kind], *, several: bool = False) -> PrimFunc:
    """out[i] is of x's rows, symbolically many, what kinds[i] says: the first ("cls"), the last, the sum or the mean; the same in every
    variant. several: x has the rows of several texts, and kinds one entry, of which out[t] is what it says of text t.

    Parameters: x float32[n, columns], state (see kv_cache.py) where there are several texts, out float32[kinds or MAX_ROWS, columns], whose
    rows without a text stay as they are. An invocation has four columns.
    """
    vectors = columns // VEC
    with Kernel() as kernel:
        n = size("n")
        x = kernel.buffer("x", (n, columns), "float32")
        state = state_buffer(kernel) if several else None
        out = kernel.buffer("out", (MAX_ROWS if several else len(kinds), columns), "float32")
        with launch([ceildiv(vectors, THREADS), *([MAX_ROWS] if several else [])], [THREADS]) as ((workgroup, *texts), (thread,)):
            column = let("column", workgroup * THREADS + thread)
            text = texts[0] if several else None
            with when(vectors % THREADS == 0 or column < vectors), when(is_text(state, text)):
                first, count = rows_of(state, text, n)
                if "sum" in kinds or "mean" in kinds:
                    total = local("total", VEC)
                    store(total, splat(T.float32(0)), vec(0))
                    with T.serial(count) as row:
                        store(total, total[vec(0)] + x[first + row, vec(column)], vec(0))
                for i, kind in enumerate(kinds):
                    if kind in ("sum", "mean"):
                        value = total[vec(0)] if kind == "sum" else total[vec(0)] / splat(T.Cast("float32", count))
                    else:
                        value = x[first if kind == "cls" else first + count - 1, vec(column)]
                    store(out, value, i if text is None else text, vec(column))
    return kernel.func


def is_text(state: Buffer | None, text: Expr) -> Expr:
    """Whether a call has so many texts."""
    return True if state is None else T.Or(text == 0, state[text, FIRST_WORD] > 0)


def rows_of(state: Buffer | None, text: Expr, n: Expr) -> tuple[Expr, Expr]:
    """A text's first row of n, and how many it has."""
    return (0, n) if state is None else (let("first", T.max(state[text, FIRST_WORD], 0)), let("count", state[text, 1]))
