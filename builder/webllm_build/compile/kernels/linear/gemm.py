"""Matrix times quantized matrix: every linear layer of a prefill."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.dequantize import load_block
from webllm_build.compile.kernels.linear.epilogue import PLAIN, QUADS, Epilogue, weight_buffers
from webllm_build.compile.kernels.linear.tokens import AllTokens, Tokens
from webllm_build.compile.kernels.tir.ops import (
    Expr,
    Kernel,
    barrier,
    ceildiv,
    extern,
    launch,
    let,
    local,
    shared,
    store,
    vec,
)
from webllm_build.compile.target import Variant
from webllm_build.quantize import GROUP, Scheme


@dataclass(frozen=True)
class Tile:
    """An invocation sums rows * columns outputs in registers; a workgroup has `width` invocations, which is also the width of its
    tile of the output. The tile's height is rows * columns. rows, columns: even; columns and width / columns: multiples of 8."""

    rows: int
    columns: int
    width: int

    @property
    def height(self) -> int:
        return self.rows * self.columns


def choose_tile(variant: Variant, n: int) -> Tile:
    """Large tiles reuse more; small ones give narrow layers workgroups enough. Both tiles of 32 inputs fit 16 KiB."""
    if n < 2048:
        return Tile(rows=4, columns=8, width=64)
    return Tile(rows=8, columns=8, width=128 if variant.f16 else 64)


def tiles(variant: Variant, n: int) -> Mapping[str, Tile]:
    """Defaults by vendor, and so what the browser chooses from: GPUs of phones have few registers for the large tile, and a CPU
    computes a short prompt in half the time where a tile has half as many rows."""
    small = Tile(rows=4, columns=8, width=64)
    return {"other": choose_tile(variant, n), "qualcomm": small, "arm": small, "google": small}


def gemm(
    variant: Variant,
    scheme: Scheme,
    n: int,
    k: int,
    *,
    epilogue: Epilogue = PLAIN,
    tile: Tile | None = None,
    rows: Callable[[Kernel], Tokens] = lambda _: AllTokens(),
) -> PrimFunc:
    """out[m, :] = W[n, k] · x[m] for each of the tokens m (symbolic size "n"), with W packed by `scheme`.

    Parameters: those of `rows` (tokens.py), x float32[m, k], w_<suffix> of the scheme, those of the epilogue, out float32[m, n], or
    [m, n/2] of a gated unit.
    In f16 variants products are float16, summed four at a time; other sums are float32.
    Raises CompileError for shapes that blocks do not divide.
    """
    epilogue.check(n, k)
    tile = tile or choose_tile(variant, n)
    width, height, dtype = tile.width, tile.height, "float16" if variant.f16 else "float32"
    threads_x = width // tile.columns
    with Kernel() as kernel:
        tokens = rows(kernel)
        x = kernel.buffer("x", (tokens.inputs, k), "float32")
        weight = weight_buffers(kernel, scheme, tokens.matrices * n, k)
        finish = epilogue.buffers(kernel, tokens.outputs, n, tokens.biases)
        out = kernel.buffer("out", (tokens.outputs, epilogue.columns(n)), "float32")
        # Neighbouring workgroups share weights, which are the larger operand.
        grid = [tokens.tiles(height), ceildiv(n, width)]
        with (
            launch(grid, [threads_x, tile.columns]) as ((block_y, block_x), (tx, ty)),
            tokens.tile(block_y, height) as of_workgroup,
        ):
            thread = ty * threads_x + tx
            # Four consecutive inputs of all rows of the tile, then the next four: [QUADS][height or width].
            x_tile = shared("x_tile", QUADS * height, f"{dtype}x4")
            w_tile = shared("w_tile", QUADS * width, f"{dtype}x4")
            sums = local("sums", tile.rows * tile.columns)
            for i in range(tile.rows * tile.columns):
                store(sums, T.float32(0), i)
            w_row = let("w_row", of_workgroup.weight_row(T.min(block_x * width + epilogue.weight_row(thread, width), n - 1)))
            with T.serial(0, k // GROUP) as block:
                values = load_block(scheme, weight, w_row * (k // GROUP) + block)
                for j in range(QUADS):
                    store(w_tile, T.cast(values.values(j), f"{dtype}x4"), j * width + thread)
                for part in range(QUADS * height // width):
                    # Consecutive invocations load consecutive inputs; the swizzle keeps their stores in different banks.
                    row, quad = part * (width // QUADS) + thread // QUADS, thread % QUADS
                    loaded = let("loaded", x[of_workgroup.input(row), vec(block * QUADS + quad)])
                    store(x_tile, T.cast(loaded, f"{dtype}x4"), quad * height + _swizzle(row, quad))
                barrier()
                with T.serial(0, QUADS) as quad:
                    first_x = let("first_x", quad * height + _swizzle(ty, quad))
                    xs = [let(f"x{i}", x_tile[first_x + i * tile.columns]) for i in range(tile.rows)]
                    for j in range(tile.columns):
                        w = let(f"w{j}", w_tile[quad * width + tx + j * threads_x])
                        for i in range(tile.rows):
                            product = T.cast(extern(dtype, "dot", xs[i], w), "float32")
                            store(sums, sums[i * tile.columns + j] + product, i * tile.columns + j)
                barrier()
            for i in range(tile.rows):
                with of_workgroup.output(ty, i * tile.columns) as token:
                    row_sums = [sums[i * tile.columns + j] for j in range(tile.columns)]
                    of_workgroup.finish(finish).store_row(row_sums, out, token, block_x * epilogue.columns(width) + tx, threads_x)
    return kernel.func


def _swizzle(row: Expr, quad: Expr) -> Expr:
    return T.bitwise_xor(row, quad)
