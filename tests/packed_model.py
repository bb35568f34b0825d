"""A model with packed weights, and what they compute in NumPy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import codes_case
from webllm_build.compile.io import Compiled, Layout
from webllm_build.model import load_model
from webllm_build.model.decoder import Decoder
from webllm_build.model.numpy_operators import NumpyOperators
from webllm_build.model.weights import Weight
from webllm_build.quantize import Packed, Scheme, choose_scheme, pack_part, pack_weight
from webllm_build.source.checkpoint import Checkpoint

Array = npt.NDArray[np.floating[Any]]

CHUNK = 64  # tokens of the longest prefill call
# Schemes by the last part of a weight's name; norms are f32.
MATRICES = [
    *("conv_in", "conv_out", "delta_in", "delta_out", "mamba_in", "mamba_out", "qkv", "o"),
    *("gate_up", "up", "down", "experts_gate_up", "experts_down"),
    *("layer_table", "layer_projection", "input_gate", "input_out"),
    *("q", "k", "v", "gate", "q_a", "kv_a"),
    *("conv_gate", "conv_end", "first_up", "first_down", "last_up", "last_down", "input", "output"),
    *("patch", "positions", "project", "project_up"),
    *("stem2", "halved", "out", "squeeze", "excite"),
    *(f"deep{number}_{name}" for number in range(2) for name in ("project", "project_up")),
]
EXACT = dict.fromkeys(["embedding", *MATRICES, "head"], "f16") | {"patch": "f32"}  # the sum of two frames' halves may be none


@dataclass(frozen=True)
class PackedModel:
    """buffers: contents of the plan's weight buffers by name."""

    checkpoint: Checkpoint
    layout: Layout
    schemes: Mapping[str, Scheme]
    weights: Mapping[str, Sequence[Packed]]
    buffers: Mapping[str, npt.NDArray[Any]]

    @staticmethod
    def of(checkpoint: Checkpoint, names: Mapping[str, str]) -> PackedModel:
        """names: schemes by the last part of a weight's name; others are f32."""
        model = load_model(checkpoint)
        context_length = min(256, model.context_length)
        return PackedModel.of_model(checkpoint, model, names, context_length, context_length if model.takes_whole_texts else CHUNK)

    @staticmethod
    def of_model(checkpoint: Checkpoint, model: Compiled, names: Mapping[str, str], context_length: int, chunk: int) -> PackedModel:
        """Of one that is loaded. chunk: tokens, or patches, of a call."""
        asked = {weight.name: names.get(weight.name.rpartition(".")[2], "f32") for weight in model.weights}
        schemes = {weight.name: choose_scheme(weight, checkpoint, asked[weight.name]) for weight in model.weights}
        weights = {weight.name: pack_weight(weight, checkpoint, schemes[weight.name]) for weight in model.weights}
        layout = Layout.of(model, schemes, context_length, chunk)
        parts = ((part, weight) for weight in model.weights for part in layout.parts[weight.name])
        buffers = {packed.name: packed.data for part, weight in parts for packed in pack_part(part, weight, checkpoint)}
        return PackedModel(checkpoint, layout, schemes, weights, buffers)

    @property
    def model(self) -> Decoder:
        assert isinstance(self.layout.model, Decoder)
        return self.layout.model

    def logits(self, tokens: Sequence[int], *, integer: bool, half: bool = False) -> Array:
        """Of the packed weights in NumPy, after each of the tokens: float64[tokens, vocabulary]. integer: of activations as codes; half:
        in float16."""
        operators = (CodeOperators if integer else HalfOperators if half else PackedOperators)(self, tokens)
        return self.model.logits(operators, self.model.hidden(operators))

    def vector(self, tokens: Sequence[int], *, integer: bool) -> Array:
        """Of an embedding model: float64[dimensions]."""
        operators, model = (CodeOperators if integer else PackedOperators)(self, tokens), self.model
        vector: Array = model.vector(operators, model.pooled(operators, model.hidden(operators)))[0]
        return vector


class PackedOperators(NumpyOperators):
    """On weights as they are packed."""

    def __init__(self, built: PackedModel, tokens: Sequence[int]) -> None:
        super().__init__(built.checkpoint, built.model.norm_eps, tokens)
        self._built = built

    def embed(self, table: Weight, *, scale: float = 1.0) -> Array:
        rows: Array = self._values(table)[self.tokens] * scale
        return rows

    def multiply(self, x: Array, weight: Weight) -> Array:
        product: Array = x @ self._values(weight).T
        return product

    def rows_of_experts(self, weight: Weight, experts: Sequence[int]) -> Iterator[Array]:
        values = self._values(weight).reshape(weight.experts, -1, weight.shape[1])
        return (values[expert] for expert in experts)

    def _values(self, weight: Weight) -> npt.NDArray[np.float64]:
        rows, columns = weight.shape
        buffers = [packed.data for packed in self._built.weights[weight.name]]
        return self._built.schemes[weight.name].decode(buffers, rows, columns).astype(np.float64)


class ByteCacheOperators(PackedOperators):
    """And on a cache of bytes, with a scale for each token and head."""

    def cached(self, keys_or_values: Array) -> Array:
        scales: Array = np.abs(keys_or_values).max(-1, keepdims=True) / 127
        return scales * np.floor(keys_or_values / scales + 0.5)


class HalfOperators(PackedOperators):
    """And on activations in float16, where they meet a matrix."""

    def multiply(self, x: Array, weight: Weight) -> Array:
        return super().multiply(x.astype(np.float16).astype(np.float64), weight)


class CodeOperators(PackedOperators):
    """And on activations as 8-bit codes."""

    def multiply(self, x: Array, weight: Weight) -> Array:
        return super().multiply(x if weight.precision == "exact" else self._decoded(x), weight)

    def multiply_experts(self, x: Array, ids: npt.NDArray[np.int64], weight: Weight) -> Array:
        return super().multiply_experts(self._decoded(x), ids, weight)

    def _decoded(self, x: Array) -> Array:
        return codes_case.decode(*codes_case.encode(x.astype(np.float32)))
