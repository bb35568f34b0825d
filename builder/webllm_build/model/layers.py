"""A layer of a decoder: what mixes tokens, and a feed-forward block. A difference between models is an argument, not a copy.

An architecture describes its layers; a description makes the layer itself, with its weights, where the decoder puts it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from webllm_build.errors import UnsupportedArchitecture
from webllm_build.model.attention import Rope
from webllm_build.model.names import Part, Place
from webllm_build.model.ops import Operators, Tensor
from webllm_build.model.state import State
from webllm_build.model.weights import Weight

Norms = Literal["before", "around"]  # of a block: on its input, or on its input and on its output


class Block(Protocol):
    """A half of a layer with its weights, in the order of the plan, the states that it reads and writes, and its rotary tables."""

    @property
    def weights(self) -> tuple[Weight, ...]: ...

    @property
    def states(self) -> tuple[State, ...]: ...

    @property
    def ropes(self) -> tuple[Rope, ...]: ...

    def __call__(self, ops: Operators[Tensor], x: Tensor, norm: Weight | None, residual: Tensor | None) -> Tensor:
        """What it makes of x[m, hidden], normalised by `norm` first, added to the residual: [m, hidden]."""


class Description(Protocol):
    """What makes a block: a mixer of tokens or a feed-forward block, as a frozen dataclass."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """By their names in messages: the lengths of rows of its matrices, beside the hidden size."""

    def at(self, place: Place, hidden: int) -> Block:
        """The block at a place, over `hidden` features."""


@dataclass(frozen=True)
class Layer:
    """A mixer (attention, a recurrence) and a feed-forward block, each added to its input."""

    mixer: Description
    feed_forward: Description
    norms: Norms = "before"

    def at(self, place: Place, hidden: int) -> PlacedLayer:
        """Raises UnsupportedArchitecture for sizes that kernels do not have."""
        sizes = {"hidden_size": hidden, **self.feed_forward.sizes, **self.mixer.sizes}
        odd = [f"{name} is {size}" for name, size in sizes.items() if size % 32]
        if odd:
            raise UnsupportedArchitecture(f"Sizes that are not multiples of 32: {', '.join(odd)}", "Weights are in blocks of 32.")
        return PlacedLayer(self, place, hidden)


class PlacedLayer:
    """A layer with its weights, in the order of the plan, the states that it reads and writes, and its rotary tables."""

    def __init__(self, layer: Layer, place: Place, hidden: int) -> None:
        blocks = {"attention": layer.mixer.at(place, hidden), "mlp": layer.feed_forward.at(place, hidden)}
        self._halves = tuple(_Half(name, block, layer.norms, place, hidden) for name, block in blocks.items())

    @property
    def weights(self) -> tuple[Weight, ...]:
        return tuple(weight for half in self._halves for weight in half.weights)

    @property
    def states(self) -> tuple[State, ...]:
        return tuple(state for half in self._halves for state in half.block.states)

    @property
    def ropes(self) -> tuple[Rope, ...]:
        return tuple(rope for half in self._halves for rope in half.block.ropes)

    def __call__(self, ops: Operators[Tensor], x: Tensor) -> Tensor:
        for half in self._halves:
            x = half(ops, x)
        return x


class _Half:
    """A block with its norms. name: of these."""

    def __init__(self, name: str, block: Block, norms: Norms, place: Place, hidden: int) -> None:
        def norm(name: str) -> Weight:
            return place.norm(name, [Part(name, hidden)])

        self.block = block
        self._norm = norm(f"{name}_norm")
        self._out_norm = norm(f"{name}_out_norm") if norms == "around" else None

    @property
    def weights(self) -> tuple[Weight, ...]:
        return (self._norm, *self.block.weights, *([] if self._out_norm is None else [self._out_norm]))

    def __call__(self, ops: Operators[Tensor], x: Tensor) -> Tensor:
        if self._out_norm is None:
            return self.block(ops, x, self._norm, x)
        return ops.add_norm(self.block(ops, x, self._norm, None), self._out_norm, x)
