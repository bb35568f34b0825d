"""Feed-forward blocks: what a layer does to each token alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from webllm_build.model.attention import Rope
from webllm_build.model.names import Part, Place
from webllm_build.model.ops import Activation, Operators, Tensor
from webllm_build.model.state import State
from webllm_build.model.weights import Weight, interleaved_halves


@dataclass(frozen=True)
class GatedMLP:
    """down(activation(gate) * up). size: of gate and of up. fused: files hold both as one matrix "gate_up"."""

    activation: Activation
    size: int
    fused: bool = False

    @property
    def sizes(self) -> Mapping[str, int]:
        return {"intermediate_size": self.size}

    def at(self, place: Place, hidden: int) -> _GatedMLP:
        return _GatedMLP(self, place, hidden)


class _GatedMLP:
    states: tuple[State, ...] = ()
    ropes: tuple[Rope, ...] = ()

    def __init__(self, description: GatedMLP, place: Place, hidden: int) -> None:
        self.activation, size = description.activation, description.size
        gate_up = [Part("gate_up", 2 * size)] if description.fused else [Part("gate", size), Part("up", size)]
        self.gate_up = place.matrix("gate_up", gate_up, hidden, interleaved_halves(2 * size))
        self.down = place.matrix("down", [Part("down", hidden)], size)

    @property
    def weights(self) -> tuple[Weight, ...]:
        return (self.gate_up, self.down)

    def __call__(self, ops: Operators[Tensor], x: Tensor, norm: Weight | None, residual: Tensor | None) -> Tensor:
        return ops.linear(ops.linear(x, self.gate_up, norm=norm, activation=self.activation), self.down, residual=residual)
