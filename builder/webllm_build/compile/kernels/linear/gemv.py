"""Quantized matrix times vector: every linear layer of a decode step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.linear.epilogue import PLAIN, QUADS, Epilogue, weight_buffers
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel, ceildiv, dot, launch, let, local, splat, store, total, vec, when
from webllm_build.compile.kernels.tir.reduce import reduce_group
from webllm_build.compile.target import Variant
from webllm_build.quantize import GROUP, Scheme


@dataclass(frozen=True)
class Tile:
    """How invocations share the work: a group of `lanes` spans a row's blocks of 32 weights and computes `rows` rows, reusing the
    activations it holds; a workgroup has `groups` of them."""

    lanes: int
    rows: int
    groups: int


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
    norm_eps: float | None = None,
    epilogue: Epilogue = PLAIN,
    tile: Tile | None = None,
) -> PrimFunc:
    """y[n] = W[n, k] · x, with W packed by `scheme`, or W · (norm_weight * x / sqrt(mean(x²) + norm_eps)).

    Parameters: x float32[1, k], w_<suffix> of the scheme, norm_weight float32[k] (with norm_eps), those of the epilogue, out
    float32[1, n], or [1, n/2] of a gated unit. Sums are float32. Raises CompileError for shapes that blocks do not divide.
    """
    epilogue.check(n, k)
    tile = tile or choose_tile(variant, n, k)
    blocks = k // GROUP
    sums_count = tile.rows + (norm_eps is not None)
    with Kernel() as kernel:
        x = kernel.buffer("x", (1, k), "float32")
        weight = weight_buffers(kernel, scheme, n, k)
        norm_weight = kernel.buffer("norm_weight", (k,), "float32") if norm_eps is not None else None
        finish = epilogue.buffers(kernel, 1, n)
        out = kernel.buffer("out", (1, epilogue.columns(n)), "float32")
        with launch([ceildiv(n, tile.rows * tile.groups)], [tile.lanes, tile.groups]) as ((workgroup,), (lane, group)):
            first_row = let("first_row", (workgroup * tile.groups + group) * tile.rows)
            # Rows beyond the last are computed from the last one's weights and not stored.
            exact = n % (tile.rows * tile.groups) == 0
            rows = [first_row + r if exact else T.min(first_row + r, n - 1) for r in range(tile.rows)]
            sums = local("sums", sums_count)
            for i in range(sums_count):
                store(sums, T.float32(0), i)
            with T.serial(0, ceildiv(blocks, tile.lanes)) as step:
                block = step * tile.lanes + lane
                with when(blocks % tile.lanes == 0 or block < blocks):
                    _accumulate(sums, scheme, weight, [row * blocks + block for row in rows], x, norm_weight, block)
            total_of = reduce_group(variant, sums, sums_count, lane=lane, width=tile.lanes, group=group, groups=tile.groups)
            inverse_rms = T.rsqrt(total_of(tile.rows) / T.float32(k) + T.float32(norm_eps)) if norm_eps is not None else T.float32(1)
            inverse_rms = let("inverse_rms", inverse_rms)
            if epilogue.gated:
                channels = tile.rows // 2
                for first in range(0, channels, tile.lanes):
                    channel = first_row // 2 + first + lane
                    with when(T.And(first + lane < channels, channel < n // 2)):
                        gate, up = (let(name, total_of((first + lane) * 2 + i) * inverse_rms) for i, name in enumerate(("gate", "up")))
                        store(out, finish.channel(gate, up, channel), 0, channel)
            else:
                for first in range(0, tile.rows, tile.lanes):
                    row = first_row + first + lane
                    with when(T.And(first + lane < tile.rows, row < n)):
                        store(out, finish.output(total_of(first + lane) * inverse_rms, 0, row), 0, row)
    return kernel.func


def _accumulate(
    sums: Buffer, scheme: Scheme, weight: Sequence[Buffer], indices: Sequence[Expr], x: Buffer, norm_weight: Buffer | None, block: Expr
) -> None:
    """Add one block of each row to sums[r], and, with a norm, the squares of the activations to the last sum."""
    loaded = [scheme.load(weight, index) for index in indices]
    activations = [let(f"x{j}", x[0, vec(block * QUADS + j)]) for j in range(QUADS)]
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
