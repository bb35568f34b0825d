"""Norms of rows of activations."""

from __future__ import annotations

import functools
import itertools

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.epilogue import sigmoid, silu
from webllm_build.compile.cpu.ops import at, sum_of, units, zeros
from webllm_build.compile.kernels.tir.ops import VEC, Buffer, Expr, Kernel, let, splat, store, token_count, vec


def rms_norm(tokens: int | None, columns: int, eps: float, *, residual: bool = False, scaled: bool = False) -> PrimFunc:
    """out[t] = norm_weight * x[t] / sqrt(mean(x[t]²) + eps), with `residual` added to it, the sum times `scalar`; a unit is a row. tokens:
    see token_count.

    Parameters: x float32[n, columns], norm_weight float32[columns], where there are such residual float32[n, columns] and scalar
    float32[1], out float32[n, columns].
    """
    with Kernel() as kernel:
        n = token_count(tokens)
        x = kernel.buffer("x", (n, columns), "float32")
        weight = kernel.buffer("norm_weight", (columns,), "float32")
        added = kernel.buffer("residual", (n, columns), "float32") if residual else None
        scalar = kernel.buffer("scalar", (1,), "float32") if scaled else None
        out = kernel.buffer("out", (n, columns), "float32")
        with units(n) as row:
            scale = splat(let("scale", inverse_rms(x, row, columns, eps)))
            with T.serial(columns // VEC) as i:
                value = x[row, vec(i)] * scale * weight[vec(i)]
                value = value if added is None else added[row, vec(i)] + value
                store(out, value if scalar is None else value * splat(scalar[0]), row, vec(i))
    return kernel.func


def layer_norm(tokens: int | None, columns: int, eps: float, *, bias: bool) -> PrimFunc:
    """As kernels/layer_norm.py; a unit is a row. tokens: see token_count."""
    with Kernel() as kernel:
        n = token_count(tokens)
        x = kernel.buffer("x", (n, columns), "float32")
        weight = kernel.buffer("norm_weight", (columns,), "float32")
        added = kernel.buffer("norm_bias", (columns,), "float32") if bias else None
        out = kernel.buffer("out", (n, columns), "float32")
        with units(n) as row:
            sums = zeros("sums", 2)
            with T.serial(columns // VEC) as i:
                store(sums, sums[at(0)] + x[row, vec(i)], at(0))
            mean = splat(let("mean", sum_of(sums[at(0)]) * T.float32(1 / columns)))
            with T.serial(columns // VEC) as i:
                centred = let("centred", x[row, vec(i)] - mean)
                store(sums, sums[at(1)] + centred * centred, at(1))
            variance = sum_of(sums[at(1)]) * T.float32(1 / columns)
            scale = splat(let("scale", T.float32(1) / T.sqrt(variance + T.float32(eps))))
            with T.serial(columns // VEC) as i:
                value = (x[row, vec(i)] - mean) * scale * weight[vec(i)]
                store(out, value if added is None else value + added[vec(i)], row, vec(i))
    return kernel.func


@functools.cache
def add_gated(tokens: int | None, columns: int, eps: float) -> PrimFunc:
    """As kernels/add_gated.py; a unit is a row. tokens: see token_count."""
    with Kernel() as kernel:
        n = token_count(tokens)
        x = kernel.buffer("x", (n, columns), "float32")
        weight, gate = (kernel.buffer(name, (columns,), "float32") for name in ("norm_weight", "gate"))
        y, residual, out = (kernel.buffer(name, (n, columns), "float32") for name in ("y", "residual", "out"))
        with units(n) as row:
            scale, sums = let("scale", inverse_rms(x, row, columns, eps)), zeros("sums", 1)
            with T.serial(columns // VEC) as i:
                store(sums, sums[at(0)] + x[row, vec(i)] * weight[vec(i)] * gate[vec(i)], at(0))
            share = let("share", sigmoid(splat(sum_of(sums[at(0)]) * scale)))
            with T.serial(columns // VEC) as i:
                store(out, residual[row, vec(i)] + y[row, vec(i)] * share, row, vec(i))
    return kernel.func


def norm_parts(tokens: int | None, columns: int, sizes: tuple[int, ...], eps: float, gates: int | None = None) -> PrimFunc:
    """As kernels/norm_parts.py; a unit is a row."""
    with Kernel() as kernel:
        n = token_count(tokens)
        x = kernel.buffer("x", (n, columns), "float32")
        weight = kernel.buffer("norm_weight", (sum(sizes),), "float32")
        gate = kernel.buffer("gate", (n, gates), "float32") if gates is not None else None
        with units(n) as row:
            for first, length in zip(itertools.accumulate(sizes, initial=0), sizes, strict=False):
                scale = splat(let("scale", inverse_rms(x, row, length, eps, first)))
                with T.serial(first // VEC, (first + length) // VEC) as i:
                    value = x[row, vec(i)] * scale * weight[vec(i)]
                    store(x, value if gate is None else value * silu(let("gate_of", gate[row, vec(i)])), row, vec(i))
    return kernel.func


def bare_norm(columns: int, eps: float, factor: float, *, affine: bool) -> PrimFunc:
    """As kernels/bare_norm.py; a unit is a row."""
    with Kernel() as kernel:
        n = token_count(None)
        x = kernel.buffer("x", (n, columns), "float32")
        bias, scale = (kernel.buffer(name, (columns,), "float32") if affine else None for name in ("bias", "scale"))
        out = kernel.buffer("out", (n, columns), "float32")
        with units(n) as row:
            with T.serial(columns // VEC) as i:
                y = x[row, vec(i)] * splat(T.float32(factor))
                store(out, y if bias is None or scale is None else (y - bias[vec(i)]) * scale[vec(i)], row, vec(i))
            root = splat(let("root", inverse_rms(out, row, columns, eps)))
            with T.serial(columns // VEC) as i:
                store(out, out[row, vec(i)] * root, row, vec(i))
    return kernel.func


def inverse_rms(x: Buffer, row: Expr, columns: int, eps: float, first: int = 0) -> Expr:
    """1 / sqrt(mean(x[row]²) + eps), of so many columns from the first on. Emits a loop."""
    squares = zeros("squares", 1)
    with T.serial(first // VEC, (first + columns) // VEC) as i:
        value = let("value", x[row, vec(i)])
        store(squares, squares[at(0)] + value * value, at(0))
    return T.float32(1) / T.sqrt(sum_of(squares[at(0)]) * T.float32(1 / columns) + T.float32(eps))
