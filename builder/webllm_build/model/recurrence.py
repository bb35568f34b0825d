"""Layers that carry a state of fixed size from token to token: short convolutions, delta rules, state space models."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol


class Recurrence(Hashable, Protocol):
    """What a layer does along a sequence, as a frozen dataclass. By its type the compiler finds the kernels (compile/kernels/recurrence,
    compile/cpu/recurrence.py) and NumPy the same (numpy_recurrences.py); a new kind is one of these, an entry in these tables, and a test.

    At a sequence's beginning the state is zero.
    """

    @property
    def size(self) -> int:
        """Features of what it gives for a token."""

    @property
    def state_shape(self) -> tuple[int, ...]:
        """Of the float32 state of a sequence."""


@dataclass(frozen=True)
class Convolution:
    """A causal convolution of each channel: y[t] = bias + sum over i < kernel of taps[i] * u[t - kernel + 1 + i]; the state is the last
    kernel - 1 rows of u.

    size: channels. gated: the input is B, C and x side by side, [m, 3 * size], and u = B * x and the output C * y (LFM2's short
    convolution). Otherwise u is the columns of an input [m, width] from `first` on. silu: the output is silu(y).
    Its one weight is taps [kernel, size] and, where there is one, the bias [size] behind them.
    """

    size: int
    kernel: int
    width: int
    first: int = 0
    gated: bool = False
    bias: bool = False
    silu: bool = False

    @property
    def state_shape(self) -> tuple[int, ...]:
        return (self.kernel - 1, self.size)

    @property
    def parameters(self) -> int:
        """Elements of its weight."""
        return (self.kernel + self.bias) * self.size
