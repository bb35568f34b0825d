"""Feed-forward blocks: what a layer does to each token alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from webllm_build.model.attention import Rope
from webllm_build.model.names import Part, Place, in_blocks
from webllm_build.model.ops import Activation, Operators, Tensor
from webllm_build.model.state import State
from webllm_build.model.weights import RowOrder, Weight, interleaved_halves


@dataclass(frozen=True)
class GatedMLP:
    """down(activation(gate) * up). size: of gate and of up. fused: files hold both as one matrix "gate_up". bias: each matrix has one."""

    activation: Activation
    size: int
    fused: bool = False
    bias: bool = False

    @property
    def sizes(self) -> Mapping[str, int]:
        return {}

    def at(self, place: Place, hidden: int) -> _FeedForward:
        parts = {"gate_up": 2 * self.size} if self.fused else {"gate": self.size, "up": self.size}
        gate_up = [Part(name, rows, padded=(self.size, in_blocks(self.size))) for name, rows in parts.items()]
        return _FeedForward(self, "gate_up", gate_up, interleaved_halves(2 * in_blocks(self.size)), place, hidden)


@dataclass(frozen=True)
class MLP:
    """down(activation(up)). size: of up. bias: each matrix has one."""

    activation: Activation
    size: int
    bias: bool = False

    @property
    def sizes(self) -> Mapping[str, int]:
        return {}

    def at(self, place: Place, hidden: int) -> _FeedForward:
        up = Part("up", self.size, padded=(self.size, in_blocks(self.size)))
        return _FeedForward(self, "up", [up], None, place, hidden)


class _FeedForward:
    """Two matrices with an activation between them. What blocks do not divide is padded: the second matrix has zeros for what comes of
    zeros."""

    states: tuple[State, ...] = ()
    ropes: tuple[Rope, ...] = ()

    def __init__(
        self, description: GatedMLP | MLP, name: str, parts: Sequence[Part], order: RowOrder | None, place: Place, hidden: int
    ) -> None:
        self.activation = description.activation
        self.up, down = place.matrix(name, parts, hidden, order), [Part("down", hidden)]
        self.up_bias = place.bias(f"{name}_bias", parts, order) if description.bias else None
        self.down = place.matrix("down", down, description.size, padded=(description.size, in_blocks(description.size)))
        self.down_bias = place.bias("down_bias", down) if description.bias else None

    @property
    def weights(self) -> tuple[Weight, ...]:
        return tuple(weight for weight in (self.up, self.up_bias, self.down, self.down_bias) if weight is not None)

    def __call__(self, ops: Operators[Tensor], x: Tensor, norm: Weight | None, residual: Tensor | None) -> Tensor:
        channels = ops.linear(x, self.up, norm=norm, bias=self.up_bias, activation=self.activation)
        return ops.linear(channels, self.down, bias=self.down_bias, residual=residual)
