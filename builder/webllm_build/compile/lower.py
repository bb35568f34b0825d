"""A model's operators in Relax: which kernel each becomes, for each phase and variant."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tvm import te, tirx
from tvm.relax.frontend import nn

from webllm_build.compile.kernels.attention.decode import attention_decode, partial_shape
from webllm_build.compile.kernels.attention.merge import attention_merge
from webllm_build.compile.kernels.attention.prefill import attention_prefill
from webllm_build.compile.kernels.attention.rope_append import rope_append
from webllm_build.compile.kernels.embed import embed
from webllm_build.compile.kernels.linear import gemm, gemv
from webllm_build.compile.kernels.linear.epilogue import Epilogue
from webllm_build.compile.target import Variant
from webllm_build.compile.tiles import in_tiles
from webllm_build.model.layers import Dimensions
from webllm_build.model.ops import Activation
from webllm_build.model.weights import Weight
from webllm_build.quantize import Scheme

# Layers share kernels: each is made once.
_embed, _rope_append = functools.cache(embed), functools.cache(rope_append)
_attention_prefill = functools.cache(attention_prefill)
_attention_decode, _attention_merge = functools.cache(attention_decode), functools.cache(attention_merge)


@functools.cache
def _gemv(variant: Variant, scheme: Scheme, n: int, k: int, norm_eps: float | None, epilogue: Epilogue) -> tirx.PrimFunc:
    make = functools.partial(gemv.gemv, variant, scheme, n, k, norm_eps=norm_eps, epilogue=epilogue)
    return in_tiles(lambda tile: make(tile=tile), gemv.tiles(variant, n, k))


@functools.cache
def _gemm(variant: Variant, scheme: Scheme, n: int, k: int, epilogue: Epilogue) -> tirx.PrimFunc:
    make = functools.partial(gemm.gemm, variant, scheme, n, k, epilogue=epilogue)
    return in_tiles(lambda tile: make(tile=tile), gemm.tiles(variant, n))


@dataclass(frozen=True, eq=False)
class Inputs:
    """The tensors of one Relax function: io buffers by name, one KV cache a layer, the buffers of each weight."""

    io: Mapping[str, nn.Tensor]
    kv: Sequence[nn.Tensor]
    weights: Mapping[str, Sequence[nn.Tensor]]


class RelaxOperators(ABC):
    """What both phases share. Activations are float32[tokens, features] in every variant."""

    def __init__(self, dims: Dimensions, variant: Variant, schemes: Mapping[str, Scheme], inputs: Inputs) -> None:
        self.dims = dims
        self.variant = variant
        self.schemes = schemes
        self.inputs = inputs

    def embed(self, table: Weight) -> nn.Tensor:
        tokens = self.inputs.io["tokens"]
        kernel = _embed(self.variant, self.schemes[table.name], *table.shape)
        return nn.op.tensor_ir_op(kernel, "embed", [tokens, *self.inputs.weights[table.name]], rows(tokens, table.shape[1]))

    def linear(
        self,
        x: nn.Tensor,
        weight: Weight,
        *,
        norm: Weight | None = None,
        residual: nn.Tensor | None = None,
        activation: Activation = "none",
    ) -> nn.Tensor:
        epilogue = Epilogue(activation=activation, residual=residual is not None)
        return self.multiply(x, weight, norm, [] if residual is None else [residual], epilogue)

    @abstractmethod
    def multiply(self, x: nn.Tensor, weight: Weight, norm: Weight | None, residual: list[nn.Tensor], epilogue: Epilogue) -> nn.Tensor: ...

    @abstractmethod
    def attention(self, qkv: nn.Tensor, layer: int) -> nn.Tensor: ...

    def append(self, kernel: tirx.PrimFunc, name: str, args: list[nn.Tensor]) -> tuple[nn.Tensor, nn.Tensor]:
        """Call a kernel that writes the cache, the last of `args`, in place: the cache, and what it computes for each query."""
        *inputs, cache = args
        outputs = [nn.Tensor.placeholder(cache.shape, cache.dtype), rows(inputs[0], self.dims.num_heads * self.dims.head_dim)]
        cache, out = nn.op.tensor_ir_inplace_op(kernel, name, args, [len(inputs), -1], outputs)
        return cache, out


class DecodeOperators(RelaxOperators):
    """One token: matrix-vector kernels with the norm folded in, attention split over keys."""

    def multiply(self, x: nn.Tensor, weight: Weight, norm: Weight | None, residual: list[nn.Tensor], epilogue: Epilogue) -> nn.Tensor:
        eps = self.dims.norm_eps if norm else None
        kernel = _gemv(self.variant, self.schemes[weight.name], *weight.shape, eps, epilogue)
        scales = self.inputs.weights[norm.name] if norm else []
        args = [x, *self.inputs.weights[weight.name], *scales, *residual]
        return nn.op.tensor_ir_op(kernel, kernel_name("gemv", weight), args, rows(x, epilogue.columns(weight.shape[0])))

    def attention(self, qkv: nn.Tensor, layer: int) -> nn.Tensor:
        dims, io, kv = self.dims, self.inputs.io, self.inputs.kv[layer]
        split = _attention_decode(self.variant, dims.num_heads, dims.num_kv_heads, dims.head_dim)
        partial = nn.Tensor.placeholder(partial_shape(dims.num_heads, dims.head_dim), "float32")
        partial = nn.op.tensor_ir_op(split, "attention_decode", [qkv, io["rope"], kv, io["state"], io["page_table"]], partial)
        merge = _attention_merge(self.variant, dims.num_heads, dims.num_kv_heads, dims.head_dim)
        args = [qkv, io["rope"], partial, io["state"], io["page_table"], kv]
        return self.append(merge, "attention_merge", args)[1]


class PrefillOperators(RelaxOperators):
    """Many tokens: norms made by TVM, matrix-matrix kernels, tiled causal attention."""

    def multiply(self, x: nn.Tensor, weight: Weight, norm: Weight | None, residual: list[nn.Tensor], epilogue: Epilogue) -> nn.Tensor:
        if norm:
            x = nn.op.rms_norm(x, self.inputs.weights[norm.name][0], axes=-1, epsilon=self.dims.norm_eps)
        kernel = _gemm(self.variant, self.schemes[weight.name], *weight.shape, epilogue)
        args = [x, *self.inputs.weights[weight.name], *residual]
        return nn.op.tensor_ir_op(kernel, kernel_name("gemm", weight), args, rows(x, epilogue.columns(weight.shape[0])))

    def attention(self, qkv: nn.Tensor, layer: int) -> nn.Tensor:
        dims, io = self.dims, self.inputs.io
        rope_append = _rope_append(self.variant, dims.num_heads, dims.num_kv_heads, dims.head_dim)
        args = [qkv, io["rope"], io["state"], io["page_table"], self.inputs.kv[layer]]
        cache, q = self.append(rope_append, "rope_append", args)
        kernel = _attention_prefill(self.variant, dims.num_heads, dims.num_kv_heads, dims.head_dim)
        args = [q, cache, io["state"], io["page_table"]]
        return nn.op.tensor_ir_op(kernel, "attention_prefill", args, nn.Tensor.placeholder(q.shape, "float32"))


def rows(like: nn.Tensor, columns: int) -> nn.Tensor:
    """An output with a row for each row of `like`."""
    return nn.Tensor.placeholder([like.shape[0], columns], "float32")


def kernel_name(kernel: str, weight: Weight) -> str:
    """What the plan calls the kernel for weights of this shape."""
    return "_".join([kernel, "x".join(str(extent) for extent in weight.shape)])


def last_row(x: nn.Tensor) -> nn.Tensor:
    """The last of x[m, hidden]: [1, hidden]."""

    def take_last(rows: te.Tensor) -> te.Tensor:
        return te.compute((1, rows.shape[1]), lambda _, column: rows[rows.shape[0] - tirx.IntImm("int64", 1), column], name="last_row")

    return nn.op.tensor_expr_op(take_last, "last_row", [x])
