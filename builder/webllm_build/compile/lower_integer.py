"""The operators of variants with integer dot products: activations become codes (kernels/linear/codes.py) where a layer reads them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from tvm import tirx
from tvm.relax.frontend import nn

from webllm_build.compile.inputs import Inputs, Matrix, rows
from webllm_build.compile.kernels.attention.merge import can_make_codes
from webllm_build.compile.kernels.attention.merged import Merge
from webllm_build.compile.kernels.experts.gemv_codes import channel_tiles, expert_channels_codes, expert_sum_codes, sum_tiles
from webllm_build.compile.kernels.experts.matrix import ExpertMatrix
from webllm_build.compile.kernels.experts.tokens import ExpertTokens
from webllm_build.compile.kernels.linear import gemm_codes, gemv_codes
from webllm_build.compile.kernels.linear.code_inputs import Source, fit_workgroups
from webllm_build.compile.kernels.linear.epilogue import Epilogue
from webllm_build.compile.kernels.linear.gemm_matrices import LEAST, MatrixTile, gemm_matrices, matrix_tile
from webllm_build.compile.kernels.linear.joined import Join
from webllm_build.compile.kernels.linear.quantize import quantize
from webllm_build.compile.lower import DecodeOperators, PrefillOperators, attention_merge_kernel, tiles_for
from webllm_build.compile.lower_experts import HEIGHT, tiles_of_pairs
from webllm_build.compile.operators import Call, in_turn, kernel_name, several
from webllm_build.compile.row_counts import for_rows, ratio
from webllm_build.compile.target import Variant
from webllm_build.compile.tiles import OTHER, TiledKernel, in_tiles
from webllm_build.model.attention import Attention
from webllm_build.model.ops import Activation
from webllm_build.model.routing import ExpertWeights
from webllm_build.model.weights import Weight
from webllm_build.quantize import GROUP, Scheme

EXPERT_TILE = gemm_codes.Tile(rows=4, columns=8, width_threads=8, height_threads=HEIGHT // 4)

MOST_BINDINGS = 10  # of a kernel with subgroups: every GPU that has these has so many in browsers
MOST_EACH = 64  # rows for each of a call: a workgroup makes the codes of one, of which a dispatch has no more than 65,535

_quantize = functools.cache(quantize)


@functools.cache
def _gemv_codes(
    variant: Variant,
    scheme: Scheme,
    n: int,
    k: int,
    m: int,
    norm_eps: float | None,
    packed_input: bool,
    epilogue: Epilogue,
    source: Source | None = None,
) -> TiledKernel:
    make = functools.partial(
        gemv_codes.gemv_codes, variant, scheme, n, k, m=m, norm_eps=norm_eps, packed_input=packed_input, epilogue=epilogue, source=source
    )
    tiles = tiles_for(gemv_codes.tiles(variant, n, k, epilogue, m), m)
    if isinstance(source, Merge):
        tiles = {OTHER: tiles[OTHER].with_all_invocations()}  # none to choose from: a browser would while nothing is cached
    return in_tiles(lambda tile: make(tile=tile), tiles)


@functools.cache
def _gemm_codes(scheme: Scheme, n: int, k: int, epilogue: Epilogue, *, matrices: bool) -> TiledKernel:
    def make(tile: gemm_codes.Tile | MatrixTile) -> tirx.PrimFunc:
        if isinstance(tile, MatrixTile):
            return gemm_matrices(scheme, n, k, epilogue=epilogue, tile=tile)
        return gemm_codes.gemm_codes(scheme, n, k, epilogue=epilogue, tile=tile)

    tiles: dict[str, gemm_codes.Tile | MatrixTile] = dict(gemm_codes.tiles(n))
    if matrices and min(n, k) >= LEAST:
        tiles["nvidia"] = matrix_tile(n)
    return in_tiles(make, tiles)


@functools.cache
def _channels_codes(variant: Variant, matrix: ExpertMatrix, m: int, chosen: int, epilogue: Epilogue) -> TiledKernel:
    make = functools.partial(expert_channels_codes, variant, matrix, m, chosen, epilogue=epilogue)
    return in_tiles(lambda tile: make(tile=tile), tiles_of_pairs(channel_tiles(variant, matrix, epilogue), m))


@functools.cache
def _sum_codes(variant: Variant, matrix: ExpertMatrix, m: int, chosen: int, epilogue: Epilogue) -> TiledKernel:
    make = functools.partial(expert_sum_codes, variant, matrix, m, chosen, epilogue=epilogue)
    return in_tiles(lambda tile: make(tile=tile), tiles_of_pairs(sum_tiles(variant, matrix, chosen, epilogue), m))


@functools.cache
def _expert_gemm_codes(matrix: ExpertMatrix, chosen: int, of_tokens: bool, epilogue: Epilogue) -> tirx.PrimFunc:
    rows = functools.partial(ExpertTokens, matrix=matrix, chosen=chosen, height=HEIGHT, of_tokens=of_tokens)
    return gemm_codes.gemm_codes(matrix.scheme, matrix.rows, matrix.columns, epilogue=epilogue, tile=EXPERT_TILE, rows=rows)


@dataclass(frozen=True, eq=False)
class ActivationCodes:
    """Activations [m, k] as packed codes uint32x4[m, k/16] and scales float32[m, k/32]."""

    q: nn.Tensor
    s: nn.Tensor

    @staticmethod
    def placeholders(m: object, k: int) -> list[nn.Tensor]:
        return [nn.Tensor.placeholder([m, k // 16], "uint32x4"), nn.Tensor.placeholder([m, k // GROUP], "float32")]


class IntegerDecodeOperators(DecodeOperators):
    """Matrix-vector kernels make codes of their input, in each workgroup. Those of several rows, and of long ones, come from a kernel of
    their own; those of attention and of the channels of a gated unit from the kernel that computes these. One that reads a sum behind a
    norm (add_norm) makes it, in the place of the kernel that does so for any reader; so does one of few of attention's outputs, of its
    splits."""

    def __init__(self, norm_eps: float, variant: Variant, inputs: Inputs, m: int = 1) -> None:
        super().__init__(norm_eps, variant, inputs, m)
        # What no product has read yet, and what it is made of.
        self._sources = list[tuple[nn.Tensor | ActivationCodes, Join | Merge, list[nn.Tensor]]]()

    def add_norm(self, x: nn.Tensor, norm: Weight, residual: nn.Tensor, scalar: Weight | None = None) -> nn.Tensor:
        out = super().add_norm(x, norm, residual, scalar)
        if self.m == 1 and self.variant.subgroups:
            terms = [x, *self.vector(norm), residual, *self.vector(scalar)]
            self._sources.append((out, Join(self.norm_eps, scaled=scalar is not None), terms))
        return out

    def multiply(
        self, x: nn.Tensor | ActivationCodes, matrix: Matrix, norm: Weight | None, added: list[nn.Tensor], epilogue: Epilogue
    ) -> nn.Tensor | ActivationCodes:
        n, k = matrix.shape
        eps = self.norm_eps if norm else None
        outputs = ActivationCodes.placeholders(self.m, n // 2) if epilogue.gated else [nn.Tensor.placeholder([self.m, n], "float32")]
        source: Join | Merge | None = None
        if isinstance(x, ActivationCodes):
            source, terms = self._source(x)
            inputs, norms, packed = (terms, [], False) if source else ([x.q, x.s], [], True)
        elif fit_workgroups(k, self.m):
            source, terms = self._source(x)
            inputs, norms, packed = [x], self.vector(norm), False
            if source and len(terms) + len(matrix.buffers) + len(norms) + len(added) + 1 + len(outputs) > MOST_BINDINGS:
                source = None
            elif source:
                inputs, outputs = terms, [nn.Tensor.placeholder([1, k], "float32"), *outputs]
        else:
            encode, codes = _quantize(self.variant, k, squares_apart=norm is not None), ActivationCodes.placeholders(self.m, k)
            codes += codes[1:] if norm else []
            inputs = list(nn.op.tensor_ir_op(encode, "norm_quantize" if norm else "quantize", [x, *self.vector(norm)], codes))
            norms, packed = [], True
        kernel = _gemv_codes(self.variant, matrix.scheme, n, k, self.m, eps, packed, epilogue, source)
        made = {Join: "joined_", Merge: "merged_"}.get(type(source), "")
        name = kernel_name(f"{made}gemv_codes", matrix, self.m)
        products = [*several(nn.op.tensor_ir_op(kernel, name, [*inputs, *matrix.buffers, *norms, *added], outputs))]
        if source and not isinstance(x, ActivationCodes):
            x._expr = products.pop(0)._expr  # for all who read it behind this: where nobody did before, add_norm's own kernel goes
        return ActivationCodes(*products) if epilogue.gated else products[0]

    def _source(self, x: nn.Tensor | ActivationCodes) -> tuple[Join | Merge | None, list[nn.Tensor]]:
        """Of what no product has read: what it is made of, once."""
        found = next((i for i, (made, *_) in enumerate(self._sources) if made is x), None)
        return (None, []) if found is None else self._sources.pop(found)[1:]

    def channels(
        self, x: nn.Tensor, chosen: nn.Tensor, weights: ExpertWeights, activation: Activation, norm: Weight | None
    ) -> Sequence[nn.Tensor]:
        m, k, added = self.m, int(x.shape[1]), self.vector(weights.gate_up_bias)
        # One kernel for all rows, so that each has the codes that it has alone.
        encode = _quantize(self.variant, k, norm_eps=self.norm_eps if norm else None)
        name = "norm_quantize" if norm else "quantize"
        codes = nn.op.tensor_ir_op(encode, name, [x, *self.vector(norm)], ActivationCodes.placeholders(m, k))
        epilogue, slots = Epilogue(bool(added), activation), int(chosen.shape[2])
        calls = [
            Call(
                _channels_codes(self.variant, matrix, m, slots, epilogue),
                kernel_name("expert_channels_codes", part, m),
                [*codes, chosen, *part.buffers, *added],
            )
            for matrix, part in self.held(weights.gate_up)
        ]
        return in_turn(calls, ActivationCodes.placeholders(m, slots * weights.gate_up.shape[0] // weights.gate_up.experts // 2))

    def sum_kernel(self, matrix: ExpertMatrix, chosen: int, epilogue: Epilogue) -> TiledKernel:
        return _sum_codes(self.variant, matrix, self.m, chosen, epilogue)

    def join(self, parts: list[nn.Tensor | ActivationCodes]) -> nn.Tensor | ActivationCodes:
        if not isinstance(parts[0], ActivationCodes):
            return super().join(parts)
        return ActivationCodes(super().join([part.q for part in parts]), super().join([part.s for part in parts]))

    def merge(self, attention: Attention, args: list[nn.Tensor]) -> nn.Tensor | ActivationCodes:
        if not can_make_codes(attention):
            return super().merge(attention, args)
        kernel, outputs = attention_merge_kernel(self.variant, attention, self.line, codes=True), ActivationCodes.placeholders
        codes = ActivationCodes(*nn.op.tensor_ir_op(kernel, "attention_merge", args, outputs(self.m, attention.query_size)))
        if self.m == 1 and self.variant.subgroups and Merge.pays(attention):
            self._sources.append((codes, Merge(attention), args))
        return codes


class IntegerPrefillOperators(PrefillOperators):
    """A kernel of its own makes codes, after the norm where there is one."""

    def multiply(self, x: nn.Tensor, matrix: Matrix, norm: Weight | None, added: list[nn.Tensor], epilogue: Epilogue) -> nn.Tensor:
        n, k = matrix.shape
        if ratio(x)[0] > MOST_EACH:
            return super().multiply(x, matrix, norm, added, epilogue)
        encode = for_rows(_quantize(self.variant, k, norm_eps=self.norm_eps if norm else None), x)
        outputs = ActivationCodes.placeholders(x.shape[0], k)
        codes = nn.op.tensor_ir_op(encode, "norm_quantize" if norm else "quantize", [x, *self.vector(norm)], outputs)
        kernel = for_rows(_gemm_codes(matrix.scheme, n, k, epilogue, matrices=self.variant.f16 and self.variant.subgroups), x)
        args = [*codes, *matrix.buffers, *added]
        return nn.op.tensor_ir_op(kernel, kernel_name("gemm_codes", matrix), args, rows(x, epilogue.columns(n)))

    def inputs_of_product(self, x: nn.Tensor, each: int) -> list[nn.Tensor]:
        m, k = x.shape
        encode, outputs = _quantize(self.variant, int(k), rows=each), ActivationCodes.placeholders(m, int(k))
        return list(nn.op.tensor_ir_op(encode, "quantize", [x], outputs))

    def product_kernel(self, matrix: ExpertMatrix, chosen: int, of_tokens: bool, epilogue: Epilogue) -> tirx.PrimFunc:
        return _expert_gemm_codes(matrix, chosen, of_tokens, epilogue)
