"""Embedding models, as their configs are on the Hub."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from families import FIXTURES, open_tiny
from webllm_build.build import build
from webllm_build.config import BuildRequest
from webllm_build.errors import MalformedFile, UnsupportedArchitecture
from webllm_build.model import load_model, read_model
from webllm_build.quantize import scheme_of_floats

BGE_BASE = {
    "model_type": "bert",
    "architectures": ["BertModel"],
    "attention_probs_dropout_prob": 0.1,
    "classifier_dropout": None,
    "gradient_checkpointing": False,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 768,
    "id2label": {"0": "LABEL_0"},
    "initializer_range": 0.02,
    "intermediate_size": 3072,
    "label2id": {"LABEL_0": 0},
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 512,
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "pad_token_id": 0,
    "position_embedding_type": "absolute",
    "type_vocab_size": 2,
    "use_cache": True,
    "vocab_size": 30522,
}
MODERNBERT_BASE = {
    "model_type": "modernbert",
    "architectures": ["ModernBertForMaskedLM"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": 50281,
    "classifier_activation": "gelu",
    "classifier_bias": False,
    "classifier_dropout": 0.0,
    "classifier_pooling": "mean",
    "cls_token_id": 50281,
    "decoder_bias": True,
    "deterministic_flash_attn": False,
    "embedding_dropout": 0.0,
    "eos_token_id": 50282,
    "global_attn_every_n_layers": 3,
    "global_rope_theta": 160000.0,
    "gradient_checkpointing": False,
    "hidden_activation": "gelu",
    "hidden_size": 768,
    "initializer_cutoff_factor": 2.0,
    "initializer_range": 0.02,
    "intermediate_size": 1152,
    "layer_norm_eps": 1e-05,
    "local_attention": 128,
    "local_rope_theta": 10000.0,
    "max_position_embeddings": 8192,
    "mlp_bias": False,
    "mlp_dropout": 0.0,
    "norm_bias": False,
    "norm_eps": 1e-05,
    "num_attention_heads": 12,
    "num_hidden_layers": 22,
    "pad_token_id": 50283,
    "position_embedding_type": "absolute",
    "sep_token_id": 50282,
    "tie_word_embeddings": True,
    "vocab_size": 50368,
}
EMBEDDING_GEMMA = {
    "model_type": "gemma3_text",
    "architectures": ["Gemma3TextModel"],
    "_sliding_window_pattern": 6,
    "attention_bias": False,
    "attention_dropout": 0.0,
    "attn_logit_softcapping": None,
    "bos_token_id": 2,
    "eos_token_id": 1,
    "final_logit_softcapping": None,
    "head_dim": 256,
    "hidden_activation": "gelu_pytorch_tanh",
    "hidden_size": 768,
    "initializer_range": 0.02,
    "intermediate_size": 1152,
    "layer_types": ["full_attention" if layer % 6 == 5 else "sliding_attention" for layer in range(24)],
    "max_position_embeddings": 2048,
    "num_attention_heads": 3,
    "num_hidden_layers": 24,
    "num_key_value_heads": 1,
    "pad_token_id": 0,
    "query_pre_attn_scalar": 256,
    "rms_norm_eps": 1e-06,
    "rope_local_base_freq": 10000.0,
    "rope_scaling": None,
    "rope_theta": 1000000.0,
    "sliding_window": 512,
    "use_bidirectional_attention": True,
    "use_cache": True,
    "vocab_size": 262144,
}


@pytest.mark.parametrize(("config", "ropes"), [(BGE_BASE, 1), (MODERNBERT_BASE, 2), (EMBEDDING_GEMMA, 2)], ids=["bge", "modern", "gemma"])
def test_a_text_comes_whole_through_layers_that_share_one_state(config: dict[str, object], ropes: int) -> None:
    model = read_model("a model", config)
    assert model.pool is not None and model.head is None and model.takes_whole_texts
    assert len(model.states) == 1 and len(model.ropes) == ropes
    assert model.context_length == config["max_position_embeddings"]


def test_weights_of_embedding_models_have_8_bits() -> None:
    for config in (BGE_BASE, MODERNBERT_BASE, EMBEDDING_GEMMA):
        names = {scheme_of_floats(weight, "auto").name for weight in read_model("a model", config).weights}
        assert names == {"q8", "f32"}
    decoder = read_model("gemma", {**EMBEDDING_GEMMA, "use_bidirectional_attention": False})
    assert "q4" in {scheme_of_floats(weight, "auto").name for weight in decoder.weights}


@pytest.mark.parametrize(
    ("config", "key", "value"),
    [
        (BGE_BASE, "is_decoder", True),
        (BGE_BASE, "position_embedding_type", "relative_key"),
        (BGE_BASE, "hidden_act", "prelu"),
        (BGE_BASE, "hidden_size", 800),
        (BGE_BASE, "something_new", 1),
        (MODERNBERT_BASE, "hidden_activation", "prelu"),
        (MODERNBERT_BASE, "layer_types", ["full_attention"]),
    ],
)
def test_what_is_not_computed_is_refused(config: dict[str, object], key: str, value: object) -> None:
    with pytest.raises(UnsupportedArchitecture):
        read_model("a model", {**config, key: value})


def test_a_site_of_a_model_that_does_not_write_is_refused(tmp_path: Path) -> None:
    """Before anything is compiled; and what to build instead is said."""
    open_tiny("bert", "hugging_face", tmp_path / "model")
    request = BuildRequest(kind="site", models=(str(tmp_path / "model"),), out=tmp_path / "out", cache_dir=tmp_path / "cache")
    with pytest.raises(UnsupportedArchitecture, match="makes vectors of texts") as refused:
        build(request)
    assert "webllm-build npm" in (refused.value.hint or "")
    assert not (tmp_path / "out" / "index.html").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prenorm": True}, "prenorm"),
        ({"activation_function": "gelu"}, "activation_function"),
        ({"rotary_emb_interleaved": True}, "rotary_emb_interleaved"),
        ({"moe_every_n_layers": 2}, "moe_every_n_layers"),
    ],
)
def test_what_nomics_own_code_could_do_more_is_refused_by_name(change: dict[str, object], message: str) -> None:
    config = json.loads((FIXTURES / "tiny-nomic_bert" / "config.json").read_text("utf-8"))
    with pytest.raises(UnsupportedArchitecture, match=message):
        read_model("a model", config | change)


def test_a_row_that_is_added_must_be_there(tmp_path: Path) -> None:
    checkpoint = open_tiny("nomic_bert", "gguf", tmp_path)
    tensors = {name: tensor for name, tensor in checkpoint.tensors.items() if name != "token_types.weight"}
    with pytest.raises(MalformedFile, match=r"token_types\.weight"):
        load_model(replace(checkpoint, tensors=tensors))
