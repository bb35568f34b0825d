"""What a model's operators in Relax compute with: the tensors of a function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tvm.relax.frontend import nn

from webllm_build.compile.last_token import at_last, of_last
from webllm_build.model.attention import Rope
from webllm_build.quantize import Part, Scheme


@dataclass(frozen=True, eq=False)
class Matrix:
    """A weight, or some rows of one that is larger than a binding, in the buffers of its scheme."""

    part: Part
    buffers: Sequence[nn.Tensor]

    @property
    def scheme(self) -> Scheme:
        return self.part.scheme

    @property
    def shape(self) -> tuple[int, int]:
        return self.part.shape


@dataclass(frozen=True, eq=False)
class Inputs:
    """The tensors of one Relax function: io buffers by name, rotary tables, page tables by the states that they are of, states by name,
    the parts of each weight, or of one in storage the rows of the call's tokens. count: of the tokens that these are of, where that is
    another number than the function is called with."""

    io: Mapping[str, nn.Tensor]
    ropes: Mapping[Rope, nn.Tensor]
    tables: Mapping[str, nn.Tensor]
    states: Mapping[str, nn.Tensor]
    weights: Mapping[str, Sequence[Matrix]]
    count: int | None = None

    def of_last(self) -> Inputs:
        """In a function over a prefill's tokens, those of a step of the last one alone."""
        state = self.io["state"]
        of_tokens = {name: of_last(self.io[name], state, 1) for name in ("tokens", "ends") if name in self.io}
        io = {**self.io, **of_tokens, "state": at_last(state)}
        ropes = {rope: of_last(table, state, 1) for rope, table in self.ropes.items()}
        weights = dict(self.weights)
        for name, (matrix, *_) in self.weights.items():
            if any(buffer is each for buffer in matrix.buffers for each in self.io.values()):
                part = replace(matrix.part, rows=1)
                sizes = [spec.shape[0] for spec in part.buffers]
                taken = [of_last(buffer, state, size) for buffer, size in zip(matrix.buffers, sizes, strict=True)]
                weights[name] = [Matrix(part, taken)]
        return replace(self, io=io, ropes=ropes, weights=weights, count=1)


def rows(like: nn.Tensor, columns: int) -> nn.Tensor:
    """An output with a row for each row of `like`."""
    return nn.Tensor.placeholder([like.shape[0], columns], "float32")
