"""Granite 3 (https://huggingface.co/ibm-granite): as Llama, with factors on embeddings, scores, what blocks add, and logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from webllm_build.model import common, gguf
from webllm_build.model.attention import Attention
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.feed_forward import GatedMLP
from webllm_build.model.layers import Layer
from webllm_build.model.llama import NAMES
from webllm_build.model.names import Names

EMBEDDING_SCALE, RESIDUAL_SCALE = "embedding_multiplier", "residual_multiplier"
_TURNS = "turns"
FACTORS = {
    **gguf.KEYS,
    "attention_multiplier": "attention.scale",
    EMBEDDING_SCALE: "embedding_scale",
    RESIDUAL_SCALE: "residual_scale",
    "logits_scaling": "logit_scale",
}
GGUF_KEYS = {**FACTORS, _TURNS: "rope.scaling.finetuned"}  # by which llama.cpp has a rope, or none
IGNORED = common.IGNORED
DEFAULTS = {
    "vocab_size": 32000,
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "max_position_embeddings": 2048,
    "rms_norm_eps": 1e-06,
    "attention_multiplier": 1.0,
}


def read(config: Reader) -> Decoder:
    attention = read_attention(config)
    turning = attention if config.flag(_TURNS, default=True) else common.without_rope(attention)
    layer = Layer(common.read_self_attention(config, turning), read_mlp(config))
    return read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"))


def read_attention(config: Reader) -> Attention:
    attention = common.read_attention(config)
    return replace(attention, scale=config.number("attention_multiplier", default=attention.scale))


def read_mlp(config: Reader) -> GatedMLP:
    return replace(common.read_mlp(config), bias=config.flag("mlp_bias", default=False))


def vector_scale(text: Reader) -> float:
    """What vectors of pictures are times in a text that may be Granite's, which scales them as embeddings; 1 in any other."""
    return text.number(EMBEDDING_SCALE, default=1.0) / text.number(RESIDUAL_SCALE, default=1.0)


def read_decoder(config: Reader, names: Names, layers: Sequence[Layer]) -> Decoder:
    """With Granite's factors."""
    return common.read_decoder(
        config,
        names,
        layers,
        embedding_scale=config.number(EMBEDDING_SCALE, default=1.0),
        residual_scale=config.number(RESIDUAL_SCALE, default=1.0),
        logit_scale=1 / config.number("logits_scaling", default=1.0),
    )
