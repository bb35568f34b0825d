"""A model's operators in Relax: what does not depend on where the kernels run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from tvm import tirx
from tvm.relax.frontend import nn

from webllm_build.compile import computed
from webllm_build.compile.abi_generated import MAX_ROWS
from webllm_build.compile.grid_operators import GridOperators
from webllm_build.compile.inputs import Inputs, Matrix, rows
from webllm_build.compile.io import CHOICES
from webllm_build.compile.kernels.linear.epilogue import Epilogue
from webllm_build.compile.kernels.pool import Kind
from webllm_build.compile.row_counts import for_rows
from webllm_build.compile.tiles import TiledKernel
from webllm_build.model.attention import Attention
from webllm_build.model.audio.conformer import STEPS
from webllm_build.model.audio.ops import LocalAttention, Subsampling
from webllm_build.model.ops import Activation, Function, check_linear
from webllm_build.model.recurrence import Recurrence
from webllm_build.model.routing import ExpertWeights, Routing
from webllm_build.model.weights import Weight
from webllm_build.quantize import Part
from webllm_build.source.embedding import Pooling

INPUTS_AT_ONCE = 5  # layers whose vectors a kernel writes, beside the three buffers that it reads: no more bindings than every GPU has
MOST_JOINED = 7  # tensors that a kernel puts side by side, beside what it writes: as many


class RelaxOperators(GridOperators, ABC):
    """What GPUs, CPUs and all phases share. Activations are float32[tokens, features] in every variant."""

    decoding: bool  # each token has a row of its own; they are of one sequence, or of whole texts, otherwise

    def __init__(self, norm_eps: float, inputs: Inputs) -> None:
        self.norm_eps = norm_eps
        self.inputs = inputs
        self.count = inputs.count
        self.caches: dict[str, nn.Tensor] = {}  # states in pages, as this call has left them so far

    def embed(self, table: Weight, *, scale: float = 1.0) -> nn.Tensor:
        tokens, (count, columns) = self.inputs.io["tokens"], table.shape
        if not table.resident:
            (taken,) = self.inputs.weights[table.name]
            return nn.op.tensor_ir_op(self.embed_kernel(taken.part, None, scale), "embed_rows", list(taken.buffers), rows(tokens, columns))
        vectors = [self.inputs.io["vectors"]] if "vectors" in self.inputs.io else []
        of_pictures = int(vectors[0].shape[1]) if vectors else 0
        calls = [
            Call(self.embed_kernel(matrix.part, count, scale, of_pictures), "embed", [tokens, *vectors, *matrix.buffers])
            for matrix in self.inputs.weights[table.name]
        ]
        (x,) = in_turn(calls, [rows(tokens, columns)])
        return x

    def linear(
        self,
        x: nn.Tensor,
        weight: Weight,
        *,
        norm: Weight | None = None,
        bias: Weight | None = None,
        residual: nn.Tensor | None = None,
        factor: nn.Tensor | None = None,
        activation: Activation = "none",
        scale: float = 1.0,
        softcap: float | None = None,
    ) -> nn.Tensor:
        check_linear(residual, factor, activation)
        epilogue = Epilogue(bias is not None, activation, residual is not None, scale, softcap, factor is not None)
        added = [*self.vector(bias), *(tensor for tensor in (residual, factor) if tensor is not None)]
        whole, *more = self.inputs.weights[weight.name]
        if not more:
            return self.multiply(x, whole, norm, added, epilogue)
        return self.join([self.multiply(x, part, norm, [_columns(y, part.part) for y in added], epilogue) for part in (whole, *more)])

    @abstractmethod
    def multiply(self, x: nn.Tensor, matrix: Matrix, norm: Weight | None, added: list[nn.Tensor], epilogue: Epilogue) -> nn.Tensor:
        """As `linear`. added: what the epilogue adds, in its order."""

    def join(self, parts: list[nn.Tensor]) -> nn.Tensor:
        """Outputs [m, .] side by side."""
        while len(parts) > MOST_JOINED:
            parts = [_joined(parts[:MOST_JOINED], apart=True), *parts[MOST_JOINED:]]
        return _joined(parts)

    @abstractmethod
    def norm(self, x: nn.Tensor, norm: Weight) -> nn.Tensor: ...

    def add_norm(self, x: nn.Tensor, norm: Weight, residual: nn.Tensor, scalar: Weight | None = None) -> nn.Tensor:
        kernel = self.add_norm_kernel(*norm.shape, scaled=scalar is not None)
        args = [x, *self.vector(norm), residual, *self.vector(scalar)]
        return nn.op.tensor_ir_op(kernel, "add_norm", args, rows(x, *norm.shape))

    def layer_inputs(self, projected: nn.Tensor, rows: nn.Tensor, norm: Weight, layers: range) -> Sequence[nn.Tensor]:
        (size,), found = norm.shape, list[nn.Tensor]()
        while len(found) < len(layers):
            outputs = [nn.Tensor.placeholder([rows.shape[0], size], "float32")] * min(INPUTS_AT_ONCE, len(layers) - len(found))
            kernel = self.layer_inputs_kernel(size, int(rows.shape[1]) // size, layers[len(found)], len(outputs))
            found += several(nn.op.tensor_ir_op(kernel, "layer_inputs", [projected, rows, *self.vector(norm)], outputs))
        return found

    def add_gated(self, x: nn.Tensor, norm: Weight, gate: Weight, y: nn.Tensor, residual: nn.Tensor) -> nn.Tensor:
        kernel = self.add_gated_kernel(row_count(x), *norm.shape)
        return nn.op.tensor_ir_op(kernel, "add_gated", [x, *self.vector(norm), *self.vector(gate), y, residual], rows(x, *norm.shape))

    @abstractmethod
    def add_gated_kernel(self, count: int | None, columns: int) -> tirx.PrimFunc:
        """As `add_gated`, of so many rows. Parameters: x, norm, gate, y, residual, out."""

    def layer_norm(self, x: nn.Tensor, weight: Weight, bias: Weight | None = None, eps: float | None = None) -> nn.Tensor:
        (columns,) = weight.shape
        kernel = self.layer_norm_kernel(x, columns, self.norm_eps if eps is None else eps, bias=bias is not None)
        return nn.op.tensor_ir_op(for_rows(kernel, x), "layer_norm", [x, *self.vector(weight), *self.vector(bias)], rows(x, columns))

    def pool(self, x: nn.Tensor, kind: Pooling, *, several: bool = False) -> nn.Tensor:
        return self._pooled(x, (kind,), several=several)

    def last_and_sum(self, x: nn.Tensor) -> nn.Tensor:
        """The last row of x[m, hidden], and the sum of all: [2, hidden]."""
        return self._pooled(x, ("last", "sum"))

    def _pooled(self, x: nn.Tensor, kinds: Sequence[Kind], *, several: bool = False) -> nn.Tensor:
        columns = int(x.shape[1])
        kernel = self.pool_kernel(columns, kinds, several=several)
        out = nn.Tensor.placeholder([MAX_ROWS if several else len(kinds), columns], "float32")
        return nn.op.tensor_ir_op(kernel, "pool", [x, *([self.inputs.io["state"]] if several else [])], out)

    def add_positions(self, x: nn.Tensor, positions: Weight, token_type: Weight | None = None, *, whole: bool) -> nn.Tensor:
        columns, of = int(x.shape[1]), "texts" if whole else "rows" if self.decoding else "sequence"
        kernel = computed.add_positions(columns, positions.shape[0] // columns, token_type is not None, of)
        args = [x, self.inputs.io["state"], *self.vector(positions), *self.vector(token_type)]
        return nn.op.tensor_ir_op(kernel, "add_positions", args, rows(x, columns))

    def add_deep(self, x: nn.Tensor, number: int) -> nn.Tensor:
        if "vectors" not in self.inputs.io:
            return x
        vectors, tokens = (self.inputs.io[name] for name in ("vectors", "tokens"))
        columns = int(x.shape[1])
        kernel = computed.add_deep(columns, int(vectors.shape[1]), (number + 1) * columns)
        return nn.op.tensor_ir_op(kernel, "add_deep", [x, vectors, tokens], rows(x, columns))

    def part(self, x: nn.Tensor, number: int, count: int, group: int) -> nn.Tensor:
        columns = int(x.shape[1]) // (group * count)
        return nn.op.tensor_ir_op(computed.part(columns, number, count, group), "part", [x], rows(x, group * columns))

    def patches(self) -> nn.Tensor:
        return self.inputs.io["patches"]

    def add_taps(self, x: nn.Tensor, table: Weight) -> nn.Tensor:
        (matrix,), (taps, factors) = self.inputs.weights[table.name], (self.inputs.io[name] for name in ("taps", "factors"))
        kernel = self.taps_kernel(matrix.part, int(taps.shape[1]))
        return nn.op.tensor_ir_op(kernel, "add_taps", [x, taps, factors, *matrix.buffers], rows(x, int(x.shape[1])))

    def convolve_grid(self, gates: nn.Tensor, taps: Weight) -> nn.Tensor:
        columns, neighbours = int(gates.shape[1]) // 3, self.inputs.io["neighbours"]
        kernel = computed.convolve_grid(columns, int(neighbours.shape[1]))
        return nn.op.tensor_ir_op(kernel, "convolve_grid", [gates, neighbours, *self.vector(taps)], rows(gates, columns))

    def mean(self, x: nn.Tensor, count: int) -> nn.Tensor:
        columns = int(x.shape[1]) // count
        return nn.op.tensor_ir_op(computed.mean(count, columns), "mean", [x], rows(x, columns))

    def clamp(self, x: nn.Tensor, bounds: Weight, first: int) -> nn.Tensor:
        columns = int(x.shape[1])
        return nn.op.tensor_ir_op(computed.clamp(columns, bounds.shape[0], first), "clamp", [x, *self.vector(bounds)], rows(x, columns))

    def clip(self, x: nn.Tensor, limit: float) -> nn.Tensor:
        columns = int(x.shape[1])
        return nn.op.tensor_ir_op(computed.clip(self.count, columns, limit), "clip", [x], rows(x, columns))

    def activate(self, x: nn.Tensor, activation: Function, *, factor: nn.Tensor | None = None) -> nn.Tensor:
        columns = int(x.shape[1])
        kernel = self.activate_kernel(columns, activation, factor=factor is not None)
        return nn.op.tensor_ir_op(kernel, "activate", [x, *([] if factor is None else [factor])], rows(x, columns))

    @abstractmethod
    def activate_kernel(self, columns: int, activation: Function, *, factor: bool) -> tirx.PrimFunc:
        """As `activate`. Parameters: x, factor where there is one, out."""

    def xielu(self, x: nn.Tensor, weights: Weight) -> nn.Tensor:
        columns = int(x.shape[1])
        return nn.op.tensor_ir_op(self.xielu_kernel(columns), "xielu", [x, *self.vector(weights)], rows(x, columns))

    @abstractmethod
    def xielu_kernel(self, columns: int) -> tirx.PrimFunc:
        """As `xielu`. Parameters: x, weights, out."""

    def add(self, x: nn.Tensor, y: nn.Tensor) -> nn.Tensor:
        columns = int(x.shape[1])
        return nn.op.tensor_ir_op(computed.add(self.count, columns), "add", [x, y], rows(x, columns))

    def bare_norm(self, x: nn.Tensor, *, factor: float = 1.0, affine: tuple[Weight, Weight] | None = None) -> nn.Tensor:
        columns, vectors = int(x.shape[1]), [buffer for weight in affine or () for buffer in self.vector(weight)]
        kernel = self.bare_norm_kernel(columns, factor, affine=affine is not None)
        return nn.op.tensor_ir_op(kernel, "bare_norm", [x, *vectors], rows(x, columns))

    @abstractmethod
    def bare_norm_kernel(self, columns: int, factor: float, *, affine: bool) -> tirx.PrimFunc:
        """As `bare_norm`. Parameters: x, bias and scale where there are such, out."""

    def frames(self) -> nn.Tensor:
        return self.inputs.io["frames"]

    def subsample(self, x: nn.Tensor, subsampling: Subsampling, weight: Weight, norm: Weight) -> nn.Tensor:
        out = rows(x, subsampling.places * subsampling.outputs)
        y = nn.op.tensor_ir_op(self.convolve_kernel(subsampling), "convolve", [x, *self.vector(weight)], out)
        present = [self.inputs.io["present"]] if subsampling.steps == STEPS else []
        kernel = self.normalise_kernel(subsampling, sum(int(each.shape[1]) for each in present))
        return nn.op.tensor_ir_op(kernel, "normalise", [y, *self.vector(norm), *present], out)

    @abstractmethod
    def convolve_kernel(self, subsampling: Subsampling) -> tirx.PrimFunc:
        """See kernels/subsample.py."""

    @abstractmethod
    def normalise_kernel(self, subsampling: Subsampling, present: int) -> tirx.PrimFunc:
        """See kernels/subsample.py."""

    def depthwise(self, x: nn.Tensor, weight: Weight, taps: int) -> nn.Tensor:
        columns = int(x.shape[1])
        return nn.op.tensor_ir_op(computed.depthwise(columns, taps), "depthwise", [x, *self.vector(weight)], rows(x, columns))

    def local_attention(self, qkv: nn.Tensor, attention: LocalAttention, scale: Weight, relative: Weight) -> nn.Tensor:
        args = [qkv, *self.vector(scale), *self.vector(relative)]
        return nn.op.tensor_ir_op(self.local_attention_kernel(attention), "local_attention", args, rows(qkv, int(qkv.shape[1]) // 3))

    @abstractmethod
    def local_attention_kernel(self, attention: LocalAttention) -> tirx.PrimFunc:
        """See kernels/local_attention.py."""

    def reach(self, attention: Attention) -> list[nn.Tensor]:
        """The io buffer of how far a prefill's tokens, or patches, see."""
        if attention.ends:
            return [self.inputs.io["ends"]]
        return [] if attention.span is None else [self.inputs.io[f"spans{attention.span}"]]

    @abstractmethod
    def experts(
        self,
        x: nn.Tensor,
        routing: Routing,
        weights: ExpertWeights,
        *,
        activation: Activation,
        norm: Weight | None = None,
        residual: nn.Tensor | None = None,
    ) -> nn.Tensor: ...

    def choose_by(self, kernel: tirx.PrimFunc, logits: nn.Tensor, weights: ExpertWeights) -> nn.Tensor:
        """The experts of each token and their shares, by a kernel that writes them in place. Parameters: logits, correction, choices."""
        choices = self.inputs.io[CHOICES]
        args, out = [logits, *self.vector(weights.correction), choices], nn.Tensor.placeholder(choices.shape, choices.dtype)
        return nn.op.tensor_ir_inplace_op(kernel, "choose", args, len(args) - 1, out)

    @abstractmethod
    def attention(
        self, qkv: nn.Tensor, attention: Attention, state: str, qk_norm: Weight | None = None, sinks: Weight | None = None
    ) -> nn.Tensor: ...

    def remember(
        self, qkv: nn.Tensor, attention: Attention, state: str, qk_norm: Weight | None = None, sinks: Weight | None = None
    ) -> nn.Tensor:
        self.attention(qkv, attention, state, qk_norm, sinks)  # what nobody reads is left out
        return self.caches[state]

    @abstractmethod
    def recur(self, recurrence: Recurrence, state: str, *inputs: nn.Tensor, weights: Sequence[Weight] = ()) -> nn.Tensor: ...

    def recur_by(
        self,
        kernel: tirx.PrimFunc | TiledKernel,
        name: str,
        recurrence: Recurrence,
        state: str,
        inputs: Sequence[nn.Tensor],
        weights: Sequence[Weight],
    ) -> nn.Tensor:
        """As `recur`, by a kernel."""
        buffers = [buffer for weight in weights for buffer in self.vector(weight)]
        args = [*inputs, *buffers, self.inputs.io["state"], self.inputs.states[state]]
        return self.append(kernel, type(recurrence).__name__.lower() + name, args, recurrence.size)[1]

    @abstractmethod
    def embed_kernel(self, part: Part, count: int | None, scale: float, of_pictures: int = 0) -> tirx.PrimFunc:
        """Embeddings of the tokens whose rows of `count` are in a part of the table, times scale. Parameters: tokens, vectors where
        there are such (of_pictures: how many numbers each has), the part's buffers, out. None: the part has the rows of the call's tokens,
        one behind the other, and there is no parameter `tokens`."""

    @abstractmethod
    def add_norm_kernel(self, columns: int, *, scaled: bool) -> tirx.PrimFunc:
        """As `add_norm`. Parameters: x, norm, residual, scalar where `scaled`, out."""

    @abstractmethod
    def layer_inputs_kernel(self, size: int, count: int, first: int, outputs: int) -> tirx.PrimFunc:
        """As `layer_inputs`, of `outputs` of `count` layers, from the first on. Parameters: projected, rows, norm, an output of each."""

    @abstractmethod
    def taps_kernel(self, part: Part, taps: int) -> tirx.PrimFunc:
        """As `add_taps`. Parameters: x, taps, factors, the table's buffers, out."""

    @abstractmethod
    def layer_norm_kernel(self, x: nn.Tensor, columns: int, eps: float, *, bias: bool) -> tirx.PrimFunc:
        """As `layer_norm`. Parameters: x, weight, bias, out."""

    @abstractmethod
    def pool_kernel(self, columns: int, kinds: Sequence[Kind], *, several: bool) -> tirx.PrimFunc:
        """As `pool`, of several kinds. Parameters: x, state where there may be several texts, out."""

    def norm_parts(self, x: nn.Tensor, norm: Weight, sizes: tuple[int, ...], eps: float, *, gate: nn.Tensor | None = None) -> nn.Tensor:
        kernel = self.norm_parts_kernel(int(x.shape[1]), sizes, eps, None if gate is None else int(gate.shape[1]))
        args = [x, *self.vector(norm), *([] if gate is None else [gate])]
        return nn.op.tensor_ir_inplace_op(kernel, "norm_parts", args, 0, nn.Tensor.placeholder(x.shape, x.dtype))

    @abstractmethod
    def norm_parts_kernel(self, columns: int, sizes: tuple[int, ...], eps: float, gates: int | None) -> tirx.PrimFunc:
        """As `norm_parts`, where there is a gate of so many columns. Parameters: x, in place, norm, and the gate."""

    def vector(self, weight: Weight | None) -> list[nn.Tensor]:
        """The buffer of a weight that a kernel has or has not."""
        return [] if weight is None else self.buffers(weight)

    def append(self, kernel: tirx.PrimFunc, name: str, args: list[nn.Tensor], columns: int) -> tuple[nn.Tensor, nn.Tensor]:
        """Call a kernel that writes the cache, the last of `args`, in place: the cache, and what it computes for each token."""
        *inputs, cache = args
        outputs = [nn.Tensor.placeholder(cache.shape, cache.dtype), rows(inputs[0], columns)]
        cache, out = nn.op.tensor_ir_inplace_op(kernel, name, args, [len(inputs), -1], outputs)
        return cache, out

    def turned(
        self, kernel: tirx.PrimFunc, attention: Attention, state: str, args: list[nn.Tensor], places: list[nn.Tensor]
    ) -> tuple[nn.Tensor, nn.Tensor]:
        """Call rope_append: the cache with the call's keys and values, and the turned queries."""
        cache = self.caches.get(state, self.inputs.states[state])
        if attention.shared:
            return cache, nn.op.tensor_ir_op(kernel, "rope", args, rows(args[0], attention.query_size))
        self.caches[state], q = self.append(kernel, "rope_append", [*args, *places, cache], attention.query_size)
        return self.caches[state], q


