"""Scales for blocks of weights with the least squared error, each weight's error counted as important as it is. The loops are search.c's.

The error of a block as a function of its scale has many local minima, one for each way to round. So a few scales are tried, each
replaced by the one that fits its codes best (linear least squares), and the best of them is improved by rounding and fitting again.
Everything is judged with scales as they will be stored, in float16: none of those tried is better than the result.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from webllm_build.quantize import native
from webllm_build.quantize.scheme import GROUP, Importance, Rows

Values = npt.NDArray[np.float32]  # [n, k]

REFINEMENTS = 1
FLOOR = 1e-4  # importance, of the block's largest, that every weight has: no calibration sees all


def symmetric(values: Values, importance: Importance | None, codes: tuple[int, int], extremes: Sequence[float], block_bytes: int) -> Rows:
    """Scales and codes for value ≈ code * scale, codes from codes[0] to codes[1]: blocks of Q4_0 (codes from -8 to 7) or Q8_0.

    Scales are tried that bring a block's largest value, with its sign, to each of the extremes.
    Raises OverflowError where a scale is too large for float16.
    """
    blocks = native.symmetric(values.reshape(-1, GROUP), _relative(importance), codes, _floats(extremes), REFINEMENTS, block_bytes)
    return blocks.reshape(len(values), -1)


def affine(values: Values, importance: Importance | None, most: int, margins: Sequence[float], block_bytes: int) -> Rows:
    """Scales, minimums and codes for value ≈ code * scale + minimum, codes from 0 to most: blocks of Q4_1.

    Grids are tried that leave each pair of the margins, in codes, between their ends and the block's extremes.
    Raises OverflowError where a scale or minimum is too large for float16.
    """
    pairs = _floats([(below, above) for below in margins for above in margins])
    blocks = native.affine(values.reshape(-1, GROUP), _relative(importance), most, pairs, REFINEMENTS, block_bytes)
    return blocks.reshape(len(values), -1)


def _floats(numbers: Sequence[float] | Sequence[tuple[float, float]]) -> npt.NDArray[np.float32]:
    return np.array(numbers, np.float32)


def _relative(importance: Importance | None) -> npt.NDArray[np.float32]:
    """How much the error of each value of a row counts, [blocks, GROUP]: at most 1, which the most important of its block has."""
    if importance is None:
        return np.ones((1, GROUP), np.float32)
    blocks = importance.reshape(-1, GROUP)
    largest = blocks.max(1, keepdims=True)
    relative: npt.NDArray[np.float32] = np.divide(blocks, largest, out=np.ones_like(blocks), where=largest > 0)
    return np.maximum(relative, np.float32(FLOOR), out=relative)
