"""A tower's operators in NumPy: what its kernels must agree with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from webllm_build.model.attention import Attention, Rope
from webllm_build.model.numpy_operators import Array, NumpyOperators
from webllm_build.model.ops import Function
from webllm_build.model.vision.ops import Convolution
from webllm_build.model.vision.tower import Tower
from webllm_build.model.weights import Weight
from webllm_build.source.checkpoint import Checkpoint

Integers = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Pictures:
    """What a call of a tower reads, as its io buffers have it, for m patches: patches float32[m, width], taps int32[m, taps], factors
    float32[m, taps], spans int32[m, 2] each, and positions of each axis int32[m, axes]."""

    patches: npt.NDArray[np.float32]
    taps: Integers
    factors: npt.NDArray[np.float32]
    spans: Sequence[Integers]
    positions: Integers

    def neighbours(self, count: int) -> Integers:
        """int32[m, count]: of each patch those in a square around it, row by row, -1 outside of its picture."""
        side = math.isqrt(count)
        places = [(begin, row, column) for (begin, _), (row, column) in zip(self.spans[0].tolist(), self.positions.tolist(), strict=True)]
        numbers = {place: number for number, place in enumerate(places)}
        around = [(row - side // 2, column - side // 2) for row in range(side) for column in range(side)]
        found = [[numbers.get((begin, row + down, column + across), -1) for down, across in around] for begin, row, column in places]
        return np.array(found, np.int32)


class NumpyTowerOperators(NumpyOperators):
    """Evaluates a tower over all patches of some pictures."""

    def __init__(self, checkpoint: Checkpoint, norm_eps: float, pictures: Pictures, dtype: type[np.floating[Any]] = np.float64) -> None:
        super().__init__(checkpoint, norm_eps, range(len(pictures.patches)), dtype)
        self.pictures = pictures

    def patches(self) -> Array:
        return self.pictures.patches.astype(self.dtype)

    def add_taps(self, x: Array, table: Weight) -> Array:
        taken = self.rows(table)[self.pictures.taps] * self.pictures.factors[..., None]
        y: Array = x + taken.sum(1)
        return y

    def rows(self, table: Weight) -> Array:
        return table.values(self.checkpoint).astype(self.dtype)

    def neighbours(self, count: int) -> Integers:
        return self.pictures.neighbours(count)

    def mean(self, x: Array, count: int) -> Array:
        y: Array = x.reshape(len(x), count, -1).mean(1)
        return y

    def part(self, x: Array, number: int, count: int, group: int) -> Array:
        y: Array = x.reshape(len(x), group, count, -1)[:, :, number].reshape(len(x), -1)
        return y

    def convolve(self, x: Array | None, convolution: Convolution, weight: Weight, bias: Weight, activation: Function | None) -> Array:
        side, kernel, patch = convolution.side, convolution.kernel, convolution.patch
        if x is None:
            grid = side // patch
            squares = self.patches()[:, : convolution.channels * patch**2].reshape(-1, grid, grid, convolution.channels, patch, patch)
            given = squares.transpose(0, 1, 4, 2, 5, 3).reshape(-1, side, side, convolution.channels)
        else:
            given = np.repeat(x, convolution.outputs // convolution.channels, axis=1).reshape(-1, side, side, convolution.outputs)
        given = np.pad(given, [(0, 0), (kernel // 2, kernel // 2), (kernel // 2, kernel // 2), (0, 0)])
        taps = self.vector(weight).reshape(-1, kernel, kernel, convolution.outputs)
        y = np.zeros((len(given), convolution.side_out, convolution.side_out, convolution.outputs), self.dtype)
        for row in range(kernel):
            for column in range(kernel):
                shown = given[:, row : row + side : convolution.stride, column : column + side : convolution.stride]
                y += shown * taps[0, row, column] if x is not None else shown @ taps[:, row, column]
        y = (y + self.vector(bias)).reshape(-1, convolution.outputs)
        return y if activation is None else self.activate(y, activation)

    def attend(self, qkv: Array, heads: int, count: int) -> Array:
        q, k, v = qkv.reshape(-1, count, 3, heads, qkv.shape[1] // 3 // heads).transpose(2, 0, 3, 1, 4)
        scores = q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1])
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        mixed: Array = (weights / weights.sum(-1, keepdims=True) @ v).swapaxes(1, 2).reshape(len(qkv), -1)
        return mixed

    def squeeze(self, x: Array, count: int) -> Array:
        y: Array = x.reshape(-1, count, x.shape[1]).mean(1)
        return y

    def excite(self, x: Array, gates: Array, count: int) -> Array:
        return x * np.repeat(gates, count, axis=0)

    def angles(self, rope: Rope, m: int) -> Array:
        turned: Array = self.pictures.positions[:, rope.axes or [0]] * np.asarray(rope.inv_freq)
        return turned

    def seen(self, attention: Attention, m: int) -> npt.NDArray[np.bool_]:
        first, last = self.pictures.spans[attention.span or 0].T[..., None]
        seen: npt.NDArray[np.bool_] = (np.arange(m) >= first) & (np.arange(m) <= last)
        return seen


def vectors(tower: Tower, checkpoint: Checkpoint, pictures: Pictures, dtype: type[np.floating[Any]] = np.float64) -> Array:
    """What a tower makes of pictures: [groups, columns]."""
    return vectors_by(tower, NumpyTowerOperators(checkpoint, tower.norm_eps, pictures, dtype))


def vectors_by(tower: Tower, operators: NumpyTowerOperators) -> Array:
    states = tower.hidden(operators)
    operators.norm_eps = tower.project_eps
    return tower.pictures(operators, states.reshape(-1, tower.projector.group * tower.states_size))
