"""What a tower needs beside the operators of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from webllm_build.model.ops import Function, Operators, Tensor
from webllm_build.model.weights import Weight


@dataclass(frozen=True)
class Convolution:
    """Over squares of kernel * kernel places around every stride-th one of a grid of side * side, with nothing beyond its ends. A channel
    has outputs / channels of its own, one behind the other; where it reads pixels, of pictures in patches of patch * patch, each output
    sees all channels."""

    side: int
    kernel: int
    stride: int
    channels: int
    outputs: int
    patch: int = 0

    @property
    def side_out(self) -> int:
        return self.side // self.stride

    @property
    def taps(self) -> int:
        """Numbers of a picture that an output is made of."""
        return self.kernel**2 * (self.channels if self.patch else 1)


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

    def convolve(self, x: Tensor | None, convolution: Convolution, weight: Weight, bias: Weight, activation: Function | None) -> Tensor:
        """Of rows x[m, channels], the places of pictures' grids row by row, what `convolution` makes of them plus bias[outputs], and of
        that the activation: [m / stride², outputs]. weight[taps * outputs]. x: None where it reads this call's patches."""

    def attend(self, qkv: Tensor, heads: int, count: int) -> Tensor:
        """Of qkv[m, 3 * heads * head_dim], the attention of each row to all `count` rows of its picture, with scores over the root of
        head_dim: [m, heads * head_dim]."""

    def squeeze(self, x: Tensor, count: int) -> Tensor:
        """The means of each `count` rows of x[m, k]: [m / count, k]."""

    def excite(self, x: Tensor, gates: Tensor, count: int) -> Tensor:
        """x[m, k], each `count` rows times a row of gates[m / count, k]."""
