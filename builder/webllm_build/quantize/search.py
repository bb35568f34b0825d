"""Scales for blocks of weights with the least squared error, each weight's error counted as important as it is.

The error of a block as a function of its scale has many local minima, one for each way to round. So a few scales are tried, each
replaced by the one that fits its codes best (linear least squares), and the best of them is improved by rounding and fitting again.
Everything is judged with scales as they will be stored, in float16: none of those tried is better than the result.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from webllm_build.quantize import native
from webllm_build.quantize.scheme import GROUP, Importance, half_scales

Blocks = npt.NDArray[np.float32]  # [blocks, GROUP]: weights, or codes
Column = npt.NDArray[np.float32]  # [blocks, 1]

REFINEMENTS = 2
SMALLEST, LARGEST = 2.0**-24, 65504.0  # of float16's positive numbers
FLOOR = 1e-4  # importance, of the block's largest, that every weight has: no calibration sees all


def symmetric(
    values: npt.NDArray[np.float32], importance: Importance | None, codes: tuple[int, int], extremes: Sequence[float]
) -> tuple[Column, npt.NDArray[np.int8]]:
    """Scales (float16 values) and codes for value ≈ code * scale, codes from codes[0] to codes[1]. The loops are search.c's.

    values: [n, k]. Scales are tried that bring a block's largest value, with its sign, to each of the extremes.
    Raises OverflowError where a scale is too large for float16.
    """
    return native.symmetric(values.reshape(-1, GROUP), _relative(importance), codes, np.array(extremes, np.float32), REFINEMENTS)


def affine(
    values: npt.NDArray[np.float32], importance: Importance | None, most: int, margins: Sequence[float]
) -> tuple[Column, Column, Blocks]:
    """Scales, minimums (both float16 values) and codes for value ≈ code * scale + minimum, codes from 0 to most.

    values: [n, k]. Grids are tried that leave each pair of the margins, in codes, between their ends and the block's extremes.
    Raises OverflowError where a scale or minimum is too large for float16.
    """
    x = values.reshape(-1, GROUP)
    weights = _weights(importance, x)
    total = weights.sum(1, keepdims=True)
    low, high, mean = x.min(1, keepdims=True), x.max(1, keepdims=True), _dot(x, weights) / total
    scale, minimum, gain = np.zeros_like(low), _stored(mean), np.full_like(low, -np.inf)
    for pair in (*((below, above) for below in margins for above in margins), *[None] * REFINEMENTS):
        if pair is None:
            tried = scale, minimum
        else:
            step = (high - low) / np.float32(most + sum(pair))
            tried = _stored(step, least=SMALLEST), _stored(low + step * np.float32(pair[0]))
        q = _nearest(x - tried[1], tried[0], (0, most))
        q_mean = _dot(q, weights) / total
        centred = q - q_mean
        weighted = centred * weights
        product, square = _dot(x - mean, weighted), _dot(centred, weighted)
        fitted = _nearest_stored(_divide(product, square))
        for s, m in (tried, (fitted, _nearest_stored(mean - fitted * q_mean))):
            offset = mean - m - s * q_mean
            pair_gain = s * (2 * product - s * square) - total * offset * offset  # the squared error is sum((x - mean)²) less this
            better = pair_gain > gain
            scale, minimum = np.where(better, s, scale), np.where(better, m, minimum)
            gain = np.where(better, pair_gain, gain)
    return scale, minimum, _nearest(x - minimum, scale, (0, most))


def _weights(importance: Importance | None, x: Blocks) -> Blocks:
    """How much the error of each value of x counts."""
    relative = _relative(importance)
    return np.tile(relative, (len(x) // len(relative), 1))


def _relative(importance: Importance | None) -> Blocks:
    """How much the error of each value of a row counts: at most 1, which the most important of its block has."""
    if importance is None:
        return np.ones((1, GROUP), np.float32)
    blocks = importance.reshape(-1, GROUP)
    largest = blocks.max(1, keepdims=True)
    relative: Blocks = np.maximum(np.divide(blocks, largest, out=np.ones_like(blocks), where=largest > 0), np.float32(FLOOR))
    return relative


def _nearest(x: Blocks, scale: Column, codes: tuple[int, int]) -> Blocks:
    """The codes nearest to x / scale; those nearest to 0 where the scale is 0."""
    q = x * _divide(np.ones_like(scale), scale)
    np.rint(q, out=q)
    return np.clip(q, *codes, out=q)


def _dot(a: Blocks, b: Blocks) -> Column:
    """Sums of products over each block."""
    sums: Column = np.einsum("bi,bi->b", a, b)[:, None]
    return sums


def _divide(a: Column, b: Column) -> Column:
    """a / b, and 0 where b is 0."""
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)


def _nearest_stored(value: Column) -> Column:
    """The nearest float16 values, the largest one for all beyond it."""
    return _stored(np.clip(value, -LARGEST, LARGEST))


def _stored(value: Column, least: float = 0.0) -> Column:
    """The nearest float16 values. Those that would vanish, but are not 0, become `least` in size."""
    stored = half_scales(value).astype(np.float32)
    return np.where((stored == 0) & (value != 0), np.copysign(np.float32(least), value), stored)
