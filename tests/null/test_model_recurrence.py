"""A model with a recurrent layer, in NumPy: its logits, and what a page checks its GPU by."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import toy_recurrent
from webllm_build.model import load_model
from webllm_build.model.numpy_operators import NumpyOperators
from webllm_build.quantize import SCHEMES, pack_weight
from webllm_build.quantize.probe import CHANNELS, probe, probed_weights
from webllm_build.source.checkpoint import Checkpoint
from webllm_build.source.local import open_folder


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Checkpoint]:
    with toy_recurrent.registered():
        yield open_folder(toy_recurrent.write(tmp_path / "toy"), "toy")


def test_logits_equal_those_of_the_reference(toy: Checkpoint) -> None:
    model, tokens = load_model(toy), [int(token) for token in np.random.default_rng(1).integers(0, 300, 40)]
    assert [state.kind for state in model.states] == ["slots", "pages"]
    operators = NumpyOperators(toy, model.norm_eps, tokens)
    expected = toy_recurrent.Reference().logits(tokens)
    np.testing.assert_allclose(model.logits(operators, model.hidden(operators)), expected, rtol=0, atol=1e-9 * np.abs(expected).max())


def test_the_probe_is_of_a_recurrent_first_layer(toy: Checkpoint) -> None:
    model = load_model(toy)
    schemes = {weight.name: SCHEMES["f32" if weight.kind == "vector" else "f16"] for weight in model.weights}
    contents = {weight.name: [packed.data for packed in pack_weight(weight, toy, schemes[weight.name])] for weight in probed_weights(model)}
    found = probe(model, toy, schemes, contents)
    hidden = toy_recurrent.Reference().first_layer(found.tokens)[-1]
    expected = hidden[[i * len(hidden) // min(CHANNELS, len(hidden)) for i in range(len(found.values))]]
    np.testing.assert_allclose(found.values, expected, rtol=1e-4, atol=1e-5)
