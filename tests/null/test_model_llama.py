"""The Llama architecture, run on NumPy operators, against what the transformers library says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from webllm_build.errors import MalformedFile, UnsupportedArchitecture
from webllm_build.model import load_model, read_model
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
    operators = NumpyOperators(tiny, model.norm_eps, golden["prompt_ids"])
    logits = model.logits(operators, model.hidden(operators)).reshape(-1, model.vocab_size)
    expected = expected.reshape(-1, model.vocab_size)
    logits = logits[-len(expected) :]
    error = np.linalg.norm(logits - expected) / np.linalg.norm(expected)
    assert error < 1e-5
    assert logits[-1].argmax() == golden["ids"][0]


def test_shards_make_the_same_model(tiny: Checkpoint) -> None:
    sharded = open_folder(TESTS / "fixtures" / "tiny-llama-sharded", "tiny-llama-sharded")
    for weight in load_model(sharded).weights:
        np.testing.assert_array_equal(weight.values(sharded), weight.values(tiny))


def test_every_tensor_must_be_there_and_be_used(tiny: Checkpoint) -> None:
    name = "model.layers.0.mlp.down_proj.weight"
    without = {key: tensor for key, tensor in tiny.tensors.items() if key != name}
    with pytest.raises(MalformedFile, match=f"missing: {name}"):
        load_model(replace(tiny, tensors=without))
    extra = dict(tiny.tensors) | {"model.layers.0.mlp.extra.weight": tiny.tensors[name]}
    with pytest.raises(MalformedFile, match=r"left over: model\.layers\.0\.mlp\.extra\.weight"):
        load_model(replace(tiny, tensors=extra))


def test_shapes_must_be_those_of_the_config(tiny: Checkpoint) -> None:
    with pytest.raises(MalformedFile, match=r"mlp\.gate_proj\.weight is \[\d+, 96\], and not \[32, 96\]"):
        load_model(replace(tiny, config=dict(tiny.config) | {"intermediate_size": 32}))


def test_exchanged_queries_and_keys_are_found(tiny: Checkpoint) -> None:
    """Together they have the rows that the config says."""
    q, k = (f"model.layers.0.self_attn.{part}_proj.weight" for part in "qk")
    exchanged = dict(tiny.tensors) | {q: tiny.tensors[k], k: tiny.tensors[q]}
    with pytest.raises(MalformedFile, match=r"q_proj\.weight is \[64, 96\], and not \[192, 96\]"):
        load_model(replace(tiny, tensors=exchanged))


def test_thousands_of_wide_layers_take_no_memory(tiny: Checkpoint) -> None:
    """A config of a kilobyte may say so; row orders of so many rows take megabytes for each layer, and are shared."""
    config = dict(tiny.config) | {"num_hidden_layers": 1024, "intermediate_size": 1 << 20}
    orders = {id(weight.row_order) for weight in read_model("wide", config).weights if weight.row_order is not None}
    assert len(orders) == 2


def test_rope_factors_of_a_gguf_divide_the_frequencies(tiny: Checkpoint) -> None:
    (plain,) = load_model(tiny).ropes
    factors = np.linspace(1, 8, len(plain.inv_freq))
    config = {key: value for key, value in tiny.config.items() if key != "rope_scaling"}
    (divided,) = read_model("divided", config, factors).ropes
    unscaled = 10000.0 ** -(np.arange(16) / 16)
    np.testing.assert_allclose(divided.inv_freq, unscaled / factors, rtol=1e-6)
    for wrong in (factors[:-1], -factors, factors * np.inf):
        with pytest.raises(UnsupportedArchitecture, match="divisors of the rotary frequencies"):
            read_model("divided", config, wrong)


def test_an_unknown_architecture_names_the_known_ones(tiny: Checkpoint) -> None:
    with pytest.raises(UnsupportedArchitecture, match="Did you mean 'llama'"):
        load_model(replace(tiny, config=dict(tiny.config) | {"model_type": "lama"}))
