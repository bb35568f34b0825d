"""MLC's weights of every family: what its loaders make of a family's fixture computes what transformers says of that, and codes are
what MLC takes them for."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import load_file

from families import FIXTURES, TOKENS, reference
from mlc_model import GROUPS, Arrays, Floats, bfloat16, dequantized, fused, joined, quantized, write
from webllm_build.cache import Cache
from webllm_build.catalog import CATALOG
from webllm_build.errors import UnsupportedArchitecture
from webllm_build.model import load_model
from webllm_build.model.numpy_operators import NumpyOperators
from webllm_build.source import Checkpoint, open_checkpoint

Weights = Mapping[str, Floats]
# Of every family's config in MLC: how it was compiled.
COMPILED: dict[str, object] = {"prefill_chunk_size": 512, "tensor_parallel_shards": 1, "max_batch_size": 128}
CONTEXT: dict[str, object] = {**COMPILED, "context_window_size": 512}
# theirs → ours, as the loaders of python/mlc_llm/model have them.
PHI3_NAMES = {
    "transformer.embd.": "model.embed_tokens.",
    "transformer.norm.": "model.norm.",
    "transformer.h.": "model.layers.",
    ".ln.": ".input_layernorm.",
    ".mixer.qkv_proj.": ".self_attn.qkv_proj.",
    ".mixer.out_proj.": ".self_attn.o_proj.",
}
PHI_NAMES = {
    "lm_head.linear.": "lm_head.",
    "lm_head.ln.": "model.final_layernorm.",
    "transformer.embd.": "model.embed_tokens.",
    "transformer.h.": "model.layers.",
    ".ln.": ".input_layernorm.",
    ".mixer.Wqkv.": ".self_attn.qkv_proj.",
    ".mixer.out_proj.": ".self_attn.dense.",
}


def called(weights: Weights, names: Mapping[str, str]) -> dict[str, Floats]:
    return {functools.reduce(lambda name, part: name.replace(*part[::-1]), names.items(), name): value for name, value in weights.items()}


def norms_added(weights: Weights, but: str = " ") -> dict[str, Floats]:
    return {name: value + 1 if name.endswith("norm.weight") and but not in name else value for name, value in weights.items()}


def of_gemma3(weights: Weights) -> dict[str, Floats]:
    added = norms_added(fused(weights, ("gate_proj", "up_proj"), "gate_up_proj"))
    return {f"language_model.{name}": value for name, value in added.items()}


def of_gpt_neox(weights: Weights, heads: int) -> dict[str, Floats]:
    def transposed(value: Floats) -> Floats:
        parts = np.split(value.reshape(heads, len(value) // heads, -1), 3, axis=1)
        return np.concatenate(parts, axis=0).reshape(value.shape)

    return {name: transposed(value) if "query_key_value" in name else value for name, value in weights.items()}


def of_bert(weights: Weights) -> dict[str, Floats]:
    kept = {name: value for name, value in weights.items() if not name.startswith("pooler.")}
    return fused(kept, ("attention.self.query", "attention.self.key", "attention.self.value"), "attention.self.qkv")


def of_qwen3_5(weights: Weights) -> dict[str, Floats]:
    return called(norms_added(joined(weights, "c_attn"), but="linear_attn"), {".conv1d_weight": ".conv1d.weight"})


def of_starcoder2(weights: Weights) -> dict[str, Floats]:
    return {**joined(weights, "wqkv_pack"), "lm_head.weight": weights["model.embed_tokens.weight"]}


def of_qwen3_moe(weights: Weights, layers: int, experts: int) -> dict[str, Floats]:
    result = joined({name: value for name, value in weights.items() if ".experts." not in name}, "c_attn")
    for layer in range(layers):
        of_expert = [f"model.layers.{layer}.mlp.experts.{expert}" for expert in range(experts)]
        gate_up = [np.concatenate([weights[f"{each}.gate_proj.weight"], weights[f"{each}.up_proj.weight"]]) for each in of_expert]
        result[f"model.layers.{layer}.mlp.moe_gate_up_proj.weight"] = np.stack(gate_up)
        result[f"model.layers.{layer}.mlp.moe_down_proj.weight"] = np.stack([weights[f"{each}.down_proj.weight"] for each in of_expert])
    return result


@dataclass(frozen=True)
class Family:
    """stored: a fixture's tensors as MLC's loader makes its own of them. own: keys of the config.json that MLC's config class has by the
    same name. others: what else the class has. kind: MLC's model_type."""

    stored: Callable[[Weights], dict[str, Floats]]
    own: str
    others: Mapping[str, object]
    kind: str | None = None
    fixture: str | None = None


