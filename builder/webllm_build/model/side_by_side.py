"""Two blocks in the place of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from webllm_build.model.attention import Rope
from webllm_build.model.layers import Block, Description
from webllm_build.model.names import Place
from webllm_build.model.ops import Operators, Tensor
from webllm_build.model.state import State
from webllm_build.model.weights import Weight


@dataclass(frozen=True)
class SideBySide:
    """Both have the same input, behind one norm, and what they make is added."""

    first: Description
    second: Description

    @property
    def sizes(self) -> Mapping[str, int]:
        return {**self.first.sizes, **self.second.sizes}

    def at(self, place: Place, hidden: int) -> _SideBySide:
        return _SideBySide(self.first.at(place, hidden), self.second.at(place, hidden))


@dataclass(frozen=True, eq=False)
class _SideBySide:
    first: Block
    second: Block

    @property
    def weights(self) -> tuple[Weight, ...]:
        return (*self.first.weights, *self.second.weights)

    @property
    def states(self) -> tuple[State, ...]:
        return (*self.first.states, *self.second.states)

    @property
    def ropes(self) -> tuple[Rope, ...]:
        return (*self.first.ropes, *self.second.ropes)

    def __call__(self, ops: Operators[Tensor], x: Tensor, norm: Weight | None, residual: Tensor | None) -> Tensor:
        return self.second(ops, x, norm, self.first(ops, x, norm, residual))
