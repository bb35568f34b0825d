"""A model's operators in NumPy with the roundings of the kernels: what each of them costs can be seen one at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from webllm_build.model.numpy_operators import Array, NumpyOperators
from webllm_build.model.weights import Weight
from webllm_build.quantize import GROUP
from webllm_build.source.checkpoint import Checkpoint

Values = npt.NDArray[np.float32]

_ROWS = 192  # of a weight at a time in half_product: what is worked on stays in the CPU's cache


def exact(x: Values) -> Values:
    return x


def half(x: Values) -> Values:
    """The nearest float16, by arithmetic: NumPy's conversions take ten times as long. |x| below 65504."""
    power = (x.view(np.uint32) & np.uint32(0xFF800000)).view(np.float32)  # of two, with x's sign
    # A sum with 1.5 * 2**13 times the power has float16's step as its own.
    shift = np.copysign(np.maximum(np.abs(power), np.float32(2**-14)), x) * np.float32(1.5 * 2**13)
    return x + shift - shift


def block_codes(x: Values) -> Values:
    """Signed bytes times a float32 scale for each block of 32 inputs: what matrices multiply in the integer variants.

    There integer products are summed exactly; here the same numbers are multiplied as float32.
    """
    return _codes(x.reshape(-1, GROUP)).reshape(x.shape)


def vector_codes(x: Values) -> Values:
    """Signed bytes times a float32 scale for each key and value of a head: the cache in 8 bits."""
    return _codes(x)


def _codes(x: Values) -> Values:
    largest = np.abs(x).max(-1, keepdims=True)
    scale = largest / np.float32(127)
    codes = np.rint(np.divide(x, scale, out=np.zeros_like(x), where=scale > 0))
    decoded: Values = codes * scale
    return decoded


Multiply = Callable[[Values, Values], Values]


def product(x: Values, weight: Values) -> Values:
    """x[m, k] times weight[n, k] transposed."""
    return x @ weight.T


def integer_product(x: Values, weight: Values) -> Values:
    return block_codes(x) @ weight.T


def half_product(x: Values, weight: Values) -> Values:
    """As prefill's float16 kernels do: factors in float16, four products summed with a rounding each, these sums in float32."""
    x, weight = half(x), half(weight)
    return np.concatenate([_half_product(x, rows.T) for rows in np.split(weight, range(_ROWS, len(weight), _ROWS))], axis=1)


def _half_product(x: Values, weight: Values) -> Values:
    weight = np.ascontiguousarray(weight)
    sums = np.zeros((len(x), weight.shape[1]), np.float32)
    for first in range(0, len(weight), 4):
        four = np.zeros_like(sums)
        for column in range(first, first + 4):
            four = half(four + x[:, column, None] * weight[column])
        sums += four
    return sums


@dataclass(frozen=True)
class Rounding:
    """multiply: a matrix product as a variant computes it. cached: what is left of keys and values [kv_heads, m, head_dim]."""

    multiply: Multiply = product
    cached: Callable[[Values], Values] = exact


class RoundedOperators(NumpyOperators):
    """float32, on given weights float32[n, k] in the order of Weight.row_order."""

    def __init__(
        self, checkpoint: Checkpoint, norm_eps: float, tokens: Sequence[int], weights: Mapping[str, Values], rounding: Rounding
    ) -> None:
        super().__init__(checkpoint, norm_eps, tokens, np.float32)
        self._weights = weights
        self._rounding = rounding

    def embed(self, table: Weight, *, scale: float = 1.0) -> Array:
        rows: Array = self._weights[table.name][self.tokens] * np.float32(scale)
        return rows

    def multiply(self, x: npt.NDArray[Any], weight: Weight) -> Array:
        return self._rounding.multiply(x, self._weights[weight.name])

    def cached(self, keys_or_values: npt.NDArray[Any]) -> Array:
        return self._rounding.cached(keys_or_values)
