"""What makes vectors for a model of text of a tower's states, a group of patches at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from webllm_build.model.names import Part, Place
from webllm_build.model.norms import Norm, NormKind
from webllm_build.model.ops import Activation, Tensor
from webllm_build.model.vision.ops import TowerOperators
from webllm_build.model.weights import Weight


@dataclass(frozen=True)
class Projector:
    """group: patches that become one vector, side by side or (mean) by their mean. norm: of what comes in; "bare": an RMS norm without
    weights of `factor` times that, and (affine) less a learnt bias and times a learnt scale. inner: of two matrices with an activation
    between them, the rows of the first; one alone where None. columns: of the vector, the text's hidden size. scale: of the vector."""

    group: int
    columns: int
    mean: bool = False
    norm: NormKind | Literal["bare"] | None = None
    inner: int | None = None
    activation: Activation = "gelu"
    bias: bool = False
    factor: float = 1.0
    affine: bool = False
    scale: float = 1.0

    def at(self, place: Place, hidden: int, prefix: str = "") -> PlacedProjector:
        """prefix: of the names of its parts."""
        return PlacedProjector(self, place, hidden, prefix)


class PlacedProjector:
    """A projector with its weights: of states of `hidden` features."""

    def __init__(self, projector: Projector, place: Place, hidden: int, prefix: str) -> None:
        self.projector, self.hidden = projector, hidden
        size = hidden if projector.mean else projector.group * hidden
        norm = None if projector.norm == "bare" else projector.norm
        self._norm = None if norm is None else Norm.at(place, f"{prefix}project_norm", norm, size)
        self._affine: tuple[Weight, Weight] | None = None
        if projector.affine:
            exact = replace(place, padded=False)
            parts = Part("std_bias", size, suffix=""), Part("std_scale", size, suffix="")
            self._affine = exact.vector("std_bias", parts[:1]), exact.vector("std_scale", parts[1:])
        self._matrices: list[tuple[Weight, Weight | None]] = []
        rows = {f"{prefix}project_up": projector.inner, f"{prefix}project": projector.columns}
        for name, count in rows.items():
            if count is None:
                continue
            bias = place.bias(f"{name}_bias", [Part(name, count)]) if projector.bias else None
            self._matrices.append((place.matrix(name, [Part(name, count)], size), bias))
            size = count

    @property
    def weights(self) -> tuple[Weight, ...]:
        matrices = tuple(weight for pair in self._matrices for weight in pair if weight is not None)
        return (*(self._norm.weights if self._norm is not None else ()), *(self._affine or ()), *matrices)

    def __call__(self, ops: TowerOperators[Tensor], x: Tensor) -> Tensor:
        """Vectors [groups, columns] of x[groups, group * hidden]."""
        x, norm = ops.mean(x, self.projector.group) if self.projector.mean else x, None
        if self.projector.norm == "bare":
            x = ops.bare_norm(x, factor=self.projector.factor, affine=self._affine)
        if self._norm is not None:
            x, norm = self._norm.before(ops, x)
        *first, last = self._matrices
        for matrix, bias in first:
            x, norm = ops.linear(x, matrix, norm=norm, bias=bias, activation=self.projector.activation), None
        return ops.linear(x, last[0], norm=norm, bias=last[1], scale=self.projector.scale)
