"""The operators of a model in NumPy, float64, with no cache: what the compiler's kernels must agree with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from webllm_build.model.layers import Dimensions
from webllm_build.model.ops import Activation
from webllm_build.model.weights import Weight
from webllm_build.source.checkpoint import Checkpoint

Array = npt.NDArray[np.float64]


class NumpyOperators:
    """Evaluates a model over a whole sequence of token ids."""

    def __init__(self, checkpoint: Checkpoint, dims: Dimensions, tokens: Sequence[int]) -> None:
        self._checkpoint = checkpoint
        self._dims = dims
        self._tokens = np.asarray(tokens)

    def read(self, weight: Weight) -> Array:
        rows = np.concatenate([self._checkpoint.tensors[name].dequantize() for name in weight.sources]).astype(np.float64)
        return rows if weight.row_order is None else rows[weight.row_order]

    def embed(self, table: Weight) -> Array:
        rows: Array = self.read(table)[self._tokens]
        return rows

    def linear(
        self, x: Array, weight: Weight, *, norm: Weight | None = None, residual: Array | None = None, activation: Activation = "none"
    ) -> Array:
        if norm is not None:
            x = x / np.sqrt((x * x).mean(-1, keepdims=True) + self._dims.norm_eps) * self.read(norm)
        y = self.factors(x) @ self.read(weight).T
        if activation == "silu_mul":
            gate, up = y[:, 0::2], y[:, 1::2]
            y = gate / (1 + np.exp(-gate)) * up
        return y if residual is None else y + residual

    def factors(self, x: Array) -> Array:
        """What a matrix multiplies where the model says x[m, k]."""
        return x

    def attention(self, qkv: Array, layer: int) -> Array:
        dims = self._dims
        m, group = len(qkv), dims.num_heads // dims.num_kv_heads
        heads = qkv.reshape(m, -1, dims.head_dim)
        q, k, v = np.split(heads, [dims.num_heads, dims.num_heads + dims.num_kv_heads], axis=1)
        angles = np.arange(m)[:, None, None] * np.asarray(dims.inv_freq)
        k, v = np.repeat(_rotate(k, angles), group, axis=1), np.repeat(v, group, axis=1)
        scores = np.einsum("qhd,khd->hqk", _rotate(q, angles), k) / np.sqrt(dims.head_dim)
        scores[:, np.triu(np.ones((m, m), bool), 1)] = -np.inf
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        mixed: Array = np.einsum("hqk,khd->qhd", weights, v)
        return mixed.reshape(m, -1)


def _rotate(x: Array, angles: Array) -> Array:
    """Rotates adjacent pairs (2i, 2i + 1) of x[m, heads, head_dim]."""
    even, odd = x[..., 0::2], x[..., 1::2]
    rotated = np.stack([even * np.cos(angles) - odd * np.sin(angles), even * np.sin(angles) + odd * np.cos(angles)], axis=-1)
    return rotated.reshape(x.shape)
