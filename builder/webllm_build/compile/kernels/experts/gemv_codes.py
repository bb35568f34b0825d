"""As gemv.py, by integer dot products: of activations that are codes, channels that become codes."""

from __future__ import annotations

from collections.abc import Mapping

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.dequantize import CODES
from webllm_build.compile.kernels.experts.choices import ID, choices_buffer, share_of
from webllm_build.compile.kernels.experts.gemv import store_sums
from webllm_build.compile.kernels.experts.matrix import ExpertMatrix
from webllm_build.compile.kernels.linear import gemv_codes
from webllm_build.compile.kernels.linear.code_inputs import PackedInputs
from webllm_build.compile.kernels.linear.codes import code_buffers
from webllm_build.compile.kernels.linear.epilogue import Epilogue
from webllm_build.compile.kernels.linear.gemv_codes import RawBlocks, store_codes
from webllm_build.compile.kernels.linear.vectors import Tile, Work
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import Expr, Kernel, launch, store, when
from webllm_build.compile.target import Variant


def channel_tiles(variant: Variant, matrix: ExpertMatrix, epilogue: Epilogue) -> Mapping[str, Tile]:
    """Defaults by vendor. A part may hold one of a token's experts: its rows alone are to fill a GPU."""
    if not variant.subgroups:
        return gemv_codes.tiles(variant, matrix.rows, matrix.columns, epilogue)
    return {"other": Tile(16, 4, 16), "apple": Tile(8, 4, 16), "amd": Tile(32, 8, 8)}


def sum_tiles(variant: Variant, matrix: ExpertMatrix, chosen: int, epilogue: Epilogue) -> Mapping[str, Tile]:
    """Defaults by vendor."""
    if not variant.subgroups or chosen * matrix.blocks <= 128:
        return gemv_codes.tiles(variant, matrix.rows, chosen * matrix.columns, epilogue)
    return {"other": Tile(128, 4, 1), "apple": Tile(32, 4, 2), "amd": Tile(256, 4, 1)}


def expert_channels_codes(
    variant: Variant, matrix: ExpertMatrix, m: int, chosen: int, *, epilogue: Epilogue, tile: Tile | None = None
) -> PrimFunc:
    """As expert_channels, without a norm.

    Parameters: x_q, x_s (codes.py) of m tokens, choices, w_<suffix>, bias, out_q, out_s, codes of [m, chosen * n/2].
    """
    n, k, blocks = matrix.rows, matrix.columns, matrix.blocks
    epilogue.check(n, k)
    codes, tile = CODES[matrix.scheme.name], tile or channel_tiles(variant, matrix, epilogue)["other"]
    with Kernel() as kernel:
        x_q, x_s = code_buffers(kernel, m, k)
        choices = choices_buffer(kernel, m, chosen)
        weight = matrix.buffers(kernel)
        finish = epilogue.buffers(kernel, m, n, experts=matrix.count)
        out = kernel.buffer("out_q", (m, chosen * n // 32), "uint32x4"), kernel.buffer("out_s", (m, chosen * n // 64), "float32")
        with launch([tile.workgroups(n), m * chosen], [tile.lanes, tile.groups]) as ((workgroup, pair), (lane, group)):
            token, slot = pair // chosen, pair % chosen
            expert = fixed("expert", choices[token, ID, slot])
            first, share = fixed("first", matrix.first_row(expert)), fixed("share", share_of(choices, token, slot), "float32")
            work = Work.of(variant, tile, n, 1, workgroup, lane, group)
            inputs, raw = PackedInputs(codes, x_q, x_s, None), RawBlocks(codes, weight, tile.rows)

            def load(block: Expr) -> None:
                raw.load([(first + row) * blocks + block for row in work.rows])

            with when(matrix.holds(expert)):  # barriers are for all workgroups
                load(lane if tile.lanes <= blocks else T.min(lane, blocks - 1))
                for block in work.blocks(blocks):
                    _accumulate(work, inputs, raw, [(first + row) * blocks + block for row in work.rows], token, block)
                    if tile.lanes < blocks:
                        with when(block + tile.lanes < blocks):
                            load(block + tile.lanes)
            sum_of = work.reduce(tile.rows)
            channels = gemv_codes.channels_of_one(work, sum_of, 1, finish.of_expert(expert, n))
            store_codes(((at, value * share) for at, value in channels), out, work, token, slot * (n // 64), matrix.holds(expert))
    return kernel.func


def expert_sum_codes(
    variant: Variant, matrix: ExpertMatrix, m: int, chosen: int, *, epilogue: Epilogue, tile: Tile | None = None
) -> PrimFunc:
    """As expert_sum, with x as codes x_q uint32x4[m, chosen * k / 16], x_s float32[m, chosen * k / 32]."""
    n, k, blocks = matrix.rows, matrix.columns, matrix.blocks
    epilogue.check(n, k)
    codes, tile = CODES[matrix.scheme.name], tile or sum_tiles(variant, matrix, chosen, epilogue)["other"]
    count = chosen * blocks
    with Kernel() as kernel:
        x_q, x_s = code_buffers(kernel, m, chosen * k)
        choices = choices_buffer(kernel, m, chosen)
        weight = matrix.buffers(kernel)
        finish = epilogue.buffers(kernel, m, n, experts=matrix.count)
        out = kernel.buffer("out", (m, n), "float32")
        with launch([tile.workgroups(n), m], [tile.lanes, tile.groups]) as ((workgroup, token), (lane, group)):
            work = Work.of(variant, tile, n, 1, workgroup, lane, group)
            inputs, raw = PackedInputs(codes, x_q, x_s, None), RawBlocks(codes, weight, tile.rows)

            def indices(expert: Expr, block: Expr) -> list[Expr]:
                first = fixed("first", matrix.first_row(expert) * blocks + block % blocks)
                return [first + row * blocks for row in work.rows]

            def load(block: Expr) -> None:
                expert = fixed("expert", choices[token, ID, block // blocks])
                with when(matrix.holds(expert)):
                    raw.load(indices(expert, block))

            load(lane if tile.lanes <= count else T.min(lane, count - 1))
            for block in work.blocks(count):
                expert = fixed("expert", choices[token, ID, block // blocks])
                with when(matrix.holds(expert)):
                    _accumulate(work, inputs, raw, indices(expert, block), token, block)
                if tile.lanes < count:
                    with when(block + tile.lanes < count):
                        load(block + tile.lanes)
            store_sums(work, work.reduce(tile.rows), finish, choices, token, out)
    return kernel.func


def _accumulate(work: Work, inputs: PackedInputs, raw: RawBlocks, indices: list[Expr], token: Expr, block: Expr) -> None:
    """Add the loaded block of each row, of these numbers, to its sum."""
    activations = inputs.block(block, token)
    for r, index in enumerate(indices):
        store(work.sums, work.sums[r] + activations.dot(inputs.codes.unpack(raw.of(r), index)), r)
