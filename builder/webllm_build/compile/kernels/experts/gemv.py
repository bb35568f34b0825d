"""The matrices of chosen experts times one vector each: a decode step's mixture. A workgroup reads the rows of one expert, or of those that
one token has chosen, and of no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tvm.tirx import PrimFunc

from webllm_build.compile.kernels.experts.choices import ID, choices_buffer, share_of
from webllm_build.compile.kernels.experts.matrix import ExpertMatrix
from webllm_build.compile.kernels.linear.epilogue import Epilogue, EpilogueBuffers
from webllm_build.compile.kernels.linear.gemv import accumulate, choose_tile
from webllm_build.compile.kernels.linear.vectors import Tile, Work, rms_scale
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel, launch, let, store, when
from webllm_build.compile.target import Variant


def expert_channels(
    variant: Variant,
    matrix: ExpertMatrix,
    m: int,
    chosen: int,
    *,
    norm_eps: float | None = None,
    epilogue: Epilogue,
    tile: Tile | None = None,
) -> PrimFunc:
    """The channels of each of m tokens in each of its chosen experts, times their shares: those of experts that the matrix holds.

    Parameters: x float32[m, k], choices (choices.py), w_<suffix> of the matrix of gates and ups, norm_weight float32[k] (with norm_eps),
    bias float32[count * n] (of all experts), out float32[m, chosen * n/2]. As gemv.py, the norm is folded in.
    """
    n, k = matrix.rows, matrix.columns
    epilogue.check(n, k)
    tile = tile or choose_tile(variant, n, k)
    with Kernel() as kernel:
        x = kernel.buffer("x", (m, k), "float32")
        choices = choices_buffer(kernel, m, chosen)
        weight = matrix.buffers(kernel)
        norm_weight = kernel.buffer("norm_weight", (k,), "float32") if norm_eps is not None else None
        finish = epilogue.buffers(kernel, m, n, experts=matrix.count)
        out = kernel.buffer("out", (m, chosen * n // 2), "float32")
        with launch([tile.workgroups(n), m * chosen], [tile.lanes, tile.groups]) as ((workgroup, pair), (lane, group)):
            token, slot = pair // chosen, pair % chosen
            expert = fixed("expert", choices[token, ID, slot])
            first, share = fixed("first", matrix.first_row(expert)), fixed("share", share_of(choices, token, slot), "float32")
            work = Work.of(variant, tile, n, 1, workgroup, lane, group, more_sums=int(norm_eps is not None))
            with when(matrix.holds(expert)):  # barriers are for all workgroups
                for block in work.blocks(matrix.blocks):
                    indices = [(first + row) * matrix.blocks + block for row in work.rows]
                    accumulate(work.sums, matrix.scheme, weight, indices, x, norm_weight, block, token)
            sum_of = work.reduce(tile.rows + (norm_eps is not None))
            scale = rms_scale(k, norm_eps)(sum_of(tile.rows)) if norm_eps is not None else 1
            of_expert = finish.of_expert(expert, n)
            with when(matrix.holds(expert)):
                for index, channel in work.each_channel():
                    gate, up = (let(name, sum_of(index * 2 + i) * scale) for i, name in enumerate(("gate", "up")))
                    store(out, of_expert.channel(gate, up, channel) * share, token, slot * (n // 2) + channel)
    return kernel.func


def expert_sum(variant: Variant, matrix: ExpertMatrix, m: int, chosen: int, *, epilogue: Epilogue, tile: Tile | None = None) -> PrimFunc:
    """out[t] = the sum over the chosen experts that the matrix holds of W[expert] · x[t, slot], with a bias of their biases times shares,
    with a residual added to it. It is one sum along all of a token's channels.

    Parameters: x float32[m, chosen * k], choices (choices.py), w_<suffix> of the matrix, bias float32[count * n] (of all experts),
    residual float32[m, n], out float32[m, n].
    """
    n, k, blocks = matrix.rows, matrix.columns, matrix.blocks
    epilogue.check(n, k)
    tile = tile or choose_tile(variant, n, chosen * k)
    with Kernel() as kernel:
        x = kernel.buffer("x", (m, chosen * k), "float32")
        choices = choices_buffer(kernel, m, chosen)
        weight = matrix.buffers(kernel)
        finish = epilogue.buffers(kernel, m, n, experts=matrix.count)
        out = kernel.buffer("out", (m, n), "float32")
        with launch([tile.workgroups(n), m], [tile.lanes, tile.groups]) as ((workgroup, token), (lane, group)):
            work = Work.of(variant, tile, n, 1, workgroup, lane, group)
            for block in work.blocks(chosen * blocks):
                expert = fixed("expert", choices[token, ID, block // blocks])
                with when(matrix.holds(expert)):
                    first = fixed("first", matrix.first_row(expert) * blocks + block % blocks)
                    indices = [first + row * blocks for row in work.rows]
                    accumulate(work.sums, matrix.scheme, weight, indices, x, None, block, token)
            store_sums(work, work.reduce(tile.rows), finish, choices, token, out)
    return kernel.func


def store_sums(work: Work, sum_of: Callable[[Expr], Expr], finish: EpilogueBuffers, choices: Buffer, token: Expr, out: Buffer) -> None:
    """Store a token's outputs, with its experts' biases."""
    bias, chosen = finish.bias, int(choices.shape[2])
    for index, row in work.each_row():
        y = sum_of(index)
        if bias is not None:
            for slot in range(chosen):
                y = y + share_of(choices, token, slot) * bias[choices[token, ID, slot] * work.n + row]
        store(out, replace(finish, bias=None).output(y, token, row), token, row)
