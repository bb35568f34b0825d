"""Norms of parts of rows: of queries and of keys over all their heads, of groups of Mamba-2's heads."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.linear.epilogue import silu
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import (
    VEC,
    Expr,
    Kernel,
    ceildiv,
    dot,
    inverse_rms,
    launch,
    let,
    local,
    splat,
    store,
    token_count,
    vec,
    when,
)
from webllm_build.compile.kernels.tir.reduce import reduce_all
from webllm_build.compile.target import Variant

THREADS = 128


def norm_parts(
    variant: Variant, tokens: int | None, columns: int, sizes: tuple[int, ...], eps: float, gates: int | None = None
) -> PrimFunc:
    """x[t] = norm_weight * x[t] / sqrt(mean(x[t]²) + eps) of each of the first parts of a row by itself, times silu(gate[t]) where there
    are gates. tokens: how many rows, None for symbolically many.

    Parameters: x float32[n, columns], written in place, norm_weight float32[sum of sizes], gate float32[n, gates]. A workgroup has a part
    of a row.
    """
    with Kernel() as kernel:
        n = token_count(tokens)
        x = kernel.buffer("x", (n, columns), "float32")
        weight = kernel.buffer("norm_weight", (sum(sizes),), "float32")
        gate = kernel.buffer("gate", (n, gates), "float32") if gates is not None else None
        firsts = [*itertools.accumulate(sizes, initial=0)][:-1]
        with launch([n * len(sizes)], [THREADS]) as ((block,), (thread,)):
            row, part = fixed("row", block // len(sizes)), fixed("part", block % len(sizes))
            first = fixed("first", of_part(part, [first // VEC for first in firsts]))
            count = fixed("count", of_part(part, [length // VEC for length in sizes]))
            steps = ceildiv(max(sizes) // VEC, THREADS)
            squares = local("squares", 1)
            store(squares, T.float32(0), 0)
            with T.serial(steps) as i, when(i * THREADS + thread < count):
                value = let("value", x[row, vec(first + i * THREADS + thread)])
                store(squares, squares[0] + dot(value, value), 0)
            reduce_all(variant, squares, 1, lane=thread, width=THREADS)
            scale = fixed("scale", of_part(part, [inverse_rms(squares[0], length, eps) for length in sizes]), "float32")
            with T.serial(steps) as i, when(i * THREADS + thread < count):
                column = let("column", first + i * THREADS + thread)
                value = x[row, vec(column)] * splat(scale) * weight[vec(column)]
                store(x, value if gate is None else value * silu(let("gate_of", gate[row, vec(column)])), row, vec(column))
    return kernel.func


def of_part(part: Expr, values: Sequence[Expr]) -> Expr:
    """The value for this part."""
    found = values[-1]
    for number in reversed(range(len(values) - 1)):
        found = T.Select(part == number, values[number], found)
    return found
