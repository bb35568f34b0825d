"""The operators of a model in NumPy, with no cache: what kernels must agree with (float64), and activations to calibrate by (float32)."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from webllm_build.model.attention import Attention, Rope
from webllm_build.model.numpy_recurrences import RECURRENCES, silu
from webllm_build.model.ops import CLAMP, LAPLACE, LEAK, SLOPE, Activation, Function, check_linear, is_gated
from webllm_build.model.recurrence import Recurrence
from webllm_build.model.routing import ExpertWeights, Routing
from webllm_build.model.weights import Weight
from webllm_build.source.checkpoint import Checkpoint, Tensor, decode_rows
from webllm_build.source.embedding import Pooling

Array = npt.NDArray[np.floating[Any]]
Slice = Callable[[], npt.NDArray[np.float32]]  # reads some rows of a weight, float32[rows, columns]

_SLICE_VALUES = 1 << 19  # weights decoded at a time: they stay in a cache


def clamped_silu(x: Array) -> Array:
    x = np.minimum(x, CLAMP)
    y: Array = x / (1 + np.exp(-SLOPE * x))
    return y


def gelu_tanh(x: Array) -> Array:
    y: Array = x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return y


def gelu(x: Array) -> Array:
    y: Array = x / 2 * (1 + np.vectorize(math.erf, otypes=[x.dtype])(x / math.sqrt(2)))
    return y


def laplace(x: Array) -> Array:
    mean, deviation = LAPLACE
    y: Array = (1 + np.vectorize(math.erf, otypes=[x.dtype])((x - mean) / (deviation * math.sqrt(2)))) / 2
    return y


ACTIVATIONS: Mapping[str, Callable[[Array], Array]] = {
    "gelu": gelu,
    "gelu_10": lambda x: np.clip(gelu(x), -10, 10),
    "gelu_quick": lambda x: x / (1 + np.exp(-SLOPE * x)),
    "gelu_tanh": gelu_tanh,
    "hard_swish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "laplace": laplace,
    "leaky_relu": lambda x: np.maximum(x, x * LEAK),
    "linear": lambda x: x,
    "mish": lambda x: x * np.tanh(np.logaddexp(x.dtype.type(0), x)),
    "relu": lambda x: np.maximum(x, 0),
    "relu2": lambda x: np.maximum(x, 0) ** 2,
    "relu6": lambda x: np.clip(x, 0, 6),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "silu": silu,
    "tanh": np.tanh,
    "clamped_silu": clamped_silu,
}


def gated(activation: Activation, y: Array) -> Array:
    """The channels of a gated unit, of its gates and ups [m, 2 * channels]."""
    gate, up = y[:, 0::2], y[:, 1::2]
    if activation == "clamped_silu_mul":
        up = np.clip(up, -CLAMP, CLAMP) + 1
    return ACTIVATIONS[activation.removesuffix("_mul")](gate) * up


def choose(routing: Routing, logits: Array, correction: Array | None = None) -> tuple[npt.NDArray[np.int64], Array]:
    """The chosen experts of each row of logits[m, count], and their shares: [m, chosen] both."""
    if routing.scores == "sigmoid":
        scores = 1 / (1 + np.exp(-logits))
    else:
        scores = np.exp(logits - logits.max(1, keepdims=True))
        scores /= scores.sum(1, keepdims=True)
    ranked = scores if correction is None else scores + correction
    ids = np.argsort(-ranked, axis=1, kind="stable")[:, : routing.chosen]
    shares = np.take_along_axis(scores, ids, 1)
    if routing.normalised:
        shares = shares / (shares.sum(1, keepdims=True) + routing.epsilon)
    return ids, shares * routing.scale


def picture_ends(tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Of each token the last one of its picture, which is a run of negative ids, or its own place."""
    ends = np.arange(len(tokens))
    for place in reversed(range(len(tokens) - 1)):
        if tokens[place] < 0 and tokens[place + 1] < 0:
            ends[place] = ends[place + 1]
    return ends