SIZES = "hidden_size intermediate_size num_attention_heads num_hidden_layers vocab_size "
GROUPED = SIZES + "num_key_value_heads "
ROPE = {"position_embedding_base": 10000.0, **CONTEXT}
PHI_SIZES = {"n_positions": 512, "n_embd": 64, "n_layer": 1, "n_inner": 256, "n_head": 2, "rotary_dim": 16, "n_head_kv": 2, "head_dim": 32}
GEMMA3_TEXT: dict[str, object] = {
    "hidden_size": 64,
    "intermediate_size": 64,
    "num_hidden_layers": 6,
    "attention_bias": False,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "rms_norm_eps": 1e-5,
    "hidden_activation": "gelu_pytorch_tanh",
    "position_embedding_base": 1000000.0,
    "rope_scaling": {"rope_type": "linear", "factor": 8.0},
    "context_window_size": 8192,
    "prefill_chunk_size": 512,
    "query_pre_attn_scalar": 32,
    "sliding_window_size": 8,
    # What the class has no field for, which it keeps.
    "kwargs": {"model_type": "gemma3_text", "max_position_embeddings": 512, "sliding_window": 8, "sliding_window_pattern": 6}
    | {"rope_local_base_freq": 10000.0, "architectures": ["Gemma3ForCausalLM"], "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0},
}
GEMMA3 = {"text_config": GEMMA3_TEXT, "is_text_model": True, **COMPILED, "context_window_size": 8192, "sliding_window_size": 8}
QWEN3_5 = "head_dim linear_key_head_dim linear_value_head_dim linear_num_key_heads linear_num_value_heads linear_conv_kernel_dim "
OF_QWEN3_5 = {"rope_theta": 10000000, "partial_rotary_factor": 0.25, "full_attention_interval": 2, "hidden_act": "silu"}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16, "beta_fast": 32.0, "beta_slow": 1.0, "mscale": 1.0}
MINISTRAL3: dict[str, object] = {
    "rope_parameters": {**YARN, "mscale_all_dim": 1.0, "llama_4_scaling_beta": 0.5},  # without rope_theta, which it takes out
    "attention_sink_size": 0,
    "dtype": "float32",
    "hidden_act": "silu",
    "sliding_window_size": -1,
    "weight_block_size": None,
    "position_embedding_base": 1000000.0,
    "modules_to_not_convert": [],
    **CONTEXT,
}
PHI3 = {"model_type": "phi3", "head_dim": 32, **ROPE}
LONGROPE = {"rope_type": "longrope", "max_position_embeddings": 512, "original_max_position_embeddings": 32}
BERT = {"hidden_act": "gelu", "type_vocab_size": 2, "pad_token_id": 0, "position_offset": 0, "head_dim": 32}
FAMILIES: dict[str, Family] = {
    "bert": Family(of_bert, SIZES + "layer_norm_eps", {**BERT, **COMPILED, "context_window_size": 64}),  # less than its table has
    "gemma": Family(lambda each: norms_added(joined(each)), GROUPED + "head_dim rms_norm_eps", {"attention_bias": False, **ROPE}),
    "gemma2": Family(
        lambda each: norms_added(joined(each)),
        GROUPED + "head_dim rms_norm_eps query_pre_attn_scalar attn_logit_softcapping final_logit_softcapping sliding_window",
        {"attention_bias": False, "hidden_activation": None, **ROPE},
    ),
    "gemma3_text": Family(of_gemma3, "vocab_size", GEMMA3),
    "gemma3": Family(of_gemma3, "vocab_size", {**GEMMA3, "is_text_model": False}, fixture="gemma3_text"),
    **{
        fixture: Family(
            functools.partial(of_gpt_neox, heads=heads),
            SIZES + "use_parallel_residual layer_norm_eps rotary_pct",
            {"head_dim": 32, "ffn_out_dtype": "float32", **ROPE},
            "gpt_neox",
        )
        for fixture, heads in (("gpt_neox", 2), ("gpt_neox-redpajama", 1))
    },
    "ministral3": Family(joined, GROUPED + "head_dim rms_norm_eps tie_word_embeddings", MINISTRAL3),
    "mistral": Family(  # a window is all the context that it has
        joined,
        GROUPED + "head_dim rms_norm_eps",
        {"position_embedding_base": 1000000.0, **COMPILED, "context_window_size": -1, "sliding_window_size": 8, "attention_sink_size": 4},
    ),
    "nemotron": Family(
        lambda each: fused(each, ("q_proj", "k_proj", "v_proj"), "qkv_proj"),
        GROUPED + "max_position_embeddings rope_theta partial_rotary_factor norm_eps head_dim tie_word_embeddings mlp_bias",
        {"rope_scaling": None, "pipeline_parallel_stages": 1, "disaggregation": False, **CONTEXT},
    ),
    "olmo": Family(joined, GROUPED + "clip_qkv tie_word_embeddings", {"hidden_act": "silu", "head_dim": 32, "rope_scaling": None, **ROPE}),
    "olmo2": Family(
        joined,
        GROUPED + "rms_norm_eps",
        {"hidden_act": "silu", "head_dim": 32, "tie_word_embeddings": False, **ROPE, "position_embedding_base": 500000.0},
    ),
    "phi": Family(
        lambda each: called(joined(each), PHI_NAMES),
        SIZES + "layer_norm_eps partial_rotary_factor",
        {"num_key_value_heads": 2, "head_dim": 32, **ROPE},
    ),
    "phi-msft": Family(
        lambda each: called(joined(each), PHI_NAMES),
        "vocab_size",
        {"model_type": "phi-msft", **PHI_SIZES, "layer_norm_epsilon": 1e-5, **ROPE},
        fixture="phi",
    ),
    "phi3": Family(
        lambda each: called(each, PHI3_NAMES),
        GROUPED + "rms_norm_eps original_max_position_embeddings partial_rotary_factor tie_word_embeddings max_position_embeddings",
        {**PHI3, "sliding_window": 8},
    ),
    "qwen2": Family(
        lambda each: joined(each, "c_attn"),
        GROUPED + "rms_norm_eps rope_theta tie_word_embeddings",
        {"hidden_act": "silu", "head_dim": 32, "dtype": "float32", **CONTEXT},
    ),
    "qwen3": Family(
        lambda each: joined(each, "c_attn"),
        GROUPED + "head_dim rms_norm_eps rope_theta tie_word_embeddings attention_bias",
        {"hidden_act": "silu", "dtype": "float32", "weight_block_size": None, **CONTEXT},
    ),
    "qwen3_moe": Family(
        functools.partial(of_qwen3_moe, layers=2, experts=7),
        GROUPED + "head_dim rms_norm_eps rope_theta attention_bias moe_intermediate_size num_experts_per_tok num_experts norm_topk_prob",
        {"hidden_act": "silu", "decoder_sparse_step": 1, "tie_word_embeddings": False, "weight_block_size": None, **CONTEXT},
    ),
    "qwen3_5": Family(
        of_qwen3_5, GROUPED + QWEN3_5 + "rms_norm_eps tie_word_embeddings", {**OF_QWEN3_5, **CONTEXT}, fixture="qwen3_5_text"
    ),
    "stablelm": Family(
        joined, GROUPED + "layer_norm_eps partial_rotary_factor rope_theta use_qkv_bias", {"head_dim": 32, "dtype": "float32", **CONTEXT}
    ),
    "starcoder2": Family(
        of_starcoder2,
        GROUPED + "norm_epsilon rope_theta use_bias",
        {"hidden_act": "gelu_pytorch_tanh", "use_cache": True, "bos_token_id": 1, "eos_token_id": 2, "head_dim": 32, **CONTEXT},
    ),
}


