"""MiniCPM, whose code transformers lacks, is Granite with other names for its factors, which is compared with transformers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from tiny_models import HIDDEN, LAYERS, hugging_face_weights, write_gguf

from webllm_build.model import load_model, read_model
from webllm_build.source.gguf import open_gguf

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
