"""What a page checks its GPU by, against the same layer computed from the checkpoint's own weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from families import open_tiny
from webllm_build.model import load_model
from webllm_build.model.numpy_operators import NumpyOperators
from webllm_build.quantize import SCHEMES, pack_weight
from webllm_build.quantize.probe import CHANNELS, TOKENS, probe


@pytest.mark.parametrize(
    ("name", "scheme", "error"),
    [("llama", "f16", 1e-5), ("llama", "q8", 0.03), ("llama", "q4a", 0.5), ("llama", "q4", 0.5), ("qwen3_moe", "f16", 1e-5)],
)
def test_values_are_the_first_layers_within_the_error_of_the_scheme(name: str, scheme: str, error: float, tmp_path: Path) -> None:
    checkpoint = open_tiny(name, "hugging_face", tmp_path)
    model = load_model(checkpoint)
    schemes = {weight.name: SCHEMES["f32" if weight.kind == "vector" else scheme] for weight in model.weights}
    weights = {weight.name: weight for weight in model.weights}

    def contents(name: str, number: int, begin: int, end: int) -> npt.NDArray[np.uint8]:
        data = pack_weight(weights[name], checkpoint, schemes[name])[number].data
        return np.ascontiguousarray(data).reshape(-1).view(np.uint8)[begin:end]

    found = probe(model, checkpoint, schemes, contents)

    assert len(found.tokens) == TOKENS and all(token < model.vocab_size for token in found.tokens)
    operators = NumpyOperators(checkpoint, model.norm_eps, found.tokens)
    hidden = model.layers[0](operators, operators.embed(model.embedding))[-1]
    count = min(CHANNELS, len(hidden))
    expected = hidden[[i * len(hidden) // count for i in range(count)]]
    off = np.linalg.norm(np.array(found.values) - expected) / np.linalg.norm(expected)
    assert off < error
    assert off > error / 100 or scheme == "f16"
    state = np.array([[17 * i % 64 / 32 - 1 for i in range(model.hidden_size)]])
    logits = model.logits(operators, state)[0]
    expected = logits[[i * len(logits) // CHANNELS for i in range(CHANNELS)]]
    assert np.linalg.norm(np.array(found.logits) - expected) / np.linalg.norm(expected) < error
