"""Norms with their weights, where a model has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from webllm_build.model.names import Part, Place
from webllm_build.model.ops import Operators, Tensor
from webllm_build.model.weights import Weight

NormKind = Literal["rms", "layer", "layer_bias"]  # RMS norm; layer normalisation, without a bias and with one


@dataclass(frozen=True, eq=False)
class Norm:
    """eps: of a layer normalisation, where it is not that of the model's other norms."""

    kind: NormKind
    weight: Weight
    bias: Weight | None
    eps: float | None = None

    @staticmethod
    def at(place: Place, name: str, kind: NormKind, size: int, eps: float | None = None) -> Norm:
        """Of `size` features, by the name of its part."""
        bias = place.bias(f"{name}_bias", [Part(name, size)]) if kind == "layer_bias" else None
        return Norm(kind, place.norm(name, [Part(name, size)]), bias, eps)

    @property
    def weights(self) -> tuple[Weight, ...]:
        return (self.weight,) if self.bias is None else (self.weight, self.bias)

    def __call__(self, ops: Operators[Tensor], x: Tensor) -> Tensor:
        return ops.norm(x, self.weight) if self.kind == "rms" else ops.layer_norm(x, self.weight, self.bias, self.eps)

    def before(self, ops: Operators[Tensor], x: Tensor) -> tuple[Tensor, Weight | None]:
        """What a matrix that comes behind it takes: (x, the norm that `linear` applies), or (x normalised, None)."""
        return (x, self.weight) if self.kind == "rms" else (self(ops, x), None)