class NumpyOperators:
    """Evaluates a model over a whole sequence of token ids. Weights are read when they are used, a slice at a time, and not kept."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        norm_eps: float,
        tokens: Sequence[int],
        dtype: type[np.floating[Any]] = np.float64,
        vectors: Array | None = None,
        positions: npt.NDArray[np.int32] | None = None,
    ) -> None:
        """vectors: of the tokens with negative ids, [tokens, columns]. positions: of each token
        by axis, where it has several, [tokens, axes]."""
        self.checkpoint, self.vectors, self.positions = checkpoint, vectors, positions
        self.norm_eps = norm_eps
        self.tokens = np.asarray(tokens)
        self.dtype = dtype
        self._caches: dict[str, tuple[Array, Array]] = {}  # keys and values of all tokens, by state

    def embed(self, table: Weight, *, scale: float = 1.0) -> Array:
        (tensor,) = table.tensors(self.checkpoint)
        rows = np.concatenate([tensor.rows(token, token + 1) for token in np.maximum(self.tokens, 0).tolist()])
        x: Array = decode_rows(rows, tensor.encoding, tensor.name).astype(self.dtype) * scale
        return x if self.vectors is None or not table.resident else np.where(self.tokens[:, None] < 0, self.vectors[:, : x.shape[1]], x)

    def add_deep(self, x: Array, number: int) -> Array:
        if self.vectors is None:
            return x
        part = self.vectors[:, (number + 1) * x.shape[1] : (number + 2) * x.shape[1]]
        return x + np.where(self.tokens[:, None] < 0, part, 0)

    def linear(
        self,
        x: Array,
        weight: Weight,
        *,
        norm: Weight | None = None,
        bias: Weight | None = None,
        residual: Array | None = None,
        factor: Array | None = None,
        activation: Activation = "none",
        scale: float = 1.0,
        softcap: float | None = None,
    ) -> Array:
        check_linear(residual, factor, activation)
        y = self.multiply(x if norm is None else self.normalise(x, self.vector(norm), self.norm_eps), weight)
        if bias is not None:
            y = y + self.vector(bias)
        if is_gated(activation):
            return gated(activation, y)
        if activation != "none":
            y = ACTIVATIONS[activation](y)
            return y if factor is None else y * factor
        y = y if scale == 1 else y * scale
        y = y if softcap is None else softcap * np.tanh(y / softcap)
        return y if residual is None else y + residual

    def norm(self, x: Array, norm: Weight) -> Array:
        return self.normalise(x, self.vector(norm), self.norm_eps)

    def layer_norm(self, x: Array, weight: Weight, bias: Weight | None = None, eps: float | None = None) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        y = self.normalise(centred, self.vector(weight), self.norm_eps if eps is None else eps)
        return y if bias is None else y + self.vector(bias)

    def convolve_grid(self, gates: Array, taps: Weight) -> Array:
        before, behind, x = np.split(gates, 3, axis=1)
        gated = np.concatenate([before * x, np.zeros_like(x[:1])])  # which -1 is, that is outside
        factors = self.vector(taps).reshape(-1, x.shape[1])
        y: Array = behind * (gated[self.neighbours(len(factors))] * factors).sum(1)
        return y

    def neighbours(self, count: int) -> npt.NDArray[np.int32]:
        """Of each patch of pictures."""
        raise ValueError("tokens of text lie on no grid")

    def add_positions(self, x: Array, positions: Weight, token_type: Weight | None = None, *, whole: bool) -> Array:
        y: Array = x + self.vector(positions).reshape(-1, x.shape[1])[: len(x)]
        return y if token_type is None else y + self.vector(token_type)

    def pool(self, x: Array, kind: Pooling, *, several: bool = False) -> Array:
        y: Array = {"cls": x[:1], "last": x[-1:], "mean": x.mean(0, keepdims=True)}[kind]
        return y

    def add_norm(self, x: Array, norm: Weight, residual: Array, scalar: Weight | None = None) -> Array:
        y: Array = residual + self.normalise(x, self.vector(norm), self.norm_eps)
        return y if scalar is None else y * self.vector(scalar)

    def add_gated(self, x: Array, norm: Weight, gate: Weight, y: Array, residual: Array) -> Array:
        share = 1 / (1 + np.exp(-self.norm(x, norm) @ self.vector(gate)))
        added: Array = residual + y * share[:, None]
        return added

    def layer_inputs(self, projected: Array, rows: Array, norm: Weight, layers: range) -> Sequence[Array]:
        m, (size,) = len(rows), norm.shape
        normed = self.normalise(projected.reshape(m, -1, size), self.vector(norm), self.norm_eps)
        given: Array = (normed + rows.reshape(m, -1, size)) * self.dtype(0.5**0.5)
        return [given[:, layer] for layer in layers]

    def norm_parts(self, x: Array, norm: Weight, sizes: tuple[int, ...], eps: float, *, gate: Array | None = None) -> Array:
        *parts, rest = np.split(x, np.cumsum(sizes), axis=1)
        weights = np.split(self.vector(norm), np.cumsum(sizes)[:-1])
        normed = np.concatenate([self.normalise(*each, eps) for each in zip(parts, weights, strict=True)], axis=1)
        return np.concatenate([normed if gate is None else normed * silu(gate[:, : sum(sizes)]), rest], axis=1)

    def vector(self, weight: Weight) -> Array:
        return weight.values(self.checkpoint).astype(self.dtype)

    def normalise(self, x: Array, scale: Array, eps: float) -> Array:
        """RMS norm over the last axis (arXiv 1910.07467)."""
        y: Array = x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * scale
        return y

    def multiply(self, x: Array, weight: Weight) -> Array:
        """x[m, k] times weight[n, k] transposed."""
        y = np.concatenate(self.products(x, self._slices(weight)))
        return (y if weight.row_order is None else y[weight.row_order]).T

    def products(self, x: Array, slices: Iterable[Slice]) -> list[Array]:
        """Each slice of rows times x transposed, which is faster than the other way round, in rows as they are read."""
        return [rows().astype(self.dtype, copy=False) @ x.T for rows in slices]

    def experts(
        self,
        x: Array,
        routing: Routing,
        weights: ExpertWeights,
        *,
        activation: Activation,
        norm: Weight | None = None,
        residual: Array | None = None,
    ) -> Array:
        logits = self.linear(x, weights.router, norm=weights.router_norm or norm, bias=weights.router_bias)
        ids, shares = choose(routing, logits, None if weights.correction is None else self.vector(weights.correction))
        x = x if norm is None else self.norm(x, norm)
        pairs, share = ids.reshape(-1), shares.reshape(-1, 1)
        channels = gated(activation, self._of_experts(np.repeat(x, routing.chosen, axis=0), pairs, weights.gate_up, weights.gate_up_bias))
        y = self._of_experts(channels, pairs, weights.down, weights.down_bias) * share
        summed: Array = y.reshape(*ids.shape, -1).sum(1)
        return summed if residual is None else summed + residual

    def _of_experts(self, x: Array, ids: npt.NDArray[np.int64], weight: Weight, bias: Weight | None) -> Array:
        y = self.multiply_experts(x, ids, weight)
        return y if bias is None else y + self.vector(bias).reshape(weight.experts, -1)[ids]

    def multiply_experts(self, x: Array, ids: npt.NDArray[np.int64], weight: Weight) -> Array:
        """Each of x[m, k] times the matrix of its expert, [n, k], transposed."""
        y = np.empty((len(x), weight.shape[0] // weight.experts), self.dtype)
        experts = np.unique(ids)
        for expert, rows in zip(experts, self.rows_of_experts(weight, experts.tolist()), strict=True):
            y[ids == expert] = x[ids == expert] @ rows.T
        return y

    def rows_of_experts(self, weight: Weight, experts: Sequence[int]) -> Iterator[Array]:
        """The matrix of each of some experts, in the order of packing."""
        tensors = [(tensor, tensor.count // weight.experts) for tensor in weight.tensors(self.checkpoint)]
        for expert in experts:
            slices = [(tensor, tensor.rows(expert * count, (expert + 1) * count)) for tensor, count in tensors]
            rows = np.concatenate([decode_rows(raw, tensor.encoding, tensor.name) for tensor, raw in slices]).astype(self.dtype)
            yield rows if weight.row_order is None else rows[weight.row_order]

    def cached(self, keys_or_values: Array) -> Array:
        """What attention finds in the cache of rotated keys, or values, [kv_heads, m, head_dim]: all of it."""
        return keys_or_values

    def attention(self, qkv: Array, attention: Attention, state: str, qk_norm: Weight | None = None, sinks: Weight | None = None) -> Array:
        m, heads, head_dim = len(qkv), attention.heads, attention.head_dim
        qkv, gates = np.split(qkv, [attention.qkv_size - heads * attention.gate], axis=1)
        q, k, v = np.split(qkv.reshape(m, -1, head_dim).swapaxes(0, 1), [heads, heads + attention.own_kv_heads])
        frequencies = np.asarray(attention.rope.at_length(m))
        angles, scale = self.angles(attention.rope, m), np.where(frequencies == 0, 1, attention.rope.scale)
        cos, sin = ((part * scale).astype(self.dtype) for part in (np.cos(angles), np.sin(angles)))
        if attention.turn_first:
            q, k = (_rotate(part, cos, sin) for part in (q, k))
        if attention.qk_norm is not None and qk_norm is not None:
            of_queries, of_keys = self.vector(qk_norm).reshape(-1, head_dim)[[0, -1]]
            q, k = self.normalise(q, of_queries, attention.qk_norm), self.normalise(k, of_keys, attention.qk_norm)
            v = self.normalise(v, np.ones(1, self.dtype), attention.qk_norm) if attention.value_norm else v
        if not attention.turn_first:
            q, k = (_rotate(part, cos, sin) for part in (q, k))
        if not attention.shared:
            self._caches[state] = self.cached(k), self.cached(v)
        k, v = (np.repeat(part, attention.group, axis=0) for part in self._caches[state])
        if attention.growth is not None:
            q = q * (1 + attention.growth.rate * np.log1p(np.arange(m) // attention.growth.length))[:, None].astype(self.dtype)
        scores: Array = q @ k.swapaxes(1, 2) * attention.scale
        if attention.softcap is not None:
            scores = attention.softcap * np.tanh(scores / attention.softcap)
        scores[:, ~self.seen(attention, m)] = -np.inf
        if sinks is not None:  # a key whose value is nothing
            scores = np.concatenate([scores, np.broadcast_to(self.vector(sinks)[:, None, None], (heads, m, 1))], axis=-1)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        mixed: Array = (weights[..., :m] @ v).swapaxes(0, 1)
        if attention.gate:
            mixed = mixed / (1 + np.exp(-gates.reshape(m, heads, attention.gate)))
        return mixed.reshape(m, -1)

    def remember(self, qkv: Array, attention: Attention, state: str, qk_norm: Weight | None = None, sinks: Weight | None = None) -> Array:
        self.attention(qkv, attention, state, qk_norm, sinks)
        return np.stack(self._caches[state])

    def angles(self, rope: Rope, m: int) -> Array:
        """By which each pair of m tokens turns: [m, pairs]."""
        positions = np.arange(m)[:, None] if self.positions is None or rope.axes is None else self.positions[:, rope.axes]
        turned: Array = positions * np.asarray(rope.at_length(m))
        return turned

    def seen(self, attention: Attention, m: int) -> npt.NDArray[np.bool_]:
        """Which tokens each of m sees: [m, m]."""
        distance = np.arange(m)[:, None] - np.arange(m)
        behind = distance if attention.causal else abs(distance)
        is_near = np.arange(m) <= picture_ends(self.tokens)[:, None] if attention.ends else behind >= 0
        seen: npt.NDArray[np.bool_] = is_near & (behind < (attention.window or m))
        return seen

    def join(self, parts: list[Array]) -> Array:
        y: Array = np.concatenate(parts, axis=1)
        return y

    def clamp(self, x: Array, bounds: Weight, first: int) -> Array:
        low, high = self.vector(bounds)[first : first + 2]
        y: Array = np.clip(x, low, high)
        return y

    def clip(self, x: Array, limit: float) -> Array:
        return np.clip(x, -limit, limit)

    def activate(self, x: Array, activation: Function, *, factor: Array | None = None) -> Array:
        y = ACTIVATIONS[activation](x)
        return y if factor is None else y * factor

    def xielu(self, x: Array, weights: Weight) -> Array:
        positive, negative, linear, bound = self.vector(weights)
        below = (linear + negative) * (np.expm1(np.minimum(x, bound)) - x)
        y: Array = np.where(x > 0, positive * x * x, below) + linear * x
        return y

    def add(self, x: Array, y: Array) -> Array:
        z: Array = x + y
        return z

    def bare_norm(self, x: Array, *, factor: float = 1.0, affine: tuple[Weight, Weight] | None = None) -> Array:
        x = x * factor
        if affine is not None:
            bias, scale = (self.vector(weight) for weight in affine)
            x = (x - bias) * scale
        return self.normalise(x, np.ones(1, self.dtype), self.norm_eps)

    def recur(self, recurrence: Recurrence, state: str, *inputs: Array, weights: Sequence[Weight] = ()) -> Array:
        return RECURRENCES[type(recurrence)](recurrence, inputs, [self.vector(weight) for weight in weights])

    def _slices(self, weight: Weight) -> Iterator[Slice]:
        """The weight's rows in the checkpoint's order."""
        for tensor in weight.tensors(self.checkpoint):
            step = max(1, _SLICE_VALUES // tensor.shape[-1])
            for first in range(0, tensor.count, step):
                yield functools.partial(_decoded, tensor, first, min(first + step, tensor.count))


def _decoded(tensor: Tensor, first: int, end: int) -> npt.NDArray[np.float32]:
    return decode_rows(tensor.rows(first, end), tensor.encoding, tensor.name)


def _rotate(x: Array, cos: Array, sin: Array) -> Array:
    """Rotates adjacent pairs (2i, 2i + 1) of x[heads, m, head_dim] by angles of which cos and sin are [m, head_dim / 2]."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return np.stack([even * cos - odd * sin, even * sin + odd * cos], axis=-1).reshape(x.shape)
