"""A gated MLP and a mixture of experts, each with norms of its own (Gemma 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from webllm_build.model.attention import Rope
from webllm_build.model.experts import Experts
from webllm_build.model.feed_forward import GatedMLP
from webllm_build.model.names import Part, Place
from webllm_build.model.ops import Operators, Tensor
from webllm_build.model.state import State
from webllm_build.model.weights import Weight


@dataclass(frozen=True)
class DenseAndExperts:
    """What both make of one input, each behind a norm before it and one after it, is added. The block has no residual."""

    dense: GatedMLP
    experts: Experts

    @property
    def sizes(self) -> Mapping[str, int]:
        return {**self.dense.sizes, **self.experts.sizes}

    def at(self, place: Place, hidden: int) -> _DenseAndExperts:
        return _DenseAndExperts(self, place, hidden)


class _DenseAndExperts:
    states: tuple[State, ...] = ()
    ropes: tuple[Rope, ...] = ()

    def __init__(self, description: DenseAndExperts, place: Place, hidden: int) -> None:
        self.dense, self.experts = description.dense.at(place, hidden), description.experts.at(place, hidden)
        self.norms = tuple(place.norm(name, [Part(name, hidden)]) for name in ("dense_out_norm", "experts_norm", "experts_out_norm"))

    @property
    def weights(self) -> tuple[Weight, ...]:
        return (*self.dense.weights, *self.experts.weights, *self.norms)

    def __call__(self, ops: Operators[Tensor], x: Tensor, norm: Weight | None, residual: Tensor | None) -> Tensor:
        if residual is not None:
            raise ValueError("a gated MLP beside experts has a norm behind it, and no residual")
        dense_out, experts_in, experts_out = self.norms
        of_dense = ops.norm(self.dense(ops, x, norm, None), dense_out)
        return ops.add_norm(self.experts(ops, x, experts_in, None), experts_out, of_dense)
