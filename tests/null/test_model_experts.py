"""Mixtures of experts: their tensors in the forms of files, which layers have them, and what importance and parts they get."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from families import TOKENS, open_tiny, reference
from webllm_build.errors import MalformedFile, UnsupportedArchitecture
from webllm_build.model import load_model, read_model
from webllm_build.model.numpy_operators import NumpyOperators
from webllm_build.model.rope import RopePlaces
from webllm_build.model.routing import Routing
from webllm_build.model.stacks import Microscaled, Stack
from webllm_build.quantize import SCHEMES, parts_of
from webllm_build.quantize.calibrate import importances
from webllm_build.quantize.pack import scheme_of_floats
from webllm_build.source.checkpoint import Checkpoint, Tensor, Tokenizer

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
    return Tensor.of(name, shape, tensors[0].encoding, np.concatenate([tensor.read() for tensor in tensors]))


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


def test_mxfp4_of_transformers_is_that_of_ggml() -> None:
    """By the definition: two numbers a byte, the first in the low half, and a power of two for 32."""
    rng = np.random.default_rng(0)
    blocks, scales = rng.integers(0, 256, (2, 6, 2, 16), np.uint8), rng.integers(120, 130, (2, 6, 2), np.uint8)
    tensors = {name: Tensor.of(name, array.shape, "u8", array) for name, array in (("w_blocks", blocks), ("w_scales", scales))}
    checkpoint = Checkpoint("m", {}, tensors, Tokenizer(b"", {}), (), None, lambda: "")
    numbers = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6], np.float32)
    values = np.stack([numbers[blocks & 15], numbers[blocks >> 4]], axis=-1).reshape(2, 6, 2, 32)
    expected = (values * np.ldexp(np.float32(1), scales.astype(int) - 127)[..., None]).reshape(2, 6, 64)
    for half in (0, 1):
        found = Stack({"hugging_face": [Microscaled("w", half, alternating=True)]}, 2, (3, 64)).tensor(checkpoint)
        assert found.encoding == "mxfp4"
        np.testing.assert_array_equal(found.dequantize(), expected[:, half::2].reshape(6, 64))


# By transformers' _compute_yarn_parameters, of heads of 64 with the base 150000: inverse frequencies of the pairs 0, 12, 16 and 31, and the
# factor of cosines and sines.
YARN = [
    ({"factor": 32.0, "truncate": False}, [1, 0.0067949593, 0.00045648392, 3.0235114e-07], 1.3465736),
    ({"factor": 8.0}, [1, 0.0074452474, 0.0007745967, 1.2094046e-06], 1.2079442),
    ({"factor": 4.0, "mscale": 1.0, "mscale_all_dim": 0.5, "beta_fast": 16.0}, [1, 0.0085906694, 0.0010758287, 2.4188091e-06], 1.0648216),
    ({"factor": 4.0, "attention_factor": 1.25, "beta_slow": 2.0}, [1, 0.0071588913, 0.00064549723, 2.4188091e-06], 1.25),
]


@pytest.mark.parametrize(("given", "frequencies", "scale"), YARN)
def test_yarn_is_that_of_transformers(given: dict[str, object], frequencies: list[float], scale: float) -> None:
    scaling = {"rope_type": "yarn", "rope_theta": 150000.0, "original_max_position_embeddings": 4096, **given}
    settings = RopePlaces(scaling, None, None, None, 131072).settings(1e4)
    np.testing.assert_allclose(settings.inverse_frequencies(64)[[0, 12, 16, 31]], frequencies, rtol=1e-6)
    assert settings.scale == pytest.approx(scale)


GPT_OSS_20B = {
    "model_type": "gpt_oss",
    "attention_bias": True,
    "experts_per_token": 4,
    "head_dim": 64,
    "hidden_act": "silu",
    "hidden_size": 2880,
    "initial_context_length": 4096,
    "intermediate_size": 2880,
    "layer_types": ["sliding_attention", "full_attention"] * 12,
    "max_position_embeddings": 131072,
    "num_attention_heads": 64,
    "num_experts_per_tok": 4,
    "num_hidden_layers": 24,
    "num_key_value_heads": 8,
    "num_local_experts": 32,
    "output_router_logits": False,
    "quantization_config": {"modules_to_not_convert": ["model.layers.*.self_attn", "lm_head"], "quant_method": "mxfp4"},
    "rms_norm_eps": 1e-5,
    "rope_scaling": {
        "beta_fast": 32.0,
        "beta_slow": 1.0,
        "factor": 32.0,
        "original_max_position_embeddings": 4096,
        "rope_type": "yarn",
        "truncate": False,
    },
    "rope_theta": 150000,
    "router_aux_loss_coef": 0.9,
    "sliding_window": 128,
    "swiglu_limit": 7.0,
    "tie_word_embeddings": False,
    "vocab_size": 201088,
}
LFM2_8B = {
    "model_type": "lfm2_moe",
    "conv_L_cache": 3,
    "conv_bias": False,
    "hidden_size": 2048,
    "intermediate_size": 7168,
    "layer_types": ["conv", "conv", "full_attention", "conv"] * 6,
    "max_position_embeddings": 128000,
    "moe_intermediate_size": 1792,
    "norm_eps": 1e-5,
    "norm_topk_prob": True,
    "num_attention_heads": 32,
    "num_dense_layers": 2,
    "num_experts": 32,
    "num_experts_per_tok": 4,
    "num_hidden_layers": 24,
    "num_key_value_heads": 8,
    "rope_theta": 1000000.0,
    "routed_scaling_factor": 1.0,
    "tie_embedding": True,
    "use_expert_bias": True,
    "vocab_size": 65536,
}

GRANITE_4_TINY = {
    "model_type": "granitemoehybrid",
    "attention_bias": False,
    "attention_multiplier": 0.0078125,
    "embedding_multiplier": 12,
    "hidden_act": "silu",
    "hidden_size": 1536,
    "init_method": "mup",
    "intermediate_size": 512,
    "layer_types": ["attention" if layer in (5, 15, 25, 35) else "mamba" for layer in range(40)],
    "logits_scaling": 6,
    "mamba_chunk_size": 256,
    "mamba_conv_bias": True,
    "mamba_d_conv": 4,
    "mamba_d_head": 64,
    "mamba_d_state": 128,
    "mamba_expand": 2,
    "mamba_n_groups": 1,
    "mamba_n_heads": 48,
    "mamba_proj_bias": False,
    "max_position_embeddings": 131072,
    "normalization_function": "rmsnorm",
    "num_attention_heads": 12,
    "num_experts_per_tok": 6,
    "num_hidden_layers": 40,
    "num_key_value_heads": 4,
    "num_local_experts": 64,
    "output_router_logits": False,
    "position_embedding_type": "nope",
    "residual_multiplier": 0.22,
    "rms_norm_eps": 1e-5,
    "rope_scaling": None,
    "rope_theta": 10000,
    "router_aux_loss_coef": 0.0,
    "shared_intermediate_size": 1024,
    "tie_word_embeddings": True,
    "vocab_size": 100352,
}


@pytest.mark.parametrize(
    ("config", "scheme", "billions"),
    [(QWEN3_30B, "q4", 30.5), (GPT_OSS_20B, "mxfp4", 20.9), (LFM2_8B, "q4", 8.3), (GRANITE_4_TINY, "q4", 6.94)],
    ids=["qwen3-30b-a3b", "gpt-oss-20b", "lfm2-8b-a1b", "granite-4-h-tiny"],
)
def test_published_configs_are_read_and_fit_every_binding(config: dict[str, object], scheme: str, billions: float) -> None:
    model = read_model("a model", config)
    assert sum(math.prod(weight.shape) for weight in model.weights) == pytest.approx(billions * 1e9, rel=0.01)
    schemes = {weight.name: scheme_of_floats(weight, scheme) for weight in model.weights}
    parts = [part for weight in model.weights for part in parts_of(weight.name, schemes[weight.name], weight.shape, weight.experts)]
    assert max(spec.nbytes for part in parts for spec in part.buffers) <= 128 << 20


@pytest.mark.parametrize(("given", "problem"), [({"swiglu_limit": 5.0}, "swiglu_limit"), ({"hidden_act": "gelu"}, "hidden_act")])
def test_another_unit_of_gpt_oss_is_refused(given: dict[str, object], problem: str) -> None:
    with pytest.raises(UnsupportedArchitecture, match=problem):
        read_model("a model", {**GPT_OSS_20B, **given})


def test_all_layers_of_lfm2_may_have_experts() -> None:
    weights = {weight.name for weight in read_model("a model", {**LFM2_8B, "num_dense_layers": 0}).weights}
    assert "layers.0.experts_down" in weights and "layers.0.down" not in weights
