"""The Llama architecture, run on NumPy operators, against what the transformers library says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from webllm_build.errors import MalformedFile, UnsupportedArchitecture
from webllm_build.model import load_model
from webllm_build.model.numpy_operators import NumpyOperators
from webllm_build.source.checkpoint import Checkpoint
from webllm_build.source.local import open_folder

TESTS = Path(__file__).parents[1]
REFERENCE = TESTS / "golden" / "reference"


@pytest.fixture(scope="module")
def tiny() -> Checkpoint:
    return open_folder(TESTS / "fixtures" / "tiny-llama", "tiny-llama")


def test_logits_equal_those_of_transformers(tiny: Checkpoint) -> None:
    golden = json.loads((REFERENCE / "tiny-llama.json").read_text())
    expected = np.load(REFERENCE / "tiny-llama.npy")
    model = load_model(tiny)
    operators = NumpyOperators(tiny, model.dims, golden["prompt_ids"])
    logits = model.logits(operators, model.hidden(operators)).reshape(-1, model.dims.vocab_size)
    expected = expected.reshape(-1, model.dims.vocab_size)
    logits = logits[-len(expected) :]
    error = np.linalg.norm(logits - expected) / np.linalg.norm(expected)
    assert error < 1e-5
    assert logits[-1].argmax() == golden["ids"][0]


def test_shards_make_the_same_model(tiny: Checkpoint) -> None:
    sharded = open_folder(TESTS / "fixtures" / "tiny-llama-sharded", "tiny-llama-sharded")
    for weight in load_model(sharded).weights:
        for name in weight.sources:
            np.testing.assert_array_equal(sharded.tensors[name].dequantize(), tiny.tensors[name].dequantize())


def test_every_tensor_must_be_there_and_be_used(tiny: Checkpoint) -> None:
    name = "model.layers.0.mlp.down_proj.weight"
    without = {key: tensor for key, tensor in tiny.tensors.items() if key != name}
    with pytest.raises(MalformedFile, match=f"missing: {name}"):
        load_model(replace(tiny, tensors=without))
    extra = dict(tiny.tensors) | {"model.layers.0.mlp.extra.weight": tiny.tensors[name]}
    with pytest.raises(MalformedFile, match=r"left over: model\.layers\.0\.mlp\.extra\.weight"):
        load_model(replace(tiny, tensors=extra))


def test_shapes_must_be_those_of_the_config(tiny: Checkpoint) -> None:
    with pytest.raises(MalformedFile, match="do not make"):
        load_model(replace(tiny, config=dict(tiny.config) | {"intermediate_size": 32}))


def test_rope_factors_of_a_gguf_divide_the_frequencies(tiny: Checkpoint) -> None:
    plain = load_model(tiny).dims
    factors = np.linspace(1, 8, len(plain.inv_freq), dtype=np.float32)
    tensor = replace(tiny.tensors["model.norm.weight"], shape=factors.shape, encoding="f32", read=lambda: factors.view(np.uint8)[None])
    model = load_model(replace(tiny, tensors=dict(tiny.tensors) | {"rope_freqs.weight": tensor}))
    np.testing.assert_allclose(model.dims.inv_freq, np.asarray(plain.inv_freq) / factors, rtol=1e-6)


def test_an_unknown_architecture_names_the_known_ones(tiny: Checkpoint) -> None:
    with pytest.raises(UnsupportedArchitecture, match="Did you mean 'llama'"):
        load_model(replace(tiny, config=dict(tiny.config) | {"model_type": "lama"}))
