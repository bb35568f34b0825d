"""Layers that carry a state of fixed size from token to token: short convolutions, delta rules, state space models."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol


class Recurrence(Hashable, Protocol):
    """What a layer does along a sequence, as a frozen dataclass. By its type the compiler finds the kernel (compile/kernels/recurrence.py)
    and NumPy the same (numpy_operators.py); a new kind is one of these, an entry in both tables, and a test.

    At a sequence's beginning the state is zero.
    """

    @property
    def size(self) -> int:
        """Features of what it gives for a token."""

    @property
    def state_shape(self) -> tuple[int, ...]:
        """Of the float32 state of a sequence."""
