"""Per-layer embeddings (Gemma 4): beside the residual stream, each layer gets a small vector of each token, of a table and of the token's
embedding, and lets it through a gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from webllm_build.model.names import Part, Place
from webllm_build.model.ops import Activation, Operators, Tensor
from webllm_build.model.weights import Weight


@dataclass(frozen=True)
class LayerInputs:
    """What layers get. size: of a layer's vector. rows: of the table in files, of which those of the vocabulary are used."""

    size: int
    layers: int
    rows: int

    def at(self, place: Place, hidden: int, vocab_size: int) -> PlacedLayerInputs:
        return PlacedLayerInputs(self, place, hidden, vocab_size)


class PlacedLayerInputs:
    def __init__(self, inputs: LayerInputs, place: Place, hidden: int, vocab_size: int) -> None:
        columns = inputs.layers * inputs.size
        self.scales = inputs.size**0.5, hidden**-0.5
        # 256 numbers a layer for each token of the vocabulary are too much for a GPU, and a step reads no more than its tokens' rows.
        self.table = place.some_rows("layer_table", inputs.rows, columns, vocab_size)
        self.projection = place.matrix("layer_projection", [Part("layer_projection", columns)], hidden)
        self.norm = place.norm("layer_projection_norm", [Part("layer_projection_norm", inputs.size)])

    @property
    def weights(self) -> tuple[Weight, ...]:
        """Beside the table."""
        return self.projection, self.norm

    def __call__(self, ops: Operators[Tensor], x: Tensor, layers: range) -> Sequence[Tensor]:
        """Of each of these layers, [m, size], from embeddings x[m, hidden]."""
        of_table, of_projection = self.scales
        rows = ops.embed(self.table, scale=of_table)
        return ops.layer_inputs(ops.linear(x, self.projection, scale=of_projection), rows, self.norm, layers)


@dataclass(frozen=True)
class LayerInput:
    """What a layer makes of its vector: out(activation(gate(x)) * vector), normalised and added to x[m, hidden]."""

    size: int
    activation: Activation

    def at(self, place: Place, hidden: int) -> PlacedLayerInput:
        return PlacedLayerInput(self, place, hidden)


class PlacedLayerInput:
    def __init__(self, description: LayerInput, place: Place, hidden: int) -> None:
        self.activation = description.activation
        self.gate = place.matrix("input_gate", [Part("input_gate", description.size)], hidden)
        self.out = place.matrix("input_out", [Part("input_out", hidden)], description.size)
        self.norm = place.norm("input_out_norm", [Part("input_out_norm", hidden)])

    @property
    def weights(self) -> tuple[Weight, ...]:
        return self.gate, self.out, self.norm

    def __call__(self, ops: Operators[Tensor], x: Tensor, vector: Tensor, scalar: Weight | None) -> Tensor:
        """scalar: a factor on all, where there is one."""
        passed = ops.linear(x, self.gate, activation=self.activation, factor=vector)
        return ops.add_norm(ops.linear(passed, self.out), self.norm, x, scalar)
