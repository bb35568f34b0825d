"""A model's operators on a CPU, for all phases: a kernel takes any number of tokens."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tvm import tirx
from tvm.relax.frontend import nn

from webllm_build.compile.abi_generated import MAX_ROWS
from webllm_build.compile.cpu.activate import activate, xielu
from webllm_build.compile.cpu.adjust import adjust
from webllm_build.compile.cpu.attention import attention
from webllm_build.compile.cpu.codes import CODES
from webllm_build.compile.cpu.embed import embed
from webllm_build.compile.cpu.expert_linear import expert_linear, expert_linear_codes
from webllm_build.compile.cpu.experts import RUN_WORDS, choose, combine, group, run_count
from webllm_build.compile.cpu.grids import GRIDS
from webllm_build.compile.cpu.layer_inputs import layer_inputs
from webllm_build.compile.cpu.linear import linear
from webllm_build.compile.cpu.linear_codes import linear_codes
from webllm_build.compile.cpu.local_attention import local_attention
from webllm_build.compile.cpu.logprobs import keep, logprobs
from webllm_build.compile.cpu.norm import add_gated, bare_norm, layer_norm, norm_parts, rms_norm
from webllm_build.compile.cpu.pool import pool
from webllm_build.compile.cpu.quantize import quantize
from webllm_build.compile.cpu.recurrence import RECURRENCES
from webllm_build.compile.cpu.rope_append import rope_append
from webllm_build.compile.cpu.sampling import sample
from webllm_build.compile.cpu.subsample import convolve, normalise
from webllm_build.compile.cpu.taps import taps_added
from webllm_build.compile.cpu.variant import CpuVariant, Flavour
from webllm_build.compile.export import AUDIO_FUNCTIONS, FUNCTIONS, TOWER_FUNCTIONS, Backend, Body, audio_bodies, tower_bodies
from webllm_build.compile.inputs import Inputs, Matrix, rows
from webllm_build.compile.io import Layout
from webllm_build.compile.kernels.experts.matrix import ExpertMatrix
from webllm_build.compile.kernels.linear.epilogue import Epilogue
from webllm_build.compile.kernels.pool import Kind
from webllm_build.compile.kv_layout import KvLayout
from webllm_build.compile.last_token import last_row
from webllm_build.compile.operators import Call, RelaxOperators, in_turn, kernel_name, row_count
from webllm_build.compile.row_counts import for_rows
from webllm_build.compile.tiles import TiledKernel
from webllm_build.model.attention import Attention
from webllm_build.model.audio.conformer import Conformer
from webllm_build.model.audio.ops import LocalAttention, Subsampling
from webllm_build.model.ops import Activation, Function
from webllm_build.model.recurrence import Recurrence
from webllm_build.model.routing import ExpertWeights, Routing
from webllm_build.model.state import Pages
from webllm_build.model.vision.tower import Tower
from webllm_build.model.weights import Weight
from webllm_build.quantize import GROUP, Part, Scheme

# As on the GPU, but that a decode step's kernels take any number of rows.
CPU_FUNCTIONS = tuple(
    replace(spec, rows="n", most=MAX_ROWS) if spec.name == "decode" else spec for spec in FUNCTIONS if not spec.name.startswith("decode_")
)

# Layers share kernels: each is made once.
_convolve, _normalise, _local_attention = (functools.cache(make) for make in (convolve, normalise, local_attention))
_embed, _rms_norm, _linear = functools.cache(embed), functools.cache(rms_norm), functools.cache(linear)
_choose, _group, _combine, _expert_linear = (functools.cache(make) for make in (choose, group, combine, expert_linear))
_norm_parts, _layer_inputs = functools.cache(norm_parts), functools.cache(layer_inputs)
_layer_norm, _rope_append = functools.cache(layer_norm), functools.cache(rope_append)
_attention, _quantize, _activate = functools.cache(attention), functools.cache(quantize), functools.cache(activate)


@dataclass(frozen=True)
class Cache:
    """kv_dtype: as KvLayout's. strides: words of a page by the state whose part of it lies in it; it has all layers of a group."""

    kv_dtype: str
    strides: Mapping[str, int]

    @staticmethod
    def of(layout: Layout, kv_dtype: str) -> Cache:
        sizes = zip(layout.states, layout.state_bytes(kv_dtype), strict=True)
        paged = [(state, size) for state, size in sizes if state.kind == "pages"]
        strides = {window: sum(size for state, size in paged if state.window == window) // 4 for window in layout.tables}
        return Cache(kv_dtype, {state.name: strides[state.window] for state, _ in paged})


class CpuOperators(RelaxOperators):
    """decoding: each token has a row of its own, with its sequence's page table; they are of one sequence otherwise."""

    grid_kernels = GRIDS

    def __init__(self, norm_eps: float, inputs: Inputs, cache: Cache, *, decoding: bool) -> None:
        super().__init__(norm_eps, inputs)
        self.cache = cache
        self.decoding = decoding

    def multiply(self, x: nn.Tensor, matrix: Matrix, norm: Weight | None, added: list[nn.Tensor], epilogue: Epilogue) -> nn.Tensor:
        if norm:
            x = self.norm(x, norm)
        kernel = for_rows(self.flavoured(_linear(row_count(x), matrix.scheme, *matrix.shape, epilogue)), x)
        out = rows(x, epilogue.columns(matrix.shape[0]))
        return nn.op.tensor_ir_op(kernel, kernel_name("linear", matrix), [x, *matrix.buffers, *added], out)

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
        x, m, k = normed, x.shape[0], weights.router.shape[1]
        logits = self.linear(routed, weights.router, bias=weights.router_bias)
        choose = _choose(routing, corrected=weights.correction is not None)
        chosen = self.choose_by(choose, logits, weights)
        shapes = [m * routing.chosen], [run_count(m, routing), RUN_WORDS]
        lists = nn.op.tensor_ir_op(_group(routing), "group", [chosen], [nn.Tensor.placeholder(shape, "int32") for shape in shapes])
        y = self.product_of_experts(x, lists, routing, weights.gate_up, weights.gate_up_bias, activation)
        y = self.product_of_experts(y, lists, routing, weights.down, weights.down_bias)
        args = [y, chosen, *([] if residual is None else [residual])]
        return nn.op.tensor_ir_op(_combine(k, routing.chosen, residual=residual is not None), "combine", args, rows(x, k))

    def product_of_experts(
        self,
        x: nn.Tensor,
        lists: Sequence[nn.Tensor],
        routing: Routing,
        weight: Weight,
        bias: Weight | None,
        activation: Activation = "none",
    ) -> nn.Tensor:
        """Of each pair of a token and an expert: [m * chosen, n]. x: a row for each token where there is an activation, else for a pair."""
        of_tokens, epilogue = activation != "none", Epilogue(bias is not None, activation)
        inputs = self.inputs_of_experts(x, weight, 1 if of_tokens else routing.chosen)
        calls = [
            Call(
                self.expert_kernel(ExpertMatrix.of(matrix.part, weight), routing, epilogue, of_tokens=of_tokens),
                kernel_name("expert_linear", matrix),
                [*lists, *inputs, *matrix.buffers, *self.vector(bias)],
            )
            for matrix in self.inputs.weights[weight.name]
        ]
        pairs = x.shape[0] * routing.chosen if of_tokens else x.shape[0]
        columns = epilogue.columns(weight.shape[0] // weight.experts)
        (out,) = in_turn(calls, [nn.Tensor.placeholder([pairs, columns], "float32")])
        return out

    def inputs_of_experts(self, x: nn.Tensor, weight: Weight, each: int) -> list[nn.Tensor]:
        """x as a weight's kernel takes it; it has `each` rows for a token."""
        return [x]

    def expert_kernel(self, matrix: ExpertMatrix, routing: Routing, epilogue: Epilogue, *, of_tokens: bool) -> tirx.PrimFunc | TiledKernel:
        return _expert_linear(matrix, routing, epilogue, of_tokens=of_tokens)

    def norm(self, x: nn.Tensor, norm: Weight) -> nn.Tensor:
        kernel = _rms_norm(row_count(x), *norm.shape, self.norm_eps)
        return nn.op.tensor_ir_op(kernel, "norm", [x, *self.vector(norm)], rows(x, *norm.shape))

    def embed_kernel(self, part: Part, count: int | None, scale: float, of_pictures: int = 0) -> tirx.PrimFunc:
        return _embed(part, count, scale, self.count, of_pictures)

    def norm_parts_kernel(self, columns: int, sizes: tuple[int, ...], eps: float, gates: int | None) -> tirx.PrimFunc:
        return _norm_parts(self.count, columns, sizes, eps, gates)

    def add_norm_kernel(self, columns: int, *, scaled: bool) -> tirx.PrimFunc:
        return _rms_norm(self.count, columns, self.norm_eps, residual=True, scaled=scaled)

    def layer_inputs_kernel(self, size: int, count: int, first: int, outputs: int) -> tirx.PrimFunc:
        return _layer_inputs(self.count, size, count, first, outputs, self.norm_eps)

    def taps_kernel(self, part: Part, taps: int) -> tirx.PrimFunc:
        return taps_added(part, taps)

    def activate_kernel(self, columns: int, activation: Function, *, factor: bool) -> tirx.PrimFunc:
        return _activate(self.count, columns, activation, factor=factor)

    def xielu_kernel(self, columns: int) -> tirx.PrimFunc:
        return xielu(self.count, columns)

    def bare_norm_kernel(self, columns: int, factor: float, *, affine: bool) -> tirx.PrimFunc:
        return bare_norm(columns, self.norm_eps, factor, affine=affine)

    def convolve_kernel(self, subsampling: Subsampling) -> tirx.PrimFunc:
        return _convolve(subsampling)

    def normalise_kernel(self, subsampling: Subsampling, present: int) -> tirx.PrimFunc:
        return _normalise(subsampling, self.norm_eps, present)

    def local_attention_kernel(self, attention: LocalAttention) -> tirx.PrimFunc:
        return _local_attention(attention)

    def pool_kernel(self, columns: int, kinds: Sequence[Kind], *, several: bool) -> tirx.PrimFunc:
        return pool(columns, kinds, several=several)

    def add_gated_kernel(self, count: int | None, columns: int) -> tirx.PrimFunc:
        return add_gated(count, columns, self.norm_eps)

    def layer_norm_kernel(self, x: nn.Tensor, columns: int, eps: float, *, bias: bool) -> tirx.PrimFunc:
        return _layer_norm(row_count(x), columns, eps, bias=bias)

    def attention(
        self, qkv: nn.Tensor, attention: Attention, state: str, qk_norm: Weight | None = None, sinks: Weight | None = None
    ) -> nn.Tensor:
        places = [self.inputs.io["state"], self.inputs.tables[state]]
        max_pages = int(places[1].shape[1]) if self.decoding else None
        layout, stride = KvLayout(self.cache.kv_dtype, attention.kv_heads, attention.head_dim), self.cache.strides[state]
        append = _rope_append(layout, attention, rows=max_pages, stride=stride, tokens=self.count)
        cache, q = self.turned(append, attention, state, [qkv, self.inputs.ropes[attention.rope], *self.vector(qk_norm)], places)
        kernel = self.flavoured(_attention(layout, attention, rows=max_pages, stride=stride, tokens=self.count))
        reach, gates = [] if self.decoding else self.reach(attention), [qkv] if attention.gate else []
        args = [q, cache, *places, *self.vector(sinks), *reach, *gates]
        return nn.op.tensor_ir_op(kernel, "attention", args, rows(q, attention.query_size))

    def flavoured(self, kernel: tirx.PrimFunc) -> tirx.PrimFunc | TiledKernel:
        """What mostly adds products of floats."""
        return kernel

    def recur(self, recurrence: Recurrence, state: str, *inputs: nn.Tensor, weights: Sequence[Weight] = ()) -> nn.Tensor:
        kernel = self.flavoured(_recurrence(recurrence, self.decoding))
        return self.recur_by(kernel, "_rows" if self.decoding else "", recurrence, state, inputs, weights)


class IntegerCpuOperators(CpuOperators):
    """Linear layers multiply codes, where their weights are integers."""

    def __init__(self, norm_eps: float, inputs: Inputs, cache: Cache, flavours: tuple[Flavour, ...], *, decoding: bool) -> None:
        super().__init__(norm_eps, inputs, cache, decoding=decoding)
        self.flavours = flavours

    def multiply(self, x: nn.Tensor, matrix: Matrix, norm: Weight | None, added: list[nn.Tensor], epilogue: Epilogue) -> nn.Tensor:
        if matrix.scheme.name not in CODES:
            return super().multiply(x, matrix, norm, added, epilogue)
        n, k = matrix.shape
        codes = self.codes(x, matrix.scheme.name, norm)
        kernel = for_rows(_linear_codes(self.flavours, row_count(x), matrix.scheme, n, k, epilogue), x)
        args = [*codes, *matrix.buffers, *added]
        return nn.op.tensor_ir_op(kernel, kernel_name("linear_codes", matrix), args, rows(x, epilogue.columns(n)))

    def flavoured(self, kernel: tirx.PrimFunc) -> TiledKernel:
        # With relaxed SIMD LLVM makes one instruction of a product and a sum: less time, and other bits in the last places.
        return TiledKernel(dict.fromkeys(self.flavours, kernel), {})

    def codes(self, x: nn.Tensor, scheme: str, norm: Weight | None, each: int = 1) -> list[nn.Tensor]:
        """x_q and x_s (quantize.py) of x, which has `each` rows for a token, for weights of a scheme."""
        m, k = x.shape[0], int(x.shape[1])
        eps = self.norm_eps if norm else None
        encode = _quantize(row_count(x), k, interleaved=CODES[scheme].interleaved, norm_eps=eps, each=each)
        encode = for_rows(encode, x) if each == 1 else encode
        shapes = [m, k // 4], [m, 2, k // GROUP]
        outputs = [nn.Tensor.placeholder(shape, dtype) for shape, dtype in zip(shapes, ("uint32", "float32"), strict=True)]
        return list(nn.op.tensor_ir_op(encode, "norm_quantize" if norm else "quantize", [x, *self.vector(norm)], outputs))

    def inputs_of_experts(self, x: nn.Tensor, weight: Weight, each: int) -> list[nn.Tensor]:
        scheme = self.inputs.weights[weight.name][0].scheme.name
        return self.codes(x, scheme, None, each) if scheme in CODES else [x]

    def expert_kernel(self, matrix: ExpertMatrix, routing: Routing, epilogue: Epilogue, *, of_tokens: bool) -> tirx.PrimFunc | TiledKernel:
        if matrix.scheme.name not in CODES:
            return super().expert_kernel(matrix, routing, epilogue, of_tokens=of_tokens)
        return _expert_linear_codes(self.flavours, matrix, routing, epilogue, of_tokens)


@functools.cache
def _linear_codes(flavours: tuple[Flavour, ...], tokens: int | None, scheme: Scheme, n: int, k: int, epilogue: Epilogue) -> TiledKernel:
    return TiledKernel({flavour: linear_codes(flavour, tokens, scheme, n, k, epilogue) for flavour in flavours}, {})


@functools.cache
def _expert_linear_codes(
    flavours: tuple[Flavour, ...], matrix: ExpertMatrix, routing: Routing, epilogue: Epilogue, of_tokens: bool
) -> TiledKernel:
    make = functools.partial(expert_linear_codes, matrix=matrix, routing=routing, epilogue=epilogue, of_tokens=of_tokens)
    return TiledKernel({flavour: make(flavour) for flavour in flavours}, {})


@functools.cache
def _recurrence(recurrence: Recurrence, decoding: bool) -> tirx.PrimFunc:
    return RECURRENCES[type(recurrence)](recurrence, decoding)


def cpu(layout: Layout, variant: CpuVariant, flavours: Sequence[Flavour]) -> Backend:
    """A variant of the CPU's, with kernels for each flavour of the library."""
    model, cache, vocab_size = layout.model, Cache.of(layout, variant.kv_dtype), layout.model.vocab_size

    def kv_shape(state: Pages) -> list[int | str]:
        return ["pages", cache.strides[state.name]]

    def with_eps(eps: float, inputs: Inputs, *, decoding: bool = False) -> CpuOperators:
        if variant.integer:
            return IntegerCpuOperators(eps, inputs, cache, tuple(flavours), decoding=decoding)
        return CpuOperators(eps, inputs, cache, decoding=decoding)

    if isinstance(model, Tower):
        return Backend(TOWER_FUNCTIONS, tower_bodies(model, with_eps), kv_shape)
    if isinstance(model, Conformer):
        return Backend(AUDIO_FUNCTIONS, audio_bodies(model, with_eps), kv_shape)

    def operators(inputs: Inputs, *, decoding: bool) -> CpuOperators:
        return with_eps(model.norm_eps, inputs, decoding=decoding)

    def prefill(inputs: Inputs, _: int) -> tuple[nn.Tensor, ...]:
        return model.prefill(operators(inputs, decoding=False))

    def logits(inputs: Inputs, _: int) -> nn.Tensor:
        x, is_whole = last_row(inputs.io["hidden"]), model.whole == len(model.layers)
        each = operators(inputs if is_whole else inputs.of_last(), decoding=False)
        return model.logits(each, model.beyond(each, x))

    def encode(inputs: Inputs, _: int) -> nn.Tensor:
        each = operators(inputs, decoding=False)
        hidden = model.beyond(each, inputs.io["hidden"])
        if model.pool is None:
            return each.last_and_sum(model.normed(each, hidden))
        return model.vector(each, model.pooled(each, hidden))

    def decode(inputs: Inputs, _: int) -> nn.Tensor:
        each = operators(inputs, decoding=True)
        return model.logits(each, model.hidden(each))

    bodies: Mapping[str, Body] = {
        "prefill": prefill,
        "logits": logits,
        "encode": encode,
        "decode": decode,
        "sample": lambda inputs, _: _in_place(
            sample(vocab_size), "sample", inputs, ["logits", "sampling", "state", "tokens", "history"], [3, 4]
        ),
        "adjust": lambda inputs, _: _in_place(
            adjust(vocab_size), "adjust", inputs, ["logits", "sampling", "tokens", "counts", "bias", "mask"], [0, 3]
        ),
        "keep": lambda inputs, _: _in_place(keep(vocab_size), "keep", inputs, ["logits", "kept"], [1]),
        "logprobs": lambda inputs, _: _in_place(logprobs(vocab_size), "logprobs", inputs, ["kept", "sampling", "tokens", "logprobs"], [3]),
    }

    return Backend(CPU_FUNCTIONS, bodies, kv_shape)


def _in_place(kernel: tirx.PrimFunc, name: str, inputs: Inputs, io: Sequence[str], written: list[int]) -> tuple[nn.Tensor, ...]:
    """Call a kernel on io buffers, of which it writes those at some places."""
    args = [inputs.io[each] for each in io]
    out = [nn.Tensor.placeholder(args[index].shape, args[index].dtype) for index in written]
    found = nn.op.tensor_ir_inplace_op(kernel, name, args, written, out)
    return tuple(found) if len(written) > 1 else (found,)
