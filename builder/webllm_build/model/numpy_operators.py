"""The operators of a model in NumPy, with no cache: what kernels must agree with (float64), and activations to calibrate by (float32)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from webllm_build.model.layers import Dimensions
from webllm_build.model.ops import Activation
from webllm_build.model.weights import Weight
from webllm_build.source.checkpoint import Checkpoint, decode_rows

Array = npt.NDArray[np.floating[Any]]

_SLICE_VALUES = 1 << 22  # weights decoded at a time


class NumpyOperators:
    """Evaluates a model over a whole sequence of token ids. Weights are read when they are used, a slice at a time, and not kept."""

    def __init__(self, checkpoint: Checkpoint, dims: Dimensions, tokens: Sequence[int], dtype: type[np.floating[Any]] = np.float64) -> None:
        self.checkpoint = checkpoint
        self.dims = dims
        self.tokens = np.asarray(tokens)
        self.dtype = dtype

    def embed(self, table: Weight) -> Array:
        tensor = self.checkpoint.tensors[table.sources[0]]
        return decode_rows(tensor.read()[self.tokens], tensor.encoding, tensor.name).astype(self.dtype)

    def linear(
        self, x: Array, weight: Weight, *, norm: Weight | None = None, residual: Array | None = None, activation: Activation = "none"
    ) -> Array:
        if norm is not None:
            scale = np.concatenate([self.checkpoint.tensors[name].dequantize() for name in norm.sources]).astype(self.dtype)
            x = x / np.sqrt((x * x).mean(-1, keepdims=True) + self.dims.norm_eps) * scale
        y = self.multiply(x, weight)
        if activation != "none":
            gate, up = y[:, 0::2], y[:, 1::2]
            y = _GATES[activation](gate) * up
        return y if residual is None else y + residual

    def multiply(self, x: Array, weight: Weight) -> Array:
        """x[m, k] times weight[n, k] transposed."""
        y = np.concatenate([x @ rows.T for rows in self._slices(weight)], axis=1)
        return y if weight.row_order is None else y[:, weight.row_order]

    def cached(self, keys_or_values: Array) -> Array:
        """What attention finds in the cache of rotated keys, or values, [kv_heads, m, head_dim]: all of it."""
        return keys_or_values

    def attention(self, qkv: Array, layer: int) -> Array:
        dims = self.dims
        m, group = len(qkv), dims.num_heads // dims.num_kv_heads
        heads = qkv.reshape(m, -1, dims.head_dim).swapaxes(0, 1)
        q, k, v = np.split(heads, [dims.num_heads, dims.num_heads + dims.num_kv_heads])
        angles = np.arange(m)[:, None] * np.asarray(dims.inv_freq)
        cos, sin = np.cos(angles).astype(self.dtype), np.sin(angles).astype(self.dtype)
        k, v = (np.repeat(self.cached(part), group, axis=0) for part in (_rotate(k, cos, sin), v))
        scores: Array = _rotate(q, cos, sin) @ k.swapaxes(1, 2) / math.sqrt(dims.head_dim)
        scores[:, np.triu(np.ones((m, m), bool), 1)] = -np.inf
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        mixed: Array = weights @ v
        return mixed.swapaxes(0, 1).reshape(m, -1)

    def _slices(self, weight: Weight) -> Iterator[Array]:
        """The weight's rows in the checkpoint's order."""
        for name in weight.sources:
            tensor = self.checkpoint.tensors[name]
            raw, step = tensor.read(), max(1, _SLICE_VALUES // tensor.shape[-1])
            for first in range(0, len(raw), step):
                yield decode_rows(raw[first : first + step], tensor.encoding, name).astype(self.dtype, copy=False)


def _rotate(x: Array, cos: Array, sin: Array) -> Array:
    """Rotates adjacent pairs (2i, 2i + 1) of x[heads, m, head_dim] by angles of which cos and sin are [m, head_dim / 2]."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return np.stack([even * cos - odd * sin, even * sin + odd * cos], axis=-1).reshape(x.shape)


def _silu(x: Array) -> Array:
    y: Array = x / (1 + np.exp(-x))
    return y


def _gelu_tanh(x: Array) -> Array:
    y: Array = x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return y


_GATES: Mapping[Activation, Callable[[Array], Array]] = {"silu_mul": _silu, "gelu_tanh_mul": _gelu_tanh}
