"""Mixtures of experts on a GPU: the kernels of a decode step, and those of a prefill."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from tvm import tirx
from tvm.relax.frontend import nn

from webllm_build.compile.inputs import Matrix
from webllm_build.compile.kernels.experts import choices, gemv
from webllm_build.compile.kernels.experts.combine import combine
from webllm_build.compile.kernels.experts.group import TILE_WORDS, group, tile_count
from webllm_build.compile.kernels.experts.matrix import ExpertMatrix
from webllm_build.compile.kernels.experts.tokens import ExpertTokens
from webllm_build.compile.kernels.linear import gemm, gemv as linear_gemv
from webllm_build.compile.kernels.linear.epilogue import Epilogue
from webllm_build.compile.kernels.linear.vectors import Tile
from webllm_build.compile.operators import Call, RelaxOperators, in_turn, kernel_name
from webllm_build.compile.target import Variant
from webllm_build.compile.tiles import OTHER, TiledKernel, in_tiles
from webllm_build.model.ops import Activation
from webllm_build.model.routing import ExpertWeights, Routing
from webllm_build.model.weights import Weight

HEIGHT = 32  # pairs of a tile of a prefill: about as many as an expert has of a chunk

# Layers share kernels: each is made once.
_choose, _group, _combine = functools.cache(choices.choose), functools.cache(group), functools.cache(combine)


@functools.cache
def _channels(variant: Variant, matrix: ExpertMatrix, m: int, chosen: int, norm_eps: float | None, epilogue: Epilogue) -> TiledKernel:
    make = functools.partial(gemv.expert_channels, variant, matrix, m, chosen, norm_eps=norm_eps, epilogue=epilogue)
    return in_tiles(lambda tile: make(tile=tile), tiles_of_pairs(linear_gemv.tiles(variant, matrix.rows, matrix.columns), m))


@functools.cache
def _sum(variant: Variant, matrix: ExpertMatrix, m: int, chosen: int, epilogue: Epilogue) -> TiledKernel:
    make = functools.partial(gemv.expert_sum, variant, matrix, m, chosen, epilogue=epilogue)
    return in_tiles(lambda tile: make(tile=tile), tiles_of_pairs(linear_gemv.tiles(variant, matrix.rows, chosen * matrix.columns), m))


@functools.cache
def _gemm(variant: Variant, matrix: ExpertMatrix, chosen: int, of_tokens: bool, epilogue: Epilogue) -> tirx.PrimFunc:
    tile = gemm.Tile(rows=HEIGHT // 8, columns=8, width=64)
    rows = functools.partial(ExpertTokens, matrix=matrix, chosen=chosen, height=HEIGHT, of_tokens=of_tokens)
    return gemm.gemm(variant, matrix.scheme, matrix.rows, matrix.columns, epilogue=epilogue, tile=tile, rows=rows)


class ExpertOperators(RelaxOperators):
    """What both phases share."""

    variant: Variant

    def choose(self, logits: nn.Tensor, routing: Routing, weights: ExpertWeights) -> nn.Tensor:
        return self.choose_by(_choose(routing, corrected=weights.correction is not None), logits, weights)

    def held(self, weight: Weight) -> Iterator[tuple[ExpertMatrix, Matrix]]:
        """The parts of the experts' matrices."""
        return ((ExpertMatrix.of(matrix.part, weight), matrix) for matrix in self.inputs.weights[weight.name])


class DecodeExperts(ExpertOperators):
    """A token each of a few rows."""

    m: int

    def channels(
        self, x: nn.Tensor, chosen: nn.Tensor, weights: ExpertWeights, activation: Activation, norm: Weight | None
    ) -> Sequence[nn.Tensor]:
        """Of each row in each of its experts, times their shares."""
        eps, added = self.norm_eps if norm else None, self.vector(weights.gate_up_bias)
        epilogue, slots = Epilogue(bool(added), activation), int(chosen.shape[2])
        calls = [
            Call(
                _channels(self.variant, matrix, self.m, slots, eps, epilogue),
                kernel_name("expert_channels", part, self.m),
                [x, chosen, *part.buffers, *self.vector(norm), *added],
            )
            for matrix, part in self.held(weights.gate_up)
        ]
        columns = slots * weights.gate_up.shape[0] // weights.gate_up.experts // 2
        return in_turn(calls, [nn.Tensor.placeholder([self.m, columns], "float32")])

    def summed(self, channels: Sequence[nn.Tensor], chosen: nn.Tensor, weights: ExpertWeights, residual: nn.Tensor | None) -> nn.Tensor:
        """What the experts make of them, added up, part by part, to the residual."""
        hidden, biases = weights.router.shape[1], self.vector(weights.down_bias)
        for matrix, part in self.held(weights.down):
            epilogue = Epilogue(bias=bool(biases), residual=residual is not None)
            args = [*channels, chosen, *part.buffers, *biases, *([] if residual is None else [residual])]
            kernel = self.sum_kernel(matrix, int(chosen.shape[2]), epilogue)
            out = nn.Tensor.placeholder([self.m, hidden], "float32")
            residual = nn.op.tensor_ir_op(kernel, kernel_name("expert_sum", part, self.m), args, out)
            biases = []  # of all experts, once
        return residual

    def sum_kernel(self, matrix: ExpertMatrix, chosen: int, epilogue: Epilogue) -> TiledKernel:
        return _sum(self.variant, matrix, self.m, chosen, epilogue)