def fixture_of(name: str) -> str:
    return FAMILIES[name].fixture or name


def stored(name: str) -> dict[str, Floats]:
    weights = load_file(FIXTURES / f"tiny-{fixture_of(name)}" / "model.safetensors")
    return FAMILIES[name].stored({tensor: value.astype(np.float32) for tensor, value in weights.items() if "mtp." not in tensor})


def model_config(name: str) -> dict[str, Any]:
    config = json.loads((FIXTURES / f"tiny-{fixture_of(name)}" / "config.json").read_text("utf-8"))
    family = FAMILIES[name]
    rope = {"rope_scaling": {**config["rope_scaling"], **LONGROPE}} if name == "phi3" else {}
    return {key: config[key] for key in family.own.split() if key in config} | rope | dict(family.others)


def opened(folder: Path, name: str, arrays: Arrays, quantization: str, **others: object) -> Checkpoint:
    chat: dict[str, Any] = {"model_type": FAMILIES[name].kind or name, "model_config": model_config(name), **others}
    write(folder, arrays, quantization=quantization, as_bfloat16="q4f32" in quantization, **chat)
    return open_checkpoint(str(folder), CATALOG, Cache(folder / "cache"))


@pytest.mark.parametrize("name", FAMILIES)
def test_it_computes_what_transformers_does(tmp_path: Path, name: str) -> None:
    checkpoint, expected = opened(tmp_path / "tiny", name, dict(stored(name)), "q0f32"), reference(fixture_of(name))
    model = load_model(checkpoint)
    operators = NumpyOperators(checkpoint, model.norm_eps, TOKENS)
    states = model.hidden(operators)
    found = model.normed(operators, states) if model.head is None else model.logits(operators, states)
    assert np.linalg.norm(found - expected) < 1e-5 * np.linalg.norm(expected)


