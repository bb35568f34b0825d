"""MiniCPM, whose code transformers lacks, is Granite with other names for its factors, which is compared with transformers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from tiny_models import FEED_FORWARD, HEADS, HIDDEN, KV_HEADS, LAYERS, VOCAB, hugging_face_weights, write_gguf

from mlc_model import joined, write
from webllm_build.model import load_model, read_model
from webllm_build.source.folder import Folder
from webllm_build.source.gguf import open_gguf
from webllm_build.source.mlc import open_mlc

# MiniCPM4-0.5B, but for its divisors of frequencies.
CONFIG: dict[str, Any] = {
    "model_type": "minicpm",
    "architectures": ["MiniCPMForCausalLM"],
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "vocab_size": 73448,
    "max_position_embeddings": 32768,
    "rms_norm_eps": 1e-5,
    "hidden_act": "silu",
    "scale_emb": 12,
    "scale_depth": 1.4,
    "dim_model_base": 256,
    "mup_denominator": 32,
    "use_cache": True,
    "rope_scaling": {
        "rope_type": "longrope",
        "short_factor": [1.0] * 32,
        "long_factor": [1.5] * 32,
        "original_max_position_embeddings": 4096,
    },
}


def granite(**factors: float) -> dict[str, Any]:
    shared = {key: value for key, value in CONFIG.items() if key not in ("scale_emb", "scale_depth", "dim_model_base", "mup_denominator")}
    return {**shared, "model_type": "granite", "attention_multiplier": 64**-0.5, "tie_word_embeddings": True, **factors}


def test_its_factors_are_granites() -> None:
    expected = granite(embedding_multiplier=12.0, residual_multiplier=1.4 / math.sqrt(24), logits_scaling=1024 / 256)
    assert read_model("a model", CONFIG).description == read_model("a model", expected).description


def test_a_gguf_says_them_or_means_what_llama_cpp_takes(tmp_path: Path) -> None:
    keys = {"minicpm.embedding_scale": 3.0, "minicpm.residual_scale": 0.5, "minicpm.logit_scale": 4.0}
    said = write_gguf(tmp_path / "said.gguf", hugging_face_weights(), architecture="minicpm", metadata=keys)
    silent = write_gguf(tmp_path / "silent.gguf", hugging_face_weights(), architecture="minicpm")
    model, older = load_model(open_gguf(said)), load_model(open_gguf(silent))
    assert (model.embedding_scale, model.logit_scale) == (6.0, 0.25) and model.norm_eps == 4e-5
    residual = 1.4 / math.sqrt(LAYERS)
    assert math.isclose(older.embedding_scale, 12 / residual) and math.isclose(older.logit_scale, HIDDEN / 256)


def test_mlcs_weights_are_those_of_hugging_face(tmp_path: Path) -> None:
    """As python/mlc_llm/model/minicpm has them."""
    weights, factors = hugging_face_weights(tied=True), {"scale_emb": 12, "scale_depth": 1.4, "dim_model_base": 64}
    sizes = {"hidden_size": HIDDEN, "intermediate_size": FEED_FORWARD, "num_hidden_layers": LAYERS, "vocab_size": VOCAB}
    config = {**sizes, "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS, "hidden_act": "silu", "rms_norm_eps": 1e-5, **factors}
    others = {"use_cache": True, "bos_token_id": 1, "eos_token_id": 2, "tie_word_embeddings": True, "rope_theta": 10000, "head_dim": 32}
    compiled = {"prefill_chunk_size": 512, "tensor_parallel_shards": 1, "max_batch_size": 128, "num_experts_per_tok": 0, "num_experts": 0}
    said = {**config, **others, **compiled, "context_window_size": 512}
    folder = write(tmp_path / "tiny", dict(joined(weights, "wqkv_pack")), model_type="minicpm", quantization="q0f32", model_config=said)
    checkpoint = open_mlc(Folder(folder), "tiny")
    expected = read_model("tiny", {**config, "model_type": "minicpm", "max_position_embeddings": 512})
    assert load_model(checkpoint).description == expected.description
    assert set(checkpoint.tensors) == set(weights)
    for name, tensor in checkpoint.tensors.items():
        np.testing.assert_array_equal(tensor.dequantize(), weights[name])
