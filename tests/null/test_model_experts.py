"""Mixtures of experts: their tensors in the forms of files, which layers have them, and what importance and parts they get."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from families import TOKENS, open_tiny, reference
from webllm_build.errors import MalformedFile, UnsupportedArchitecture
from webllm_build.model import load_model, read_model
from webllm_build.model.numpy_operators import NumpyOperators
from webllm_build.model.routing import Routing
from webllm_build.quantize import SCHEMES, parts_of
from webllm_build.quantize.calibrate import importances
from webllm_build.source.checkpoint import Checkpoint, Tensor

EXPERTS = 7
QWEN3_30B = {
    "model_type": "qwen3_moe",
    "attention_bias": False,
    "decoder_sparse_step": 1,
    "head_dim": 128,
    "hidden_act": "silu",
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "max_position_embeddings": 40960,
    "max_window_layers": 48,
    "mlp_only_layers": [],
    "moe_intermediate_size": 768,
    "norm_topk_prob": True,
    "num_attention_heads": 32,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "num_hidden_layers": 48,
    "num_key_value_heads": 4,
    "output_router_logits": False,
    "rms_norm_eps": 1e-6,
    "rope_scaling": None,
    "rope_theta": 1000000.0,
    "router_aux_loss_coef": 0.001,
    "sliding_window": None,
    "tie_word_embeddings": False,
    "use_sliding_window": False,
    "vocab_size": 151936,
}


def logits(checkpoint: Checkpoint) -> np.ndarray:
    model = load_model(checkpoint)
    operators = NumpyOperators(checkpoint, model.norm_eps, TOKENS)
    return model.logits(operators, model.hidden(operators))


def stacked(name: str, tensors: list[Tensor]) -> Tensor:
    """Of all experts."""
    shape = (EXPERTS, len(tensors) // EXPERTS * tensors[0].shape[0], tensors[0].shape[1])
    return replace(tensors[0], name=name, shape=shape, read=lambda: np.concatenate([tensor.read() for tensor in tensors]))


def fused(checkpoint: Checkpoint) -> Checkpoint:
    """As transformers 5 has it in memory: a tensor for all experts, gate and up in one."""
    tensors = {name: tensor for name, tensor in checkpoint.tensors.items() if ".experts." not in name}
    for layer in range(2):
        stem = f"model.layers.{layer}.mlp.experts."
        each = {
            part: [checkpoint.tensors[f"{stem}{expert}.{part}_proj.weight"] for expert in range(EXPERTS)] for part in ("gate", "up", "down")
        }
        gate_up = [tensor for pair in zip(each["gate"], each["up"], strict=True) for tensor in pair]
        for part, of_part in (("gate_up", gate_up), ("down", each["down"])):
            tensors[f"{stem}{part}_proj"] = stacked(f"{stem}{part}_proj", of_part)
    return replace(checkpoint, tensors=tensors)


def test_experts_in_one_tensor_are_those_in_tensors_of_their_own(tmp_path: Path) -> None:
    found, expected = logits(fused(open_tiny("qwen3_moe", "hugging_face", tmp_path))), reference("qwen3_moe")
    assert np.linalg.norm(found - expected) < 1e-5 * np.linalg.norm(expected)


def test_a_missing_expert_is_named(tmp_path: Path) -> None:
    checkpoint = open_tiny("qwen3_moe", "hugging_face", tmp_path)
    lost = "model.layers.1.mlp.experts.4.up_proj.weight"
    without = {name: tensor for name, tensor in checkpoint.tensors.items() if name != lost}
    with pytest.raises(MalformedFile, match=f"missing: {lost}"):
        load_model(replace(checkpoint, tensors=without))


def test_an_expert_of_another_shape_is_named(tmp_path: Path) -> None:
    checkpoint = open_tiny("qwen3_moe", "hugging_face", tmp_path)
    name = "model.layers.0.mlp.experts.2.down_proj.weight"
    wrong = {**checkpoint.tensors, name: replace(checkpoint.tensors[name], shape=(64, 64))}
    with pytest.raises(MalformedFile, match=r"experts.2.down_proj.weight is \[64, 64\], and not \[64, 32\]"):
        load_model(replace(checkpoint, tensors=wrong))


@pytest.mark.parametrize(
    ("given", "sparse"),
    [
        ({}, [0, 1, 2, 3]),
        ({"mlp_only_layers": [1, 3]}, [0, 2]),
        ({"decoder_sparse_step": 2}, [1, 3]),
        ({"decoder_sparse_step": 2, "mlp_only_layers": [1]}, [3]),
        ({"num_experts": None, "num_local_experts": 128}, [0, 1, 2, 3]),
    ],
)
def test_layers_are_sparse_where_the_config_says_so(given: dict[str, object], sparse: list[int]) -> None:
    model = read_model("a model", {**QWEN3_30B, "num_hidden_layers": 4, **given})
    names = {weight.name for weight in model.weights}
    assert [layer for layer in range(4) if f"layers.{layer}.experts_down" in names] == sparse
    assert [layer for layer in range(4) if f"layers.{layer}.down" in names] == [layer for layer in range(4) if layer not in sparse]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"num_local_experts": 64}, "num_local_experts"),
        ({"mlp_only_layers": "none"}, "mlp_only_layers"),
        ({"num_experts_per_tok": 129}, "129 of 128"),
        ({"num_experts": 4096}, "4096 experts"),
        ({"moe_intermediate_size": 100}, "multiples of 32"),
        ({"shared_expert_intermediate_size": 512}, "shared_expert_intermediate_size"),
    ],
)
def test_what_is_not_computed_is_refused(given: dict[str, object], problem: str) -> None:
    with pytest.raises(UnsupportedArchitecture, match=problem):
        read_model("a model", {**QWEN3_30B, **given})


@pytest.mark.parametrize("scheme", ["q4", "q4a", "q8", "f16"])
def test_a_part_has_whole_experts_and_can_be_bound(scheme: str) -> None:
    for weight in read_model("a model", {**QWEN3_30B, "num_hidden_layers": 1}).weights:
        if weight.experts > 1:
            found = parts_of(weight.name, SCHEMES[scheme], weight.shape, weight.experts)
            assert max(spec.nbytes for part in found for spec in part.buffers) <= 128 << 20
            assert all(part.rows % (weight.shape[0] // weight.experts) == 0 for part in found)
            assert len({part.rows for part in found}) == 1, "they share a kernel"


def test_an_expert_that_no_binding_can_hold_is_refused() -> None:
    with pytest.raises(UnsupportedArchitecture, match="--quantization"):
        parts_of("experts_gate_up", SCHEMES["f16"], (8 * 28672, 8192), 8)


def test_experts_have_the_importance_of_what_their_layer_multiplies(tmp_path: Path) -> None:
    checkpoint = open_tiny("qwen3_moe", "gguf", tmp_path)
    found = importances(load_model(checkpoint), checkpoint, TOKENS[:16])
    assert {name: len(found[name]) for name in ("layers.0.experts_gate_up", "layers.1.experts_down")} == {
        "layers.0.experts_gate_up": 64,
        "layers.1.experts_down": 32,
    }


def test_more_experts_than_kernels_have_are_refused() -> None:
    with pytest.raises(UnsupportedArchitecture, match="up to 32"):
        Routing(64, 40)
