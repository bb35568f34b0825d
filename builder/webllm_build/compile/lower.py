"""A model's operators in Relax: which kernel each becomes, for each phase and variant."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tvm import te, tirx, topi
from tvm.relax.frontend import nn

from webllm_build.compile.kernels.add_norm import add_norm
from webllm_build.compile.kernels.attention.decode import attention_decode, partial_shape
from webllm_build.compile.kernels.attention.kv_cache import ONE_ROW, Rows
from webllm_build.compile.kernels.attention.merge import attention_merge
from webllm_build.compile.kernels.attention.prefill import attention_prefill
from webllm_build.compile.kernels.attention.rope_append import rope_append
from webllm_build.compile.kernels.embed import embed
from webllm_build.compile.kernels.linear import gemm, gemv
from webllm_build.compile.kernels.linear.epilogue import Epilogue
from webllm_build.compile.kernels.linear.vectors import Tile
from webllm_build.compile.kernels.pool import POOLED, pool
from webllm_build.compile.kernels.recurrence import recurrence_kernel
from webllm_build.compile.target import Variant
from webllm_build.compile.tiles import OTHER, TiledKernel, in_tiles
from webllm_build.model.attention import Attention, Rope
from webllm_build.model.ops import Activation, check_linear
from webllm_build.model.recurrence import Recurrence
from webllm_build.model.weights import Weight
from webllm_build.quantize import Part, Scheme

# Layers share kernels: each is made once.
_embed, _add_norm, _rope_append = functools.cache(embed), functools.cache(add_norm), functools.cache(rope_append)
_attention_prefill = functools.cache(attention_prefill)
_attention_decode, attention_merge_kernel = functools.cache(attention_decode), functools.cache(attention_merge)


@functools.cache
def _gemv(variant: Variant, scheme: Scheme, n: int, k: int, m: int, norm_eps: float | None, epilogue: Epilogue) -> TiledKernel:
    make = functools.partial(gemv.gemv, variant, scheme, n, k, m=m, norm_eps=norm_eps, epilogue=epilogue)
    return in_tiles(lambda tile: make(tile=tile), tiles_for(gemv.tiles(variant, n, k), m))


@functools.cache
def _gemm(variant: Variant, scheme: Scheme, n: int, k: int, epilogue: Epilogue) -> TiledKernel:
    make = functools.partial(gemm.gemm, variant, scheme, n, k, epilogue=epilogue)
    return in_tiles(lambda tile: make(tile=tile), gemm.tiles(variant, n))


@dataclass(frozen=True, eq=False)
class Matrix:
    """A weight, or some rows of one that is larger than a binding, in the buffers of its scheme."""

    part: Part
    buffers: Sequence[nn.Tensor]

    @property
    def scheme(self) -> Scheme:
        return self.part.scheme

    @property
    def shape(self) -> tuple[int, int]:
        return self.part.shape


@dataclass(frozen=True, eq=False)
class Inputs:
    """The tensors of one Relax function: io buffers by name, rotary tables, page tables by the states that they are of, states by name,
    the parts of each weight."""

    io: Mapping[str, nn.Tensor]
    ropes: Mapping[Rope, nn.Tensor]
    tables: Mapping[str, nn.Tensor]
    states: Mapping[str, nn.Tensor]
    weights: Mapping[str, Sequence[Matrix]]


class RelaxOperators(ABC):
    """What both phases share. Activations are float32[tokens, features] in every variant."""

    def __init__(self, norm_eps: float, variant: Variant, inputs: Inputs) -> None:
        self.norm_eps = norm_eps
        self.variant = variant
        self.inputs = inputs

    def embed(self, table: Weight, *, scale: float = 1.0) -> nn.Tensor:
        tokens, (count, columns) = self.inputs.io["tokens"], table.shape
        out, x = rows(tokens, columns), None
        for matrix in self.inputs.weights[table.name]:  # each adds the embeddings that it has
            kernel, args = _embed(self.variant, matrix.part, count, scale), [tokens, *matrix.buffers]
            if x is None:
                x = nn.op.tensor_ir_op(kernel, "embed", args, out)
            else:
                x = nn.op.tensor_ir_inplace_op(kernel, "embed", [*args, x], len(args), out)
        return x

    def linear(
        self,
        x: nn.Tensor,
        weight: Weight,
        *,
        norm: Weight | None = None,
        bias: Weight | None = None,
        residual: nn.Tensor | None = None,
        activation: Activation = "none",
    ) -> nn.Tensor:
        check_linear(residual, activation)
        epilogue = Epilogue(bias is not None, activation, residual is not None)
        added = [*self.vector(bias), *([] if residual is None else [residual])]
        whole, *more = self.inputs.weights[weight.name]
        if not more:
            return self.multiply(x, whole, norm, added, epilogue)
        return self.join([self.multiply(x, part, norm, [_columns(y, part.part) for y in added], epilogue) for part in (whole, *more)])

    @abstractmethod
    def multiply(self, x: nn.Tensor, matrix: Matrix, norm: Weight | None, added: list[nn.Tensor], epilogue: Epilogue) -> nn.Tensor:
        """As `linear`. added: what the epilogue adds, in its order."""

    def join(self, parts: list[nn.Tensor]) -> nn.Tensor:
        """Outputs [m, .] side by side."""
        rows, dtype = parts[0].shape[0], parts[0].dtype
        out = nn.Tensor.placeholder([rows, sum(int(part.shape[1]) for part in parts)], dtype)
        return nn.op.tensor_ir_op(_join(tuple(map(_shape, parts)), dtype), "join", parts, out)

    def norm(self, x: nn.Tensor, norm: Weight) -> nn.Tensor:
        return nn.op.rms_norm(x, *self.vector(norm), axes=-1, epsilon=self.norm_eps)

    def add_norm(self, x: nn.Tensor, norm: Weight, residual: nn.Tensor) -> nn.Tensor:
        kernel = _add_norm(self.variant, *norm.shape, self.norm_eps)
        return nn.op.tensor_ir_op(kernel, "add_norm", [x, *self.vector(norm), residual], rows(x, *norm.shape))

    @abstractmethod
    def attention(self, qkv: nn.Tensor, attention: Attention, state: str, qk_norm: Weight | None = None) -> nn.Tensor: ...

    @abstractmethod
    def recur(self, recurrence: Recurrence, state: str, *inputs: nn.Tensor, weights: Sequence[Weight] = ()) -> nn.Tensor: ...

    def recur_in(
        self, rows: int | None, recurrence: Recurrence, state: str, inputs: Sequence[nn.Tensor], weights: Sequence[Weight]
    ) -> nn.Tensor:
        """As `recur`. rows: of a decode step; None in a prefill."""
        buffers = [buffer for weight in weights for buffer in self.vector(weight)]
        args = [*inputs, *buffers, self.inputs.io["state"], self.inputs.states[state]]
        name = type(recurrence).__name__.lower() + (f"_rows{rows}" if rows else "")
        return self.append(recurrence_kernel(self.variant, recurrence, rows), name, args, recurrence.size)[1]

    def vector(self, weight: Weight | None) -> list[nn.Tensor]:
        """The buffer of a weight that a kernel has or has not."""
        return [] if weight is None else [buffer for matrix in self.inputs.weights[weight.name] for buffer in matrix.buffers]

    def append(self, kernel: tirx.PrimFunc, name: str, args: list[nn.Tensor], columns: int) -> tuple[nn.Tensor, nn.Tensor]:
        """Call a kernel that writes the cache, the last of `args`, in place: the cache, and what it computes for each token."""
        *inputs, cache = args
        outputs = [nn.Tensor.placeholder(cache.shape, cache.dtype), rows(inputs[0], columns)]
        cache, out = nn.op.tensor_ir_inplace_op(kernel, name, args, [len(inputs), -1], outputs)
        return cache, out


class DecodeOperators(RelaxOperators):
    """One token of each of a few rows: matrix-vector kernels with the norm folded in, attention split over keys. All rows get what each
    would get alone, bit for bit where the tiles are alike."""

    def __init__(self, norm_eps: float, variant: Variant, inputs: Inputs, m: int = 1) -> None:
        super().__init__(norm_eps, variant, inputs)
        self.m = m

    def multiply(self, x: nn.Tensor, matrix: Matrix, norm: Weight | None, added: list[nn.Tensor], epilogue: Epilogue) -> nn.Tensor:
        eps = self.norm_eps if norm else None
        kernel = _gemv(self.variant, matrix.scheme, *matrix.shape, self.m, eps, epilogue)
        args = [x, *matrix.buffers, *self.vector(norm), *added]
        return nn.op.tensor_ir_op(kernel, kernel_name("gemv", matrix, self.m), args, rows(x, epilogue.columns(matrix.shape[0])))

    def attention(self, qkv: nn.Tensor, attention: Attention, state: str, qk_norm: Weight | None = None) -> nn.Tensor:
        io, cache, inputs = self.inputs.io, self.inputs.states[state], [qkv, self.inputs.ropes[attention.rope], *self.vector(qk_norm)]
        places, line = [io["state"], self.inputs.tables[state]], self.line
        partial = nn.Tensor.placeholder([self.m, *partial_shape(attention)], "float32")
        split = _attention_decode(self.variant, attention, line)
        partial = nn.op.tensor_ir_op(split, "attention_decode", [*inputs, cache, *places], partial)
        return self.merge(attention, [*inputs, partial, *places, cache])

    def merge(self, attention: Attention, args: list[nn.Tensor]) -> nn.Tensor:
        """Call attention_merge."""
        return self.append(attention_merge_kernel(self.variant, attention, self.line), "attention_merge", args, attention.query_size)[1]

    def recur(self, recurrence: Recurrence, state: str, *inputs: nn.Tensor, weights: Sequence[Weight] = ()) -> nn.Tensor:
        return self.recur_in(self.m, recurrence, state, inputs, weights)

    @property
    def line(self) -> Rows:
        _, max_pages = next(iter(self.inputs.tables.values())).shape
        return Rows(int(max_pages)) if self.m > 1 else ONE_ROW


class PrefillOperators(RelaxOperators):
    """Many tokens: norms made by TVM, matrix-matrix kernels, tiled causal attention."""

    def multiply(self, x: nn.Tensor, matrix: Matrix, norm: Weight | None, added: list[nn.Tensor], epilogue: Epilogue) -> nn.Tensor:
        if norm:
            x = self.norm(x, norm)
        kernel = _gemm(self.variant, matrix.scheme, *matrix.shape, epilogue)
        args = [x, *matrix.buffers, *added]
        return nn.op.tensor_ir_op(kernel, kernel_name("gemm", matrix), args, rows(x, epilogue.columns(matrix.shape[0])))

    def attention(self, qkv: nn.Tensor, attention: Attention, state: str, qk_norm: Weight | None = None) -> nn.Tensor:
        places = [self.inputs.io["state"], self.inputs.tables[state]]
        args = [qkv, self.inputs.ropes[attention.rope], *self.vector(qk_norm), *places, self.inputs.states[state]]
        cache, q = self.append(_rope_append(self.variant, attention), "rope_append", args, attention.query_size)
        kernel, out = _attention_prefill(self.variant, attention), nn.Tensor.placeholder(q.shape, "float32")
        return nn.op.tensor_ir_op(kernel, "attention_prefill", [q, cache, *places], out)

    def recur(self, recurrence: Recurrence, state: str, *inputs: nn.Tensor, weights: Sequence[Weight] = ()) -> nn.Tensor:
        return self.recur_in(None, recurrence, state, inputs, weights)


def rows(like: nn.Tensor, columns: int) -> nn.Tensor:
    """An output with a row for each row of `like`."""
    return nn.Tensor.placeholder([like.shape[0], columns], "float32")


def tiles_for(by_vendor: Mapping[str, Tile], m: int) -> Mapping[str, Tile]:
    """Tiles for m vectors, from those for one. Of several vectors only the usual one is worth its place in model.wasm."""
    return by_vendor if m == 1 else {OTHER: by_vendor[OTHER].for_vectors(m)}


def kernel_name(kernel: str, matrix: Matrix, m: int = 1) -> str:
    """What the plan calls the kernel for weights of this shape, and for m vectors."""
    return "_".join([kernel, "x".join(str(extent) for extent in matrix.shape), *([f"rows{m}"] if m > 1 else [])])


def _columns(y: nn.Tensor, part: Part) -> nn.Tensor:
    """The columns of y[n] or y[m, n] that are outputs of a part's rows."""

    out = nn.Tensor.placeholder([*y.shape[:-1], part.rows], y.dtype)
    return nn.op.tensor_ir_op(_take(_shape(y), part.first, part.rows), "columns", [y], out)


