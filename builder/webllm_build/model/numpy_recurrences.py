"""Recurrences in NumPy, over a whole sequence from its beginning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from webllm_build.model.recurrence import Convolution, Recurrence

Array = npt.NDArray[np.floating[Any]]


def silu(x: Array) -> Array:
    y: Array = x / (1 + np.exp(-x))
    return y


def convolution(kind: Convolution, inputs: Sequence[Array], weights: Sequence[Array]) -> Array:
    (x,), (parameters,) = inputs, weights
    rows = parameters.reshape(-1, kind.size)
    u, gate = x[:, kind.first : kind.first + kind.size], None
    if kind.gated:
        before, gate, of = np.split(x, 3, axis=1)
        u = before * of
    padded = np.concatenate([np.zeros((kind.kernel - 1, kind.size), x.dtype), u])
    y: Array = sum(rows[i] * padded[i : i + len(x)] for i in range(kind.kernel)) + (rows[kind.kernel] if kind.bias else 0)
    y = silu(y) if kind.silu else y
    return y if gate is None else gate * y


# By the type of a recurrence: its values [m, size], from it, its inputs [m, .] and its weights.
RECURRENCES: dict[type[Recurrence], Callable[[Any, Sequence[Array], Sequence[Array]], Array]] = {Convolution: convolution}
