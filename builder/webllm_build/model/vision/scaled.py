"""Tensors of convolutional towers, times what stands behind them in the model: a layer's scale, or the norm of a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from webllm_build.model.weights import Floats, RowSource
from webllm_build.source.checkpoint import Checkpoint, Raw, Tensor, decode_rows

BATCH_EPS = 1e-5


@dataclass(frozen=True)
class Scaled:
    """Rows of a matrix (or equal parts of a vector), each with its number in the vectors `behind`: `of` makes values float32[rows, .] of
    those that are stored and of these vectors' elements."""

    source: RowSource
    behind: tuple[RowSource, ...]
    of: Callable[..., Floats] = field(compare=False)

    def names(self, checkpoint: Checkpoint) -> tuple[str, ...]:
        return tuple(name for source in (self.source, *self.behind) for name in source.names(checkpoint))

    def tensor(self, checkpoint: Checkpoint) -> Tensor:
        """Raises what the sources raise."""
        tensor, behind = self.source.tensor(checkpoint), [source.tensor(checkpoint) for source in self.behind]

        def rows(first: int, end: int) -> Raw:
            taken = slice(first, end) if len(tensor.shape) > 1 else slice(None)
            vectors = [vector.dequantize().reshape(-1)[taken] for vector in behind]
            values = decode_rows(tensor.rows(first, end), tensor.encoding, tensor.name).reshape(len(vectors[0]), -1)
            made = self.of(values, *(vector[:, None] for vector in vectors))
            return np.ascontiguousarray(made.reshape(end - first, -1), np.float32).view(np.uint8)

        return replace(tensor, encoding="f32", rows=rows)


def scaled(values: Floats, scale: Floats) -> Floats:
    return values * scale


def normed(values: Floats, weight: Floats, variance: Floats) -> Floats:
    """Of a convolution before a batch norm."""
    return np.asarray(values * (weight / np.sqrt(variance + np.float32(BATCH_EPS))), np.float32)


def normed_bias(bias: Floats, weight: Floats, variance: Floats, mean: Floats) -> Floats:
    """Of a batch norm behind a convolution without one."""
    return np.asarray(bias - mean * weight / np.sqrt(variance + np.float32(BATCH_EPS)), np.float32)