@dataclass(frozen=True, eq=False)
class Call:
    """Of a kernel, with what it reads."""

    kernel: tirx.PrimFunc | TiledKernel
    name: str
    args: Sequence[nn.Tensor]


def in_turn(calls: Sequence[Call], outputs: Sequence[nn.Tensor]) -> Sequence[nn.Tensor]:
    """Outputs of which each call writes what its part of a weight has."""
    first, *others = calls
    made = nn.op.tensor_ir_op(first.kernel, first.name, list(first.args), list(outputs))
    for call in others:
        count = len(call.args)
        places = list(range(count, count + len(outputs)))
        made = nn.op.tensor_ir_inplace_op(call.kernel, call.name, [*call.args, *several(made)], places, list(outputs))
    return several(made)


def several(made: nn.Tensor | tuple[nn.Tensor, ...]) -> Sequence[nn.Tensor]:
    """The outputs of a call, of which the frontend gives a single one as it is."""
    return [made] if isinstance(made, nn.Tensor) else made


def row_count(x: nn.Tensor) -> int | None:
    """How many rows x has; None where they are as many as the call's tokens."""
    return x.shape[0] if isinstance(x.shape[0], int) else None


def kernel_name(kernel: str, matrix: Matrix, m: int = 1) -> str:
    """What the plan calls the kernel for weights of this shape, and for m vectors."""
    return "_".join([kernel, "x".join(str(extent) for extent in matrix.shape), *([f"rows{m}"] if m > 1 else [])])


def _columns(y: nn.Tensor, part: Part) -> nn.Tensor:
    """The columns of y[n] or y[m, n] that are outputs of a part's rows."""
    out = nn.Tensor.placeholder([*y.shape[:-1], part.rows], y.dtype)
    return nn.op.tensor_ir_op(computed.take(_shape(y), part.first, part.rows), "columns", [y], out)


def _shape(x: nn.Tensor) -> tuple[int | None, ...]:
    """None for a symbolic length."""
    return tuple(length if isinstance(length, int) else None for length in x.shape)


def _joined(parts: list[nn.Tensor], *, apart: bool = False) -> nn.Tensor:
    """apart: as a kernel of its own, whatever reads it."""
    rows, dtype = parts[0].shape[0], parts[0].dtype
    out = nn.Tensor.placeholder([rows, sum(int(part.shape[1]) for part in parts)], dtype)
    return nn.op.tensor_ir_op(computed.join(tuple(map(_shape, parts)), dtype, apart), "join", parts, out)
