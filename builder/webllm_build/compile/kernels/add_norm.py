"""A norm of what a block computes, behind which it joins the residual stream."""

from __future__ import annotations

from tvm.tirx import PrimFunc

from webllm_build.compile.kernels.tir.ops import (
    VEC,
    Buffer,
    Expr,
    Kernel,
    extern,
    inverse_rms,
    launch,
    let,
    local,
    splat,
    store,
    token_count,
    vec,
)
from webllm_build.compile.kernels.tir.rows import THREADS, Row, square
from webllm_build.compile.target import Variant


def add_norm(variant: Variant, rows: int | None, columns: int, eps: float, *, scaled: bool = False) -> PrimFunc:
    """out[t] = residual[t] + norm_weight * x[t] / sqrt(mean(x[t]²) + eps), the sum times `scalar`. rows: symbolically many where None.

    Parameters: x float32[n, columns], norm_weight float32[columns], residual float32[n, columns], scalar float32[1] where there is one,
    out float32[n, columns]. A workgroup has a row.
    """
    with Kernel() as kernel:
        n = token_count(rows)
        x = kernel.buffer("x", (n, columns), "float32")
        weight = kernel.buffer("norm_weight", (columns,), "float32")
        residual = kernel.buffer("residual", (n, columns), "float32")
        scalar = kernel.buffer("scalar", (1,), "float32") if scaled else None
        out = kernel.buffer("out", (n, columns), "float32")
        with launch([n], [THREADS]) as ((row,), (thread,)):
            of_row, squares = Row(variant, columns // VEC, THREADS, thread), local("squares", 1)
            of_row.sum(squares, lambda column: square(x[row, vec(column)]))
            scale = let("scale", inverse_rms(squares[0], columns, eps))
            with of_row.each() as column:
                store(out, joined(x, weight, residual, scalar, scale, row, column), row, vec(column))
    return kernel.func


def joined(x: Buffer, weight: Buffer, residual: Buffer, scalar: Buffer | None, scale: Expr, row: Expr, column: Expr) -> Expr:
    """Four numbers of what add_norm gives, scale being 1 / sqrt(mean(x[row]²) + eps): by one built-in, as kernels must agree on them."""
    normalised = x[row, vec(column)] * splat(scale)
    value = extern("float32x4", "fma", normalised, weight[vec(column)], residual[row, vec(column)])
    return value if scalar is None else value * splat(scalar[0])