def is_quantized(name: str, value: Floats) -> bool:
    """What MLC's visitor of modules takes: linear layers, embeddings and experts, but for routers."""
    return name.endswith(".weight") and value.ndim >= 2 and not name.endswith("gate.weight")


def as_written(values: npt.NDArray[Any]) -> Floats:
    """MLC writes what is float32 as bfloat16."""
    if values.dtype != np.float32:
        return values.astype(np.float32)
    return (bfloat16(values).astype(np.uint32) << np.uint32(16)).view(np.float32)


@pytest.mark.parametrize("quantization", ["q4f16_1", "q4f32_1", "q3f16_1"])
@pytest.mark.parametrize("name", FAMILIES)
def test_codes_are_what_mlc_takes_them_for(tmp_path: Path, name: str, quantization: str) -> None:
    """Each weight is that of the same model whose matrices are what MLC computes of its codes."""
    bits, group = int(quantization[1]), GROUPS[int(quantization[1])]
    dtype, packed, plain = "float32" if "f32" in quantization else "float16", Arrays(), Arrays()
    for tensor, value in stored(name).items():
        if not is_quantized(tensor, value):
            packed[tensor] = value.astype(dtype)
            plain[tensor] = as_written(packed[tensor])
            continue
        words, scales = quantized(value.reshape(-1, value.shape[-1]), dtype, bits, group)
        shape, stem = value.shape[:-1], tensor.removesuffix(".weight")
        packed[f"{stem}.q_weight"], packed[f"{stem}.q_scale"] = words.reshape(*shape, -1), scales.reshape(*shape, -1)
        plain[tensor] = dequantized(words, as_written(scales), bits, group)[:, : value.shape[-1]].reshape(value.shape)
    mine = opened(tmp_path / "packed", name, packed, quantization)
    theirs = opened(tmp_path / "plain", name, plain, "q0f32")
    kept = sum(tensor.encoding == "q4_0" for tensor in mine.tensors.values())
    assert kept >= sum("q_weight" in tensor for tensor in packed) if bits == 4 else kept == 0
    for weight, other in zip(load_model(mine).weights, load_model(theirs).weights, strict=True):
        np.testing.assert_array_equal(weight.values(mine), other.values(theirs))


@pytest.mark.parametrize(
    ("name", "kind", "metadata", "pooling"),
    [
        ("bert", "bert", None, "cls"),
        ("bert", "bert-bge", {"model_type": "encoder", "pooling_strategy": "mean", "normalize": True}, "mean"),
        ("qwen3", "qwen3-embedding", None, "last"),
    ],
)
def test_a_vector_is_of_the_states_that_mlc_says(tmp_path: Path, name: str, kind: str, metadata: object, pooling: str) -> None:
    checkpoint = opened(tmp_path / "tiny", name, dict(stored(name)), "q0f32", model_type=kind, embedding_metadata=metadata)
    pool = load_model(checkpoint).pool
    assert pool is not None and pool.pool.kind == pooling


def test_a_table_of_positions_says_how_many_there_are(tmp_path: Path) -> None:
    assert load_model(opened(tmp_path / "tiny", "bert", dict(stored("bert")), "q0f32")).context_length == 160  # MLC's batches have 64


def test_another_pooling_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedArchitecture, match="pools by 'max'"):
        opened(tmp_path / "tiny", "bert", dict(stored("bert")), "q0f32", embedding_metadata={"pooling_strategy": "max"})
