"""Helium (https://kyutai.org/2025/04/30/helium.html): as Llama, with rotary pairs that are neighbours."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model import common
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.names import HUGGING_FACE, FileNames, Names
from webllm_build.model.self_attention import SelfAttention

_FILES = FileNames(HUGGING_FACE, rotary_pairs=True)
NAMES = Names(hugging_face=_FILES, gguf=_FILES)
IGNORED = common.IGNORED
DEFAULTS = {
    "vocab_size": 48000,
    "hidden_size": 2560,
    "intermediate_size": 7040,
    "num_hidden_layers": 24,
    "num_attention_heads": 20,
    "num_key_value_heads": 20,
    "head_dim": 128,
    "max_position_embeddings": 4096,
    "rms_norm_eps": 1e-8,
    "rope_theta": 100000.0,
}


def read(config: Reader) -> Decoder:
    attention = SelfAttention(common.read_attention(config), qkv_bias=config.flag("attention_bias", default=False))
    mlp = replace(common.read_mlp(config), bias=config.flag("mlp_bias", default=False))
    return common.read_decoder(config, NAMES, [Layer(attention, mlp)] * config.integer("num_hidden_layers"))
