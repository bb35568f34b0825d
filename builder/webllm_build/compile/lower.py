"""A model's operators on a GPU: which kernel each becomes, for each phase and variant."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from tvm import tirx
from tvm.relax.frontend import nn

from webllm_build.compile.inputs import Inputs, Matrix, rows
from webllm_build.compile.kernels.activate import activate, xielu
from webllm_build.compile.kernels.add_gated import add_gated
from webllm_build.compile.kernels.add_norm import add_norm
from webllm_build.compile.kernels.attention.decode import attention_decode
from webllm_build.compile.kernels.attention.kv_cache import ONE_ROW, Rows
from webllm_build.compile.kernels.attention.merge import attention_merge
from webllm_build.compile.kernels.attention.prefill import attention_prefill
from webllm_build.compile.kernels.attention.rope_append import rope_append
from webllm_build.compile.kernels.attention.splits import partial_shape
from webllm_build.compile.kernels.bare_norm import bare_norm
from webllm_build.compile.kernels.embed import embed
from webllm_build.compile.kernels.grids import GRIDS
from webllm_build.compile.kernels.layer_inputs import layer_inputs
from webllm_build.compile.kernels.layer_norm import layer_norm
from webllm_build.compile.kernels.linear import gemm, gemv
from webllm_build.compile.kernels.linear.epilogue import Epilogue
from webllm_build.compile.kernels.linear.vectors import Tile
from webllm_build.compile.kernels.local_attention import local_attention
from webllm_build.compile.kernels.norm_parts import norm_parts
from webllm_build.compile.kernels.pool import Kind, pool
from webllm_build.compile.kernels.recurrence.kinds import RECURRENCES, decode_kernel, prefill_stages
from webllm_build.compile.kernels.subsample import convolve, normalise
from webllm_build.compile.kernels.taps import taps_added
from webllm_build.compile.lower_experts import DecodeExperts, PrefillExperts, exactly
from webllm_build.compile.operators import RelaxOperators, kernel_name, row_count, several
from webllm_build.compile.row_counts import for_rows
from webllm_build.compile.target import Variant
from webllm_build.compile.tiles import OTHER, TiledKernel, in_tiles
from webllm_build.model.attention import Attention
from webllm_build.model.audio.ops import LocalAttention, Subsampling
from webllm_build.model.ops import Activation, Function
from webllm_build.model.recurrence import Recurrence
from webllm_build.model.routing import ExpertWeights, Routing
from webllm_build.model.weights import Weight
from webllm_build.quantize import Part, Scheme

# Layers share kernels: each is made once.
_convolve, _normalise, _local_attention = (functools.cache(make) for make in (convolve, normalise, local_attention))
_embed, _add_norm, _rope_append = functools.cache(embed), functools.cache(add_norm), functools.cache(rope_append)
_layer_norm, _attention_prefill = functools.cache(layer_norm), functools.cache(attention_prefill)
_attention_decode, attention_merge_kernel = functools.cache(attention_decode), functools.cache(attention_merge)


_norm_parts, _layer_inputs, _activate = functools.cache(norm_parts), functools.cache(layer_inputs), functools.cache(activate)


@functools.cache
def _gemv(variant: Variant, scheme: Scheme, n: int, k: int, m: int, norm_eps: float | None, epilogue: Epilogue) -> TiledKernel:
    make = functools.partial(gemv.gemv, variant, scheme, n, k, m=m, norm_eps=norm_eps, epilogue=epilogue)
    return in_tiles(lambda tile: make(tile=tile), tiles_for(gemv.tiles(variant, n, k), m))


@functools.cache
def _gemm(variant: Variant, scheme: Scheme, n: int, k: int, epilogue: Epilogue) -> TiledKernel:
    make = functools.partial(gemm.gemm, variant, scheme, n, k, epilogue=epilogue)
    return in_tiles(lambda tile: make(tile=tile), gemm.tiles(variant, n))


class GpuOperators(RelaxOperators):
    """What both phases share."""

    grid_kernels = GRIDS

    def __init__(self, norm_eps: float, variant: Variant, inputs: Inputs) -> None:
        super().__init__(norm_eps, inputs)
        self.variant = variant

    def norm(self, x: nn.Tensor, norm: Weight) -> nn.Tensor:
        return nn.op.rms_norm(x, *self.vector(norm), axes=-1, epsilon=self.norm_eps)

    def embed_kernel(self, part: Part, count: int | None, scale: float, of_pictures: int = 0) -> tirx.PrimFunc:
        return _embed(self.variant, part, count, scale, self.count, of_pictures)

    def norm_parts_kernel(self, columns: int, sizes: tuple[int, ...], eps: float, gates: int | None) -> tirx.PrimFunc:
        return _norm_parts(self.variant, self.count, columns, sizes, eps, gates)

    def add_norm_kernel(self, columns: int, *, scaled: bool) -> tirx.PrimFunc:
        return _add_norm(self.variant, self.count, columns, self.norm_eps, scaled=scaled)

    def layer_inputs_kernel(self, size: int, count: int, first: int, outputs: int) -> tirx.PrimFunc:
        return _layer_inputs(self.variant, self.count, size, count, first, outputs, self.norm_eps)

    def taps_kernel(self, part: Part, taps: int) -> tirx.PrimFunc:
        return taps_added(part, taps)

    def activate_kernel(self, columns: int, activation: Function, *, factor: bool) -> tirx.PrimFunc:
        return _activate(self.count, columns, activation, factor=factor)

    def xielu_kernel(self, columns: int) -> tirx.PrimFunc:
        return xielu(self.count, columns)

    def bare_norm_kernel(self, columns: int, factor: float, *, affine: bool) -> tirx.PrimFunc:
        return bare_norm(self.variant, columns, self.norm_eps, factor, affine=affine)

    def convolve_kernel(self, subsampling: Subsampling) -> tirx.PrimFunc:
        return _convolve(subsampling)

    def normalise_kernel(self, subsampling: Subsampling, present: int) -> tirx.PrimFunc:
        return _normalise(subsampling, self.norm_eps, present)

    def local_attention_kernel(self, attention: LocalAttention) -> tirx.PrimFunc:
        return _local_attention(attention)

    def pool_kernel(self, columns: int, kinds: Sequence[Kind], *, several: bool) -> tirx.PrimFunc:
        return pool(columns, kinds, several=several)

    def add_gated_kernel(self, count: int | None, columns: int) -> tirx.PrimFunc:
        return add_gated(self.variant, count, columns, self.norm_eps)

    def layer_norm_kernel(self, x: nn.Tensor, columns: int, eps: float, *, bias: bool) -> tirx.PrimFunc:
        return _layer_norm(self.variant, row_count(x), columns, eps, bias=bias)


class DecodeOperators(GpuOperators, DecodeExperts):
    """One token of each of a few rows: matrix-vector kernels with the norm folded in, attention split over keys. All rows get what each
    would get alone, bit for bit where the tiles are alike."""

    decoding = True

    def __init__(self, norm_eps: float, variant: Variant, inputs: Inputs, m: int = 1) -> None:
        super().__init__(norm_eps, variant, inputs)
        self.m = m

    def multiply(self, x: nn.Tensor, matrix: Matrix, norm: Weight | None, added: list[nn.Tensor], epilogue: Epilogue) -> nn.Tensor:
        eps = self.norm_eps if norm else None
        kernel = _gemv(self.variant, matrix.scheme, *matrix.shape, self.m, eps, epilogue)
        args = [x, *matrix.buffers, *self.vector(norm), *added]
        return nn.op.tensor_ir_op(kernel, kernel_name("gemv", matrix, self.m), args, rows(x, epilogue.columns(matrix.shape[0])))

    def experts(
        self,
        x: nn.Tensor,
        routing: Routing,
        weights: ExpertWeights,
        *,
        activation: Activation,
        norm: Weight | None = None,
        residual: nn.Tensor | None = None,
    ) -> nn.Tensor:
        exact = DecodeOperators(self.norm_eps, self.variant, self.inputs, self.m)  # a code more or less may be another expert
        logits = exact.linear(x, weights.router, norm=weights.router_norm or norm, bias=weights.router_bias)
        chosen = self.choose(logits, routing, weights)
        return self.summed(self.channels(x, chosen, weights, activation, norm), chosen, weights, residual)

    def attention(
        self, qkv: nn.Tensor, attention: Attention, state: str, qk_norm: Weight | None = None, sinks: Weight | None = None
    ) -> nn.Tensor:
        io, cache = self.inputs.io, self.caches.get(state, self.inputs.states[state])
        inputs = [qkv, self.inputs.ropes[attention.rope], *self.vector(qk_norm)]
        places = [io["state"], self.inputs.tables[state]]
        partial = nn.Tensor.placeholder([self.m, *partial_shape(attention)], "float32")
        split, name, args = _attention_decode(self.variant, attention, self.line), "attention_decode", [*inputs, cache, *places]
        if attention.shared:
            partial = nn.op.tensor_ir_op(split, name, args, partial)
        else:
            outputs = [nn.Tensor.placeholder(cache.shape, cache.dtype), partial]
            self.caches[state], partial = nn.op.tensor_ir_inplace_op(split, name, args, [len(inputs), -1], outputs)
        return self.merge(attention, [*([qkv] if attention.gate else []), *self.vector(sinks), partial, places[0]])

    def merge(self, attention: Attention, args: list[nn.Tensor]) -> nn.Tensor:
        """Join the splits, given the parameters of attention_merge."""
        kernel = attention_merge_kernel(self.variant, attention, self.line)
        return nn.op.tensor_ir_op(kernel, "attention_merge", args, nn.Tensor.placeholder([self.m, attention.query_size], "float32"))

    def recur(self, recurrence: Recurrence, state: str, *inputs: nn.Tensor, weights: Sequence[Weight] = ()) -> nn.Tensor:
        kernel = decode_kernel(self.variant, recurrence, self.m)
        return self.recur_by(kernel, f"_rows{self.m}", recurrence, state, inputs, weights)

    @property
    def line(self) -> Rows:
        _, max_pages = next(iter(self.inputs.tables.values())).shape
        return Rows(int(max_pages)) if self.m > 1 else ONE_ROW


class PrefillOperators(GpuOperators, PrefillExperts):
    """Many tokens: norms made by TVM, matrix-matrix kernels, tiled causal attention."""

    decoding = False

    def multiply(self, x: nn.Tensor, matrix: Matrix, norm: Weight | None, added: list[nn.Tensor], epilogue: Epilogue) -> nn.Tensor:
        if norm:
            x = self.norm(x, norm)
        kernel = for_rows(_gemm(self.variant, matrix.scheme, *matrix.shape, epilogue), x)
        args = [x, *matrix.buffers, *added]
        return nn.op.tensor_ir_op(kernel, kernel_name("gemm", matrix), args, rows(x, epilogue.columns(matrix.shape[0])))

    def experts(
        self,
        x: nn.Tensor,
        routing: Routing,
        weights: ExpertWeights,
        *,
        activation: Activation,
        norm: Weight | None = None,
        residual: nn.Tensor | None = None,
    ) -> nn.Tensor:
        normed = x if norm is None else self.norm(x, norm)
        routed = normed if weights.router_norm is None else self.norm(x, weights.router_norm)
        x, exact = normed, PrefillOperators(self.norm_eps, exactly(self.variant), self.inputs)
        chosen = self.choose(exact.linear(routed, weights.router, bias=weights.router_bias), routing, weights)
        return self.combined(self.grouped(x, chosen, routing, weights, activation), chosen, residual)

    def attention(
        self, qkv: nn.Tensor, attention: Attention, state: str, qk_norm: Weight | None = None, sinks: Weight | None = None
    ) -> nn.Tensor:
        places, turn = [self.inputs.io["state"], self.inputs.tables[state]], _rope_append(self.variant, attention)
        cache, q = self.turned(turn, attention, state, [qkv, self.inputs.ropes[attention.rope], *self.vector(qk_norm)], places)
        kernel, out = _attention_prefill(self.variant, attention), nn.Tensor.placeholder(q.shape, "float32")
        args = [q, cache, *places, *self.vector(sinks), *self.reach(attention), *([qkv] if attention.gate else [])]
        return nn.op.tensor_ir_op(kernel, "attention_prefill", args, out)

    def recur(self, recurrence: Recurrence, state: str, *inputs: nn.Tensor, weights: Sequence[Weight] = ()) -> nn.Tensor:
        name, given = type(recurrence).__name__.lower(), [*inputs, *(buffer for weight in weights for buffer in self.vector(weight))]
        known = dict(zip(RECURRENCES[type(recurrence)].names, given, strict=True))
        known |= {"state": self.inputs.io["state"], "slots": self.inputs.states[state]}
        for stage in prefill_stages(self.variant, recurrence):
            label = f"{name}_{stage.name}" if stage.name else name
            args = [known[read] for read in stage.reads]
            made = [nn.Tensor.placeholder([inputs[0].shape[0], *shape], "float32") for shape in stage.makes.values()]
            if "slots" in stage.reads:
                places = [stage.reads.index("slots"), *[-1] * len(made)]
                known["slots"], *made = nn.op.tensor_ir_inplace_op(stage.kernel, label, args, places, [known["slots"], *made])
            else:
                made = [*several(nn.op.tensor_ir_op(stage.kernel, label, args, made))]
            known |= zip(stage.makes, made, strict=True)
        return known["out"]


def tiles_for(by_vendor: Mapping[str, Tile], m: int) -> Mapping[str, Tile]:
    """Tiles for m vectors, from those for one. Of several vectors only the usual one is worth its place in model.wasm."""
    return by_vendor if m == 1 else {OTHER: by_vendor[OTHER].for_vectors(m)}
