"""Matrix times quantized matrix by subgroup matrices: linear layers of a prefill, where the browser has them. It takes what gemm_codes
takes, whose tiles its own stand beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.dequantize import CODES
from webllm_build.compile.kernels.linear.codes import code_buffers
from webllm_build.compile.kernels.linear.epilogue import PLAIN, Epilogue, weight_buffers
from webllm_build.compile.kernels.linear.tokens import AllTokens
from webllm_build.compile.kernels.tir.matrices import Sums, written
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel, barrier, ceildiv, extern, launch, let, local, shared, store
from webllm_build.compile.kernels.tir.unpack import lanes
from webllm_build.quantize import GROUP, Scheme

# Of the matrices that NVIDIA's and AMD's drivers have, and of the subgroups that hold them.
EDGE, LANES = 16, 32
# Float16 between the rows of a tile, so that eight of them lie in different banks of workgroup memory.
STRIDE = GROUP + 8
# Of a scale of codes: so that no activation exceeds float16.
LARGEST_SCALE = 65504 / 128
_INTEGER = 1024  # a float16 from here to 2048 has the steps 1, and its low bits count them


@dataclass(frozen=True)
class MatrixTile:
    """A subgroup sums rows * columns matrices of outputs; a workgroup has height * width subgroups. Two invocations load a row of a tile,
    half of its block each."""

    rows: int
    columns: int
    width: int
    height: int


SMALL = MatrixTile(2, 2, 2, 2)
LEAST = 1024  # rows and columns of a matrix: a product of less is not worth the text of a kernel


def matrix_tile(n: int) -> MatrixTile:
    """As measured on NVIDIA: 128 by 128 outputs a workgroup, where that leaves enough of them for a prompt of 512."""
    return MatrixTile(4, 4, 2, 2) if n >= 8192 else MatrixTile(4, 2, 4, 2) if n >= 3072 else SMALL


def gemm_matrices(
    scheme: Scheme, n: int, k: int, *, epilogue: Epilogue = PLAIN, tile: MatrixTile = SMALL, edge: int = EDGE, subgroup: int = LANES
) -> PrimFunc:
    """As gemm_codes, with the same parameters. Codes times their scales are rounded to float16, products are summed in float32.

    edge, subgroup: of the matrices, and how many invocations hold one.
    """
    epilogue.check(n, k)
    codes, blocks = CODES[scheme.name], k // GROUP
    high, wide = tile.rows * edge, tile.columns * edge  # of a subgroup
    height, width, threads = high * tile.height, wide * tile.width, subgroup * tile.width * tile.height
    with Kernel() as kernel:
        tokens = AllTokens()
        x = code_buffers(kernel, tokens.inputs, k)
        weight = weight_buffers(kernel, scheme, n, k)
        finish = epilogue.buffers(kernel, tokens.outputs, n)
        out = kernel.buffer("out", (tokens.outputs, epilogue.columns(n)), "float32")
        with (
            launch([tokens.tiles(height), ceildiv(n, width)], [threads]) as ((block_y, block_x), (thread,)),
            tokens.tile(block_y, height) as of_workgroup,
        ):
            half, line = thread % 2, thread // 2
            # One array: of two that nothing reads in TIR, TVM would make one of its own accord.
            tiles = shared("tiles", (height + width) * STRIDE, "float16")
            staged = shared("staged", tile.width * tile.height * edge * edge)
            x_rows, w_rows = range(0, height, threads // 2), range(0, width, threads // 2)
            tokens_of = [let("x_token", of_workgroup.input(line + first)) for first in x_rows]
            rows_of = [let("w_row", T.min(block_x * width + _weight_row(epilogue, line + first, edge), n - 1)) for first in w_rows]
            next_x = [(local(f"next_x{i}", 1, "uint32x4"), local(f"next_scale{i}", 1)) for i in range(len(x_rows))]
            next_w = [[local(f"next_w{i}_{j}", 1, dtype) for j, dtype in enumerate(codes.dtypes)] for i in range(len(w_rows))]

            def load(block: Expr) -> None:
                for token, (words, scale) in zip(tokens_of, next_x, strict=True):
                    store(words, x[0][token, block * 2 + half], 0)
                    store(scale, x[1][token, block], 0)
                for row, buffers in zip(rows_of, next_w, strict=True):
                    for buffer, value in zip(buffers, codes.read(weight, row * blocks + block), strict=True):
                        store(buffer, value, 0)

            def publish(block: Expr) -> None:
                for first, (words, scale) in zip(x_rows, next_x, strict=True):
                    factor = T.cast(T.min(scale[0], T.float32(LARGEST_SCALE)), "float16")
                    _store_half(tiles, first, lanes(words[0]), 0, let("x_scale", factor))
                for first, row, buffers in zip(w_rows, rows_of, next_w, strict=True):
                    unpacked = codes.unpack(_half_first([buffer[0] for buffer in buffers], half), row * blocks + block)
                    factor = let("w_scale", T.cast(unpacked.scale, "float16"))
                    minimum = None if unpacked.minimum is None else let("w_minimum", T.cast(unpacked.minimum, "float16"))
                    _store_half(tiles, height + first, unpacked.words[:4], codes.bias, factor, minimum)

            number = thread // subgroup
            row, column = number // tile.width, number % tile.width
            sums = Sums(tile.rows, tile.columns, edge)
            rows_at = f"threadIdx.x / {subgroup * tile.width}u * {high * STRIDE}u"
            columns_at = f"threadIdx.x / {subgroup}u % {tile.width}u * {wide * STRIDE}u + {height * STRIDE}u"
            sums.declare(tiles)
            load(T.int32(0))
            with T.serial(0, blocks) as block:
                barrier()
                publish(block)
                barrier()
                # The next block travels while this one is multiplied.
                load(T.min(block + 1, blocks - 1))
                sums.add_product(tiles, GROUP, STRIDE, rows_at, columns_at)
            lane, of_matrix = thread % subgroup, epilogue.columns(edge)
            for i in range(tile.rows):
                for j in range(tile.columns):
                    barrier()
                    sums.store(i, j, staged, f"threadIdx.x / {subgroup}u * {edge * edge}u")
                    barrier()
                    first = block_x * epilogue.columns(width) + column * epilogue.columns(wide) + j * of_matrix + lane % of_matrix
                    with T.serial(0, edge * of_matrix // subgroup) as part:
                        line_of = let("line", lane // of_matrix + part * (subgroup // of_matrix))
                        with of_workgroup.output(row * high + line_of, i * edge) as token:
                            of_line = number * (edge * edge) + line_of * edge + lane % of_matrix
                            values = [staged[of_line + at] for at in range(0, edge, of_matrix)]
                            of_workgroup.finish(finish).store_row(values, out, token, first, of_matrix)
    return kernel.func


def _weight_row(epilogue: Epilogue, position: Expr, edge: int) -> Expr:
    """The weight row of a position of the tile: each matrix of a gated unit has its gates first."""
    return position // edge * edge + epilogue.weight_row(position % edge, edge)


def _half_first(raw: Sequence[Expr], half: Expr) -> list[Expr]:
    """A block as it lies in memory, with its second half in the place of its first where `half` is 1."""
    *vectors, scale = raw
    if len(vectors) == 2:
        return [_select("uint32x4", vectors[0], vectors[1], half), vectors[1], scale]
    x, y, z, w = lanes(vectors[0])
    return [extern("uint32x4", "vec4u", _select("uint32", x, z, half), _select("uint32", y, w, half), z, w), scale]


def _select(dtype: str, first: Expr, second: Expr, half: Expr) -> Expr:
    return extern(dtype, "select", first, second, half == 1)


def _store_half(tiles: Buffer, first: int, words: Sequence[Expr], bias: int, scale: Expr, minimum: Expr | None = None) -> None:
    """Sixteen codes of four words as float16 numbers into the row of an invocation behind row `first`, by twos, in an order that is the
    same for all rows: neighbours store into words beside each other."""
    pairs = local("pairs", 1, "float16x2")
    for i, word in enumerate(words):
        flipped = let("flipped", T.bitwise_xor(word, T.uint32(0x80808080)))
        for part in range(2):
            bytes_of = T.bitwise_and(T.shift_right(flipped, T.uint32(8 * part)), T.uint32(0x00FF00FF))
            # naga, which computes such casts wrongly, has no matrices.
            counted = extern("float16x2", "bitcast<vec2<f16>>", T.bitwise_or(bytes_of, T.uint32(0x64006400)))
            pair = (counted - T.Broadcast(T.float16(_INTEGER + 128 + bias), 2)) * T.Broadcast(scale, 2)
            if minimum is not None:
                pair = pair + T.Broadcast(minimum, 2)
            store(pairs, pair, 0)
            at = f"threadIdx.x / 2u * {STRIDE}u + threadIdx.x % 2u * 2u + {first * STRIDE + (4 * i + 2 * part) * 2}u"
            written(f"{tiles.name}[{at}] = {{1}}.x; {tiles.name}[{at} + 1u] = {{1}}.y;", tiles, pairs[0])
