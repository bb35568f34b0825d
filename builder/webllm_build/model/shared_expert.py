"""What all tokens go through beside a mixture of experts, as much as a gate of its own says (Qwen's shared expert)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from webllm_build.model.attention import Rope
from webllm_build.model.feed_forward import GatedMLP
from webllm_build.model.names import Part, Place
from webllm_build.model.ops import Operators, Tensor
from webllm_build.model.state import State
from webllm_build.model.weights import Weight


@dataclass(frozen=True)
class SharedExpert:
    """What the MLP makes, times a sigmoid. It has a norm before it, and a residual."""

    mlp: GatedMLP

    @property
    def sizes(self) -> Mapping[str, int]:
        return {f"{name} of the shared expert": size for name, size in self.mlp.sizes.items()}

    def at(self, place: Place, hidden: int) -> _SharedExpert:
        return _SharedExpert(self, place, hidden)


class _SharedExpert:
    states: tuple[State, ...] = ()
    ropes: tuple[Rope, ...] = ()

    def __init__(self, description: SharedExpert, place: Place, hidden: int) -> None:
        self.mlp = description.mlp.at(place, hidden)
        self.gate = place.vector("shared_gate", [Part("shared_gate", 1, columns=hidden)])

    @property
    def weights(self) -> tuple[Weight, ...]:
        return (*self.mlp.weights, self.gate)

    def __call__(self, ops: Operators[Tensor], x: Tensor, norm: Weight | None, residual: Tensor | None) -> Tensor:
        if norm is None or residual is None:
            raise ValueError("a shared expert has a norm before it and a residual")
        return ops.add_gated(x, norm, self.gate, self.mlp(ops, x, norm, None), residual)
