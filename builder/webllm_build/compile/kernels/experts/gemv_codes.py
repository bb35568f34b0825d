"""As gemv.py, by integer dot products: of activations that are codes, channels that become codes."""

from __future__ import annotations

from collections.abc import Sequence

from tvm.tirx import PrimFunc

from webllm_build.compile.kernels.dequantize import CODES
from webllm_build.compile.kernels.experts.choices import ID, choices_buffer, share_of
from webllm_build.compile.kernels.experts.gemv import store_sums
from webllm_build.compile.kernels.experts.matrix import ExpertMatrix
from webllm_build.compile.kernels.linear import gemv_codes
from webllm_build.compile.kernels.linear.code_inputs import PackedInputs
from webllm_build.compile.kernels.linear.codes import code_buffers
from webllm_build.compile.kernels.linear.epilogue import Epilogue
from webllm_build.compile.kernels.linear.gemv_codes import store_codes
from webllm_build.compile.kernels.linear.vectors import Tile, Work
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel, launch, let, store, when
from webllm_build.compile.target import Variant


def expert_channels_codes(
    variant: Variant, matrix: ExpertMatrix, m: int, chosen: int, *, epilogue: Epilogue, tile: Tile | None = None
) -> PrimFunc:
    """As expert_channels, without a norm.

    Parameters: x_q, x_s (codes.py) of m tokens, choices, w_<suffix>, bias, out_q, out_s, codes of [m, chosen * n/2].
    """
    n, k = matrix.rows, matrix.columns
    epilogue.check(n, k)
    codes, tile = CODES[matrix.scheme.name], tile or gemv_codes.tiles(variant, n, k, epilogue)["other"]
    with Kernel() as kernel:
        x_q, x_s = code_buffers(kernel, m, k)
        choices = choices_buffer(kernel, m, chosen)
        weight = matrix.buffers(kernel)
        finish = epilogue.buffers(kernel, m, n, experts=matrix.count)
        out = kernel.buffer("out_q", (m, chosen * n // 32), "uint32x4"), kernel.buffer("out_s", (m, chosen * n // 64), "float32")
        with launch([tile.workgroups(n), m * chosen], [tile.lanes, tile.groups]) as ((workgroup, pair), (lane, group)):
            token, slot = pair // chosen, pair % chosen
            expert = fixed("expert", choices[token, ID, slot])
            with when(matrix.holds(expert)):
                first, share = fixed("first", matrix.first_row(expert)), fixed("share", share_of(choices, token, slot), "float32")
                work = Work.of(variant, tile, n, 1, workgroup, lane, group)
                inputs = PackedInputs(codes, x_q, x_s, None)
                for block in work.blocks(matrix.blocks):
                    indices = [(first + row) * matrix.blocks + block for row in work.rows]
                    _accumulate(work, inputs, weight, indices, token, block)
                sum_of = work.reduce(tile.rows)
                channels = gemv_codes.channels_of_one(work, sum_of, 1, finish.of_expert(expert, n))
                store_codes(((at, value * share) for at, value in channels), out, work, token, slot * (n // 64))
    return kernel.func


def expert_sum_codes(
    variant: Variant, matrix: ExpertMatrix, m: int, chosen: int, *, epilogue: Epilogue, tile: Tile | None = None
) -> PrimFunc:
    """As expert_sum, with x as codes x_q uint32x4[m, chosen * k / 16], x_s float32[m, chosen * k / 32]."""
    n, k, blocks = matrix.rows, matrix.columns, matrix.blocks
    epilogue.check(n, k)
    codes, tile = CODES[matrix.scheme.name], tile or gemv_codes.tiles(variant, n, chosen * k, epilogue)["other"]
    with Kernel() as kernel:
        x_q, x_s = code_buffers(kernel, m, chosen * k)
        choices = choices_buffer(kernel, m, chosen)
        weight = matrix.buffers(kernel)
        finish = epilogue.buffers(kernel, m, n, experts=matrix.count)
        out = kernel.buffer("out", (m, n), "float32")
        with launch([tile.workgroups(n), m], [tile.lanes, tile.groups]) as ((workgroup, token), (lane, group)):
            work = Work.of(variant, tile, n, 1, workgroup, lane, group)
            inputs = PackedInputs(codes, x_q, x_s, None)
            for block in work.blocks(chosen * blocks):
                expert = fixed("expert", choices[token, ID, block // blocks])
                with when(matrix.holds(expert)):
                    first = fixed("first", matrix.first_row(expert) * blocks + block % blocks)
                    _accumulate(work, inputs, weight, [first + row * blocks for row in work.rows], token, block)
            store_sums(work, work.reduce(tile.rows), finish, choices, token, out)
    return kernel.func


def _accumulate(
    work: Work, inputs: PackedInputs, weight: Sequence[Buffer], indices: Sequence[Expr], token: Expr, block: Expr
) -> None:
    """Add one block of each row to its sum."""
    raw = [[let("raw", word) for word in inputs.codes.read(weight, index)] for index in indices]
    activations = inputs.block(block, token)
    for r, (words, index) in enumerate(zip(raw, indices, strict=True)):
        store(work.sums, work.sums[r] + activations.dot(inputs.codes.unpack(words, index)), r)
