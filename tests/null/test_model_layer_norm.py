"""Families with layer normalisation, as their configs are on the Hub."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from families import open_tiny
from webllm_build.errors import UnsupportedArchitecture
from webllm_build.model import load_model, read_model
from webllm_build.source.local import open_folder

PHI_2 = {
    "model_type": "phi",
    "hidden_act": "gelu_new",
    "hidden_size": 2560,
    "intermediate_size": 10240,
    "layer_norm_eps": 1e-05,
    "max_position_embeddings": 2048,
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "num_key_value_heads": 32,
    "partial_rotary_factor": 0.4,
    "qk_layernorm": False,
    "resid_pdrop": 0.1,
    "embd_pdrop": 0.0,
    "rope_scaling": None,
    "rope_theta": 10000.0,
    "tie_word_embeddings": False,
    "vocab_size": 51200,
}
STABLELM_2 = {
    "model_type": "stablelm",
    "hidden_act": "silu",
    "hidden_dropout": 0.0,
    "hidden_size": 2048,
    "intermediate_size": 5632,
    "layer_norm_eps": 1e-05,
    "max_position_embeddings": 4096,
    "num_attention_heads": 32,
    "num_hidden_layers": 24,
    "num_key_value_heads": 32,
    "partial_rotary_factor": 0.25,
    "qk_layernorm": False,
    "rope_theta": 10000,
    "tie_word_embeddings": False,
    "use_parallel_residual": False,
    "use_qkv_bias": True,
    "vocab_size": 100352,
}


def test_phi_2() -> None:
    model = read_model("phi-2", PHI_2)
    names = {weight.name.removeprefix("layers.0.") for weight in model.weights}
    assert {"attention_norm_bias", "qkv_bias", "o_bias", "up_bias", "down_bias", "norm_bias", "head_bias"} <= names
    assert "mlp_norm" not in names
    assert model.ropes[0].turned == 32


def test_stablelm_2() -> None:
    model = read_model("stablelm-2", STABLELM_2)
    names = {weight.name.removeprefix("layers.0.") for weight in model.weights}
    assert {"attention_norm_bias", "qkv_bias", "mlp_norm_bias", "norm_bias"} <= names
    assert names.isdisjoint({"o_bias", "down_bias", "head_bias"})
    assert model.ropes[0].turned == 16


def test_absent_keys_are_transformers_defaults() -> None:
    absent = ("partial_rotary_factor", "layer_norm_eps", "use_qkv_bias", "use_parallel_residual", "num_key_value_heads")
    model = read_model("stablelm", {key: value for key, value in STABLELM_2.items() if key not in absent})
    assert model.ropes[0].turned == 16
    assert "layers.0.qkv_bias" not in {weight.name for weight in model.weights}
    assert read_model("phi", {key: value for key, value in PHI_2.items() if key not in absent}).ropes[0].turned == 40


def test_both_blocks_of_stablelm_may_have_one_input() -> None:
    model = read_model("stablelm", {**STABLELM_2, "use_parallel_residual": True})
    assert "layers.0.mlp_norm" not in {weight.name for weight in model.weights}


@pytest.mark.parametrize("config", [PHI_2, STABLELM_2], ids=["phi", "stablelm"])
@pytest.mark.parametrize("other", [{"hidden_act": "prelu"}, {"rope_scaling": {"type": "ntk", "factor": 2.0}}], ids=["gated", "scaled"])
def test_what_is_not_computed_is_refused(config: dict[str, object], other: dict[str, object]) -> None:
    with pytest.raises(UnsupportedArchitecture):
        read_model("a model", {**config, **other})


def test_norms_of_phis_queries_and_keys_are_refused() -> None:
    """They have biases, as no kernel has them."""
    with pytest.raises(UnsupportedArchitecture):
        read_model("a model", {**PHI_2, "qk_layernorm": True})


def test_gpt2_is_read_as_its_makers_saved_it(tmp_path: Path) -> None:
    """Without what its tensors' names begin with, and with its masks beside them."""
    usual, folder = open_tiny("gpt2", "hugging_face", tmp_path / "usual"), shutil.copytree(tmp_path / "usual", tmp_path / "first")
    tensors = {name.removeprefix("transformer."): tensor for name, tensor in load_file(folder / "model.safetensors").items()}
    masks = {f"h.{layer}.attn.bias": np.tril(np.ones((1, 1, 128, 128), np.float16)) for layer in range(2)}
    save_file({**tensors, **masks}, folder / "model.safetensors")
    found, expected = open_folder(folder, "gpt2"), load_model(usual)
    for weight in load_model(found).weights:
        (same,) = (each for each in expected.weights if each.name == weight.name)
        np.testing.assert_array_equal(weight.values(found), same.values(usual))
