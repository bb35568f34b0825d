"""Command R and Aya (https://arxiv.org/abs/2405.15032): attention and feed-forward block have one input, behind one layer normalisation
without a bias; rotary pairs are neighbours, and logits are scaled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from webllm_build.model import common, gguf
from webllm_build.model.attention import Attention
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, FileNames, Names

NAMES = Names(hugging_face=FileNames(HUGGING_FACE, rotary_pairs=True), gguf=FileNames(GGUF, rotary_pairs=True))
GGUF_KEYS = {**gguf.LAYER_NORM_KEYS, "logit_scale": "logit_scale"}
IGNORED = common.IGNORED | {"layer_norm_bias", "model_max_length"}
DEFAULTS: Mapping[str, object] = {
    "vocab_size": 256000,
    "hidden_size": 8192,
    "intermediate_size": 22528,
    "num_hidden_layers": 40,
    "num_attention_heads": 64,
    "max_position_embeddings": 8192,
    "rope_theta": 500000.0,
}


def read(config: Reader) -> Decoder:
    config.must_be("use_qk_norm", False)
    return read_as(config, [common.read_attention(config)] * config.integer("num_hidden_layers"))


def read_as(config: Reader, attentions: Sequence[Attention]) -> Decoder:
    """attentions: of all layers."""
    mlp, scale = common.read_mlp(config), config.number("logit_scale", default=0.0625)
    layers = [Layer(common.read_self_attention(config, attention), mlp, norm="layer", parallel=True) for attention in attentions]
    return common.read_decoder(config, NAMES, layers, norm="layer", tied=True, logit_scale=scale)
