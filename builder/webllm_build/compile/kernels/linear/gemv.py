"""Quantized matrix times one or a few vectors: every linear layer of a decode step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.dequantize import load_block
from webllm_build.compile.kernels.linear.epilogue import PLAIN, QUADS, Epilogue, weight_buffers
from webllm_build.compile.kernels.linear.vectors import Tile, Work, rms_scale, zeros
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import (
    Buffer,
    Expr,
    Kernel,
    ceildiv,
    dot,
    launch,
    let,
    local,
    splat,
    store,
    total,
    vec,
)
from webllm_build.compile.target import Variant
from webllm_build.quantize import GROUP, Scheme


def choose_tile(variant: Variant, n: int, k: int) -> Tile:
    """A tile that was fast on an NVIDIA H200 and leaves few lanes idle elsewhere.

    Without subgroups a sum across lanes costs barriers, which are dear on some GPUs: groups are as narrow as still loads whole memory
    sectors, and each invocation has many rows for the activations that it loads.
    """
    blocks = k // GROUP
    if not variant.subgroups:
        lanes = 4 if blocks <= 32 else 8
        return Tile(lanes, rows=8, groups=64 // lanes)
    if n >= 8192:
        # Rows enough to fill the GPU: few lanes, each with several blocks of many rows.
        lanes = max((8, 16, 32), key=lambda lanes: (blocks / (lanes * ceildiv(blocks, lanes)), lanes))
        return Tile(lanes, rows=8, groups=64 // lanes)
    rows = 2 if n < 1024 else 4 if n * blocks < 400_000 else 8
    if blocks <= 32:
        lanes = max(8, 1 << (blocks - 1).bit_length())
        return Tile(lanes, rows, groups=64 // lanes)
    return Tile(min(128, 32 * ceildiv(blocks, 32)), rows, groups=1)


def tiles(variant: Variant, n: int, k: int) -> Mapping[str, Tile]:
    """Defaults by vendor, and so what the browser chooses from. Beside the tile that was fast on an H200: four rows for each subgroup,
    as llama.cpp has on Apple's GPUs, and two. Without subgroups wider groups of fewer rows, for GPUs with cheap barriers, and whole
    rows for the CPU, where a barrier costs as much as hundreds of weights."""
    other = choose_tile(variant, n, k)
    if not variant.subgroups:
        return {"other": other, "intel": Tile(lanes=16, rows=4, groups=4), "google": Tile(lanes=1, rows=8, groups=8)}
    lanes = min(32, max(8, 1 << (k // GROUP - 1).bit_length()))
    four, two = (Tile(lanes, rows, groups=64 // lanes) for rows in (4, 2))
    return {"other": other, "apple": four, "qualcomm": four, "amd": two}


def gemv(
    variant: Variant,
    scheme: Scheme,
    n: int,
    k: int,
    *,
    m: int = 1,
    norm_eps: float | None = None,
    epilogue: Epilogue = PLAIN,
    tile: Tile | None = None,
) -> PrimFunc:
    """y[t] = W[n, k] · x[t] for m vectors (a power of 2), with W packed by `scheme`, or W · (norm_weight * x / sqrt(mean(x²) + norm_eps)).
    Weights are read once for all. In a tile of the same lanes a vector's sums are what they are for it alone, bit for bit.

    Parameters: x float32[m, k], w_<suffix> of the scheme, norm_weight float32[k] (with norm_eps), those of the epilogue, out
    float32[m, n], or [m, n/2] of a gated unit. Sums are float32. Raises CompileError for shapes that blocks do not divide.
    """
    epilogue.check(n, k)
    tile = tile or choose_tile(variant, n, k).for_vectors(m)
    blocks, products = k // GROUP, tile.rows * m
    with Kernel() as kernel:
        x = kernel.buffer("x", (m, k), "float32")
        weight = weight_buffers(kernel, scheme, n, k)
        norm_weight = kernel.buffer("norm_weight", (k,), "float32") if norm_eps is not None else None
        finish = epilogue.buffers(kernel, m, n)
        out = kernel.buffer("out", (m, epilogue.columns(n)), "float32")
        with launch([tile.workgroups(n)], [tile.lanes, tile.groups]) as ((workgroup,), (lane, group)):
            work = Work.of(variant, tile, n, m, workgroup, lane, group, more_sums=1 if norm_eps is not None and m == 1 else 0)
            rows = work.rows
            scale_of = rms_scale(k, norm_eps)
            squares = zeros("squares", m) if norm_eps is not None and m > 1 else None

            for block in work.blocks(blocks):
                indices = [row * blocks + block for row in rows]
                if m == 1:
                    accumulate(work.sums, scheme, weight, indices, x, norm_weight, block)
                else:
                    _accumulate_several(work, scheme, weight, indices, x, norm_weight, squares, block)
            if m == 1:
                sum_of = work.reduce(products + (norm_eps is not None))
                scale = scale_of(sum_of(products)) if norm_eps is not None else let("inverse_rms", T.float32(1))
                if epilogue.gated:
                    for index, channel in work.each_channel():
                        gate, up = (let(name, sum_of(index * 2 + i) * scale) for i, name in enumerate(("gate", "up")))
                        store(out, finish.channel(gate, up, channel), 0, channel)
                else:
                    for index, row in work.each_row():
                        store(out, finish.output(sum_of(index) * scale, 0, row), 0, row)
            else:
                scales = work.scales(squares, scale_of)
                if epilogue.gated:
                    work.store_channels(finish, out, scales)
                else:
                    work.store_outputs(finish, out, scales)
    return kernel.func


def accumulate(
    sums: Buffer,
    scheme: Scheme,
    weight: Sequence[Buffer],
    indices: Sequence[Expr],
    x: Buffer,
    norm_weight: Buffer | None,
    block: Expr,
    vector: Expr = 0,
) -> None:
    """Add one block of each row, times that of a vector of x, to sums[r], and, with a norm, the squares of the activations to the last."""
    loaded = [load_block(scheme, weight, index) for index in indices]
    activations = [let(f"x{j}", x[vector, vec(block * QUADS + j)]) for j in range(QUADS)]
    if norm_weight is not None:
        last = len(indices)
        store(sums, sums[last] + total([dot(quad, quad) for quad in activations]), last)
        activations = [let(f"x{j}", quad * norm_weight[vec(block * QUADS + j)]) for j, quad in enumerate(activations)]
    activation_sum = None
    if loaded[0].offset is not None:
        # A local array and not a `let`, whose value TVM would copy into every use.
        activation_sum = local("x_sum", 1)
        store(activation_sum, dot(total(activations), splat(T.float32(1))), 0)
    for r, values in enumerate(loaded):
        y = total([dot(codes, quad) for codes, quad in zip(values.codes, activations, strict=True)])
        if values.scale is not None:
            y = y * values.scale
        if activation_sum is not None:
            y = y + values.offset * activation_sum[0]
        store(sums, sums[r] + y, r)


def _accumulate_several(
    work: Work,
    scheme: Scheme,
    weight: Sequence[Buffer],
    indices: Sequence[Expr],
    x: Buffer,
    norm_weight: Buffer | None,
    squares: Buffer | None,
    block: Expr,
) -> None:
    """Add one block of each row for each vector to its sum, and, with a norm, the squares of each vector's activations to its. Four
    weights of each row at a time, so that they stay in registers."""
    loaded, rows = [load_block(scheme, weight, index) for index in indices], len(indices)
    products = local("products", rows * work.m)
    has_offset = loaded[0].offset is not None
    x_sums = local("x_sums", work.m, "float32x4") if has_offset else None
    x_squares = local("x_squares", work.m) if squares is not None else None

    def add(buffer: Buffer, value: Expr, at: Expr, is_first: bool) -> None:
        store(buffer, value if is_first else buffer[at] + value, at)

    for j in range(QUADS):
        codes = [fixed("codes", values.codes[j], "float32x4") for values in loaded]
        norms = None if norm_weight is None else let("norms", norm_weight[vec(block * QUADS + j)])
        with T.serial(0, work.m) as t:  # a loop keeps the text short; compilers unroll it
            quad = let("quad", x[t, vec(block * QUADS + j)])
            if x_squares is not None:
                add(x_squares, dot(quad, quad), t, j == 0)
            if norms is not None:
                quad = fixed("normed", quad * norms, "float32x4")
            if x_sums is not None:
                add(x_sums, quad, t, j == 0)
            for r in range(rows):
                add(products, dot(codes[r], quad), t * rows + r, j == 0)
    with T.serial(0, work.m) as t:
        if squares is not None and x_squares is not None:
            store(squares, squares[t] + x_squares[t], t)
        x_sum = fixed("x_sum", dot(x_sums[t], splat(T.float32(1))), "float32") if x_sums is not None else None
        for r, values in enumerate(loaded):
            at = t * rows + r
            y = products[at] if values.scale is None else products[at] * values.scale
            store(work.sums, work.sums[at] + (y if x_sum is None else y + values.offset * x_sum), at)
