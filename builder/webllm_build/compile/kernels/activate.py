"""A function of each activation, for layers that have something between a product and the function, and one that learns."""

from __future__ import annotations

import functools

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.linear.epilogue import FUNCTIONS
from webllm_build.compile.kernels.tir.ops import Kernel, ceildiv, launch, let, store, token_count, when
from webllm_build.model.ops import Function

THREADS = 64


def activate(tokens: int | None, columns: int, activation: Function, *, factor: bool) -> PrimFunc:
    """out = activation(x), times `factor` where there is one; the same in every variant. An invocation has one number.
    tokens: how many rows, None for symbolically many.

    Parameters: x float32[n, columns], factor as x, out as x.
    """
    with Kernel() as kernel:
        n = token_count(tokens)
        x = kernel.buffer("x", (n, columns), "float32")
        times = kernel.buffer("factor", (n, columns), "float32") if factor else None
        out = kernel.buffer("out", (n, columns), "float32")
        with launch([ceildiv(columns, THREADS), n], [THREADS]) as ((workgroup, row), (thread,)):
            column = let("column", workgroup * THREADS + thread)
            with when(columns % THREADS == 0 or column < columns):
                y = FUNCTIONS[activation](let("x", x[row, column]))
                store(out, y if times is None else y * times[row, column], row, column)
    return kernel.func


@functools.cache
def xielu(tokens: int | None, columns: int) -> PrimFunc:
    """out = what model/ops.py says of x; the same in every variant. An invocation has one number. The exponent is bounded as silu's is.

    Parameters: x float32[n, columns], weights float32[4], out as x.
    """
    with Kernel() as kernel:
        n = token_count(tokens)
        x = kernel.buffer("x", (n, columns), "float32")
        weights = kernel.buffer("weights", (4,), "float32")
        out = kernel.buffer("out", (n, columns), "float32")
        with launch([ceildiv(columns, THREADS), n], [THREADS]) as ((workgroup, row), (thread,)):
            column = let("column", workgroup * THREADS + thread)
            with when(columns % THREADS == 0 or column < columns):
                y = let("x", x[row, column])
                below = T.exp(T.max(T.min(T.min(y, weights[3]), T.float32(80)), T.float32(-80))) - T.float32(1) - y
                curve = T.Select(y > T.float32(0), weights[0] * y * y, (weights[2] + weights[1]) * below)
                store(out, curve + weights[2] * y, row, column)
    return kernel.func