def _shape(x: nn.Tensor) -> tuple[int | None, ...]:
    """None for a symbolic length."""
    return tuple(length if isinstance(length, int) else None for length in x.shape)


def _placeholder(shape: tuple[int | None, ...], dtype: str, n: tirx.Var) -> te.Tensor:
    return te.placeholder([n if length is None else length for length in shape], dtype)


@functools.cache
def _join(shapes: tuple[tuple[int | None, ...], ...], dtype: str) -> tirx.PrimFunc:
    """Tensors [m, .] side by side."""
    n = tirx.Var("n", "int64")
    parts = [_placeholder(shape, dtype, n) for shape in shapes]
    return te.create_prim_func([*parts, topi.concatenate(parts, axis=1)]).without_attr("global_symbol")


@functools.cache
def _take(shape: tuple[int | None, ...], first: int, count: int) -> tirx.PrimFunc:
    """`count` columns of a float32 tensor, from the first on."""
    whole = _placeholder(shape, "float32", tirx.Var("n", "int64"))
    taken = te.compute([*whole.shape[:-1], count], lambda *index: whole[(*index[:-1], index[-1] + first)], name="columns")
    return te.create_prim_func([whole, taken]).without_attr("global_symbol")


def last_row(x: nn.Tensor) -> nn.Tensor:
    """The last of x[m, hidden]: [1, hidden]."""

    def take_last(rows: te.Tensor) -> te.Tensor:
        return te.compute((1, rows.shape[1]), lambda _, column: rows[rows.shape[0] - tirx.IntImm("int64", 1), column], name="last_row")

    return nn.op.tensor_expr_op(take_last, "last_row", [x])


def pooled(x: nn.Tensor) -> nn.Tensor:
    """The last row of x[m, hidden], and the sum of all: [2, hidden]."""
    columns = int(x.shape[1])
    return nn.op.tensor_ir_op(pool(columns), "pool", [x], nn.Tensor.placeholder([POOLED, columns], "float32"))