class PrefillExperts(ExpertOperators):
    """Many tokens: pairs of a token and an expert are put in the order of experts, and tiles of each expert's ones multiplied."""

    def grouped(self, x: nn.Tensor, chosen: nn.Tensor, routing: Routing, weights: ExpertWeights, activation: Activation) -> nn.Tensor:
        """What each chosen expert makes of x[m, k]: [m * chosen, k]."""
        pairs = x.shape[0] * routing.chosen
        shapes = [pairs], [tile_count(pairs, routing.count, HEIGHT), TILE_WORDS]
        lists = nn.op.tensor_ir_op(_group(routing, HEIGHT), "group", [chosen], [nn.Tensor.placeholder(shape, "int32") for shape in shapes])
        biases = self.vector(weights.gate_up_bias), self.vector(weights.down_bias)
        gated = Epilogue(bool(biases[0]), activation)
        channels = self.product([*lists], x, weights.gate_up, routing.chosen, gated, biases[0], of_tokens=True)
        return self.product([*lists], channels, weights.down, routing.chosen, Epilogue(bool(biases[1])), biases[1], of_tokens=False)

    def product(
        self,
        lists: list[nn.Tensor],
        x: nn.Tensor,
        weight: Weight,
        chosen: int,
        epilogue: Epilogue,
        biases: list[nn.Tensor],
        *,
        of_tokens: bool,
    ) -> nn.Tensor:
        """Each pair's row of x (of_tokens: its token's) times the matrix of its expert, with an epilogue: [m * chosen, n]."""
        inputs = self.inputs_of_product(x, 1 if of_tokens else chosen)
        calls = [
            Call(
                self.product_kernel(matrix, chosen, of_tokens, epilogue),
                kernel_name("expert_gemm", part),
                [*lists, *inputs, *part.buffers, *biases],
            )
            for matrix, part in self.held(weight)
        ]
        pairs = x.shape[0] * chosen if of_tokens else x.shape[0]
        columns = epilogue.columns(weight.shape[0] // weight.experts)
        (out,) = in_turn(calls, [nn.Tensor.placeholder([pairs, columns], "float32")])
        return out

    def inputs_of_product(self, x: nn.Tensor, each: int) -> list[nn.Tensor]:
        """x as the kernel takes it; it has `each` rows for a token."""
        return [x]

    def product_kernel(self, matrix: ExpertMatrix, chosen: int, of_tokens: bool, epilogue: Epilogue) -> tirx.PrimFunc:
        return _gemm(self.variant, matrix, chosen, of_tokens, epilogue)

    def combined(self, y: nn.Tensor, chosen: nn.Tensor, residual: nn.Tensor | None) -> nn.Tensor:
        (m, _, slots), columns = chosen.shape, int(y.shape[1])
        kernel = _combine(columns, int(slots), residual=residual is not None)
        args = [y, chosen, *([] if residual is None else [residual])]
        return nn.op.tensor_ir_op(kernel, "combine", args, nn.Tensor.placeholder([m, columns], "float32"))


def tiles_of_pairs(by_vendor: Mapping[str, Tile], m: int) -> Mapping[str, Tile]:
    """Tiles for m tokens, whose pairs with experts have workgroups of their own. Of several only the usual one is worth its place."""
    return by_vendor if m == 1 else {OTHER: by_vendor[OTHER]}


def exactly(variant: Variant) -> Variant:
    """A variant in whose products only float32 is rounded to."""
    return replace(variant, f16=False)
