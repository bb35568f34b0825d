"""What a tower needs beside the operators of text."""

from __future__ import annotations

from typing import Protocol

from webllm_build.model.ops import Operators, Tensor
from webllm_build.model.weights import Weight


class TowerOperators(Operators[Tensor], Protocol[Tensor]):
    """Operators over the m patches of a call, of any number of pictures."""

    def patches(self) -> Tensor:
        """This call's patches, as pictures are made into them: [m, width]."""

    def add_taps(self, x: Tensor, table: Weight) -> Tensor:
        """x[m, k] + the sum over t of factors[i, t] * table[taps[i, t]] for patch i of this call: learnt positions, between rows
        of table[., k] where a picture has other sizes than that."""

    def part(self, x: Tensor, number: int, count: int, group: int) -> Tensor:
        """Of x[m, group * count * k], which has `group` states of `count` parts each, one part of all states: [m, group * k]."""

    def mean(self, x: Tensor, count: int) -> Tensor:
        """The mean of the `count` parts, side by side, of each row of x[m, count * k]: [m, k]."""
