"""Matrix times quantized matrix by integer dot products: linear layers of a prefill, where the browser has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.dequantize import CODES, CodeBlock, Codes
from webllm_build.compile.kernels.linear.codes import Activations, activations_of, code_buffers, code_sum, halves
from webllm_build.compile.kernels.linear.epilogue import PLAIN, Epilogue, weight_buffers
from webllm_build.compile.kernels.linear.tokens import AllTokens, Tokens
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel, barrier, ceildiv, launch, let, local, shared, store, when
from webllm_build.compile.kernels.tir.unpack import lanes
from webllm_build.quantize import GROUP, Scheme

# Neighbours in a subgroup have the same outputs of so many tokens: pairs of invocations then read the same words of workgroup memory
# for either operand, which NVIDIA's GPUs give to both at once.
SIDE = 2


@dataclass(frozen=True)
class Tile:
    """An invocation sums rows * columns outputs in registers; a workgroup has width_threads * height_threads of them, for
    rows * height_threads tokens and columns * width_threads outputs: two invocations for each token, to load its block, and one or more
    for each output."""

    rows: int
    columns: int
    width_threads: int
    height_threads: int

    @property
    def height(self) -> int:
        return self.rows * self.height_threads

    @property
    def width(self) -> int:
        return self.columns * self.width_threads

    @property
    def threads(self) -> int:
        return self.width_threads * self.height_threads


def tiles(n: int) -> Mapping[str, Tile]:
    """Wide layers fill a GPU with large tiles, which reuse more; narrow ones need many small ones. "other" is for NVIDIA."""
    medium = Tile(4, 8, 8, 16)
    if n >= 8192:
        return {"other": Tile(4, 16, 8, 16), "apple": medium, "intel": medium}
    return {"other": Tile(4, 8, 8, 8), "apple": medium}


def gemm_codes(
    scheme: Scheme,
    n: int,
    k: int,
    *,
    epilogue: Epilogue = PLAIN,
    tile: Tile | None = None,
    rows: Callable[[Kernel], Tokens] = lambda _: AllTokens(),
) -> PrimFunc:
    """out[m, :] = W[n, k] · x[m] for each of the tokens m (symbolic size "n"), with W packed by `scheme` and x as codes.

    Parameters: those of `rows` (tokens.py), x_q, x_s (see codes.py), w_<suffix> of the scheme, those of the epilogue, out float32[m, n],
    or [m, n/2] of a gated unit. Sums over a block of 32 are exact, sums of blocks float32.
    Raises CompileError for shapes that blocks do not divide.
    """
    epilogue.check(n, k)
    codes, tile = CODES[scheme.name], tile or tiles(n)["other"]
    assert tile.threads == 2 * tile.height and tile.threads % tile.width == 0
    blocks, height, width = k // GROUP, tile.height, tile.width
    with Kernel() as kernel:
        tokens = rows(kernel)
        x = code_buffers(kernel, tokens.inputs, k)
        weight = weight_buffers(kernel, scheme, tokens.matrices * n, k)
        finish = epilogue.buffers(kernel, tokens.outputs, n, tokens.biases)
        out = kernel.buffer("out", (tokens.outputs, epilogue.columns(n)), "float32")
        # Neighbouring workgroups share weights, which are the larger operand.
        grid = [tokens.tiles(height), ceildiv(n, width)]
        with (
            launch(grid, [SIDE, tile.width_threads, tile.height_threads // SIDE]) as ((block_y, block_x), (low, tx, high)),
            tokens.tile(block_y, height) as of_workgroup,
        ):
            ty, thread = high * SIDE + low, (high * tile.width_threads + tx) * SIDE + low
            token = let("x_token", of_workgroup.input(thread // 2))
            row = let("w_row", of_workgroup.weight_row(T.min(block_x * width + epilogue.weight_row(thread % width, width), n - 1)))
            loader = _Loader(tile, codes, weight, x, token, row, thread)
            sums = local("sums", tile.rows * tile.columns)
            for i in range(tile.rows * tile.columns):
                store(sums, T.float32(0), i)
            loader.load(T.int32(0))
            with T.serial(0, blocks) as block:
                barrier()
                loader.publish(block)
                barrier()
                # The next block travels while this one is multiplied.
                loader.load(T.min(block + 1, blocks - 1))
                _multiply(tile, loader, sums, tx, ty)
            for i in range(tile.rows):
                with of_workgroup.output(ty, i * tile.height_threads) as out_token:
                    row_sums = [sums[i * tile.columns + j] for j in range(tile.columns)]
                    first = block_x * epilogue.columns(width) + tx
                    of_workgroup.finish(finish).store_row(row_sums, out, out_token, first, tile.width_threads)
    return kernel.func


class _Loader:
    """Brings the next block of 32 inputs of the tile's tokens and weights through registers into workgroup memory: an invocation half a
    block of a token, and a whole block of a weight row. (Half of the invocations for tokens and half for rows was slower.)"""

    def __init__(
        self, tile: Tile, codes: Codes, weight: Sequence[Buffer], x: Sequence[Buffer], token: Expr, row: Expr, thread: Expr
    ) -> None:
        self.codes, self.weight, (self.x_q, self.x_s) = codes, weight, x
        self.token, self.row, self.thread, self.blocks = token, row, thread, int(self.x_s.shape[1])
        self.height, self.width = tile.height, tile.width
        self.every_thread_has_weights = tile.threads == tile.width
        self.next_x, self.next_scale = local("next_x", 1, "uint32x4"), local("next_scale", 1)
        self.next_w = [local(f"next_w{i}", 1, dtype) for i, dtype in enumerate(codes.dtypes)]
        # The halves of blocks one after the other, [2][height or width]: invocations beside each other read words beside each other.
        self.x_tile, self.w_tile = shared("x_tile", 2 * self.height, "uint32x4"), shared("w_tile", 2 * self.width, "uint32x4")
        self.x_sums = shared("x_sums", 2 * self.height, "int32") if codes.needs_sums else None
        self.x_scales, self.w_scales = shared("x_scales", self.height), shared("w_scales", self.width)
        self.w_minimums = shared("w_minimums", self.width) if codes.has_minimum else None

    def load(self, block: Expr) -> None:
        store(self.next_x, self.x_q[self.token, block * 2 + self.thread % 2], 0)
        store(self.next_scale, self.x_s[self.token, block], 0)
        for buffer, value in zip(self.next_w, self.codes.read(self.weight, self.row * self.blocks + block), strict=True):
            store(buffer, value, 0)

    def publish(self, block: Expr) -> None:
        half, row = self.thread % 2, self.thread // 2
        store(self.x_tile, self.next_x[0], half * self.height + row)
        if self.x_sums is not None:
            store(self.x_sums, code_sum(lanes(self.next_x[0])), half * self.height + row)
        store(self.x_scales, self.next_scale[0], row)
        with when(self.every_thread_has_weights or self.thread < self.width):
            unpacked = self.codes.unpack([buffer[0] for buffer in self.next_w], self.row * self.blocks + block)
            for i, words in enumerate(halves(unpacked.words)):
                store(self.w_tile, words, i * self.width + self.thread)
            store(self.w_scales, unpacked.scale, self.thread)
            if self.w_minimums is not None:
                store(self.w_minimums, unpacked.minimum, self.thread)

    def activations(self, row: Expr) -> Activations:
        words = [let(f"x{half}", self.x_tile[half * self.height + row]) for half in range(2)]
        return activations_of(self.codes, lanes(words[0]) + lanes(words[1]), let("x_scale", self.x_scales[row]), self._sum(row))

    def _sum(self, row: Expr) -> Expr | None:
        return None if self.x_sums is None else fixed("code_sum", self.x_sums[row] + self.x_sums[self.height + row])

    def weights(self, column: Expr) -> CodeBlock:
        words = [let(f"w{half}", self.w_tile[half * self.width + column]) for half in range(2)]
        minimum = let("minimum", self.w_minimums[column]) if self.w_minimums is not None else None
        return CodeBlock(lanes(words[0]) + lanes(words[1]), let("w_scale", self.w_scales[column]), minimum)


def _multiply(tile: Tile, loader: _Loader, sums: Buffer, tx: Expr, ty: Expr) -> None:
    activations = [loader.activations(ty + i * tile.height_threads) for i in range(tile.rows)]
    for j in range(tile.columns):
        weights = loader.weights(tx + j * tile.width_threads)
        for i, x in enumerate(activations):
            store(sums, sums[i * tile.columns + j] + x.dot(weights), i * tile.columns + j)
