"""A function of each activation, for layers that have something between a product and the function, and one that learns."""

from __future__ import annotations

import functools

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.epilogue import FUNCTIONS
from webllm_build.compile.cpu.ops import constant, exp, like, units
from webllm_build.compile.kernels.tir.ops import VEC, Kernel, let, store, token_count, vec
from webllm_build.model.ops import Function


def activate(tokens: int | None, columns: int, activation: Function, *, factor: bool) -> PrimFunc:
    """As kernels/activate.py; a unit is a row."""
    with Kernel() as kernel:
        n = token_count(tokens)
        x = kernel.buffer("x", (n, columns), "float32")
        times = kernel.buffer("factor", (n, columns), "float32") if factor else None
        out = kernel.buffer("out", (n, columns), "float32")
        with units(n) as row, T.serial(columns // VEC) as i:
            y = FUNCTIONS[activation](let("x", x[row, vec(i)]))
            store(out, y if times is None else y * times[row, vec(i)], row, vec(i))
    return kernel.func


@functools.cache
def xielu(tokens: int | None, columns: int) -> PrimFunc:
    """As kernels/activate.py; a unit is a row."""
    with Kernel() as kernel:
        n = token_count(tokens)
        x = kernel.buffer("x", (n, columns), "float32")
        weights = kernel.buffer("weights", (4,), "float32")
        out = kernel.buffer("out", (n, columns), "float32")
        with units(n) as row, T.serial(columns // VEC) as i:
            y = let("x", x[row, vec(i)])
            positive, negative, linear, bound = (like(weights[place], y) for place in range(4))
            below = exp(T.min(y, bound)) - constant(1, y) - y
            curve = T.Select(y > constant(0, y), positive * y * y, (linear + negative) * below)
            store(out, curve + linear * y, row, vec(i))
    return kernel.func
