"""How a mixture of experts chooses: the operators of all backends read it from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from webllm_build.errors import UnsupportedArchitecture
from webllm_build.model.weights import Weight

MAX_EXPERTS = 512
MAX_CHOSEN = 32
Scores = Literal["softmax", "sigmoid"]


@dataclass(frozen=True)
class Routing:
    """Each token takes the `chosen` of `count` experts whose scores are the highest; of equal ones, the first.

    scores: of a router's logits. normalised: the chosen ones' shares are their scores over the sum of these (plus `epsilon`), and the
    scores themselves otherwise; either times `scale`.

    Raises UnsupportedArchitecture for numbers that no kernel has.
    """

    count: int
    chosen: int
    scores: Scores = "softmax"
    normalised: bool = True
    epsilon: float = 0.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not (self.count <= MAX_EXPERTS and self.chosen <= min(MAX_CHOSEN, self.count)):
            raise UnsupportedArchitecture(
                f"A mixture that chooses {self.chosen} of {self.count} experts cannot be built",
                f"Kernels have up to {MAX_EXPERTS} experts, of which up to {MAX_CHOSEN} are chosen.",
            )


@dataclass(frozen=True, eq=False)
class ExpertWeights:
    """Of a mixture over `hidden` features, with experts of `size` channels.

    router: [count, hidden], router_bias: [count]. router_norm: [hidden], of its input, where that is another one than the experts'.
    correction: [count], added to sigmoid scores for the choice alone.
    gate_up: of each expert [2 * size, hidden], gate and up of a channel beside each other; down: of each [hidden, size]; biases of these,
    a vector for each expert.
    """

    router: Weight
    gate_up: Weight
    down: Weight
    router_bias: Weight | None = None
    correction: Weight | None = None
    gate_up_bias: Weight | None = None
    down_bias: Weight | None = None
    router_norm: Weight | None = None

    @property
    def all(self) -> tuple[Weight, ...]:
        """In the order of the plan."""
        of_router = (self.router, self.router_bias, self.router_norm, self.correction)
        weights = (*of_router, self.gate_up, self.gate_up_bias, self.down, self.down_bias)
        return tuple(weight for weight in weights if weight is not None)
