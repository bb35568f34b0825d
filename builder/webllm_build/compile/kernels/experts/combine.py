"""What a token's experts have made of it, added up."""

from __future__ import annotations

from tvm.tirx import PrimFunc

from webllm_build.compile.kernels.experts.choices import choices_buffer, share_of
from webllm_build.compile.kernels.tir.ops import VEC, Kernel, ceildiv, launch, let, size, splat, store, vec, when

THREADS = 64


def combine(columns: int, chosen: int, *, residual: bool) -> PrimFunc:
    """out[t] = the sum of x[t * chosen + slot] times the share of the slot's expert, with a residual added to it.

    Parameters: x float32[n * chosen, columns], choices (choices.py), residual (where there is one) and out float32[n, columns].
    """
    vectors = columns // VEC
    with Kernel() as kernel:
        n = size("n")
        x = kernel.buffer("x", (n * chosen, columns), "float32")
        choices = choices_buffer(kernel, n, chosen)
        added = kernel.buffer("residual", (n, columns), "float32") if residual else None
        out = kernel.buffer("out", (n, columns), "float32")
        with launch([ceildiv(vectors, THREADS), n], [THREADS]) as ((workgroup, token), (thread,)):
            column = let("column", workgroup * THREADS + thread)
            with when(vectors % THREADS == 0 or column < vectors):
                y = None if added is None else added[token, vec(column)]
                for slot in range(chosen):
                    part = x[token * chosen + slot, vec(column)] * splat(share_of(choices, token, slot))
                    y = part if y is None else y + part
                store(out, y, token, vec(column))
    return kernel.func
