"""A mixture of experts as a feed-forward block (https://arxiv.org/abs/1701.06538): each token goes through a few of many gated MLPs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from webllm_build.model.attention import Rope
from webllm_build.model.names import Part, Place
from webllm_build.model.ops import Activation, Operators, Tensor
from webllm_build.model.routing import ExpertWeights, Routing
from webllm_build.model.state import State
from webllm_build.model.weights import Weight, interleaved_halves


@dataclass(frozen=True)
class Experts:
    """The sum of down(activation(gate) * up) of the experts that a router chooses, each times its share. size: of gate and of up.

    correction: there is a vector that is added to the scores where experts are chosen. biased: the router and all matrices have biases.
    router_norm: the router has a norm of its own, in the place of the experts'.
    """

    routing: Routing
    activation: Activation
    size: int
    correction: bool = False
    biased: bool = False
    router_norm: bool = False

    @property
    def sizes(self) -> Mapping[str, int]:
        return {"size of an expert": self.size}

    def at(self, place: Place, hidden: int) -> _Experts:
        return _Experts(self, place, hidden)


class _Experts:
    states: tuple[State, ...] = ()
    ropes: tuple[Rope, ...] = ()

    def __init__(self, description: Experts, place: Place, hidden: int) -> None:
        self.description = description
        routing, size, biased = description.routing, description.size, description.biased
        count = routing.count
        gate_up, down = [Part("experts_gate", size), Part("experts_up", size)], [Part("experts_down", hidden)]
        gate_up_bias, down_bias = ([Part(f"{part.name}_bias", part.rows) for part in parts] for parts in (gate_up, down))
        order = interleaved_halves(2 * size)
        self.of = ExpertWeights(
            router=place.exact("router", [Part("router", count)], hidden),
            gate_up=place.stack("experts_gate_up", gate_up, routing, hidden, order=order),
            down=place.stack("experts_down", down, routing, size),
            router_bias=place.bias("router_bias", [Part("router", count)]) if biased else None,
            correction=place.vector("correction", [Part("correction", count, suffix="")]) if description.correction else None,
            gate_up_bias=place.stack("experts_gate_up_bias", gate_up_bias, routing, order=order) if biased else None,
            down_bias=place.stack("experts_down_bias", down_bias, routing) if biased else None,
            router_norm=place.vector("router_norm", [Part("router_norm", hidden, suffix="")]) if description.router_norm else None,
        )

    @property
    def weights(self) -> tuple[Weight, ...]:
        return self.of.all

    def __call__(self, ops: Operators[Tensor], x: Tensor, norm: Weight | None, residual: Tensor | None) -> Tensor:
        routing, activation = self.description.routing, self.description.activation
        return ops.experts(x, routing, self.of, activation=activation, norm=norm, residual=residual)
