"""Mistral (https://arxiv.org/abs/2310.06825): as Llama, with a window where the config has one. In GGUF files it is a llama."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model import common
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.llama import NAMES
from webllm_build.model.self_attention import SelfAttention

IGNORED = common.IGNORED
DEFAULTS = {
    "vocab_size": 32000,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "max_position_embeddings": 131072,
    "rms_norm_eps": 1e-06,
}


def read(config: Reader) -> Decoder:
    attention = replace(common.read_attention(config), window=config.window(default=4096))
    layer = Layer(SelfAttention(attention), common.read_mlp(config))
    return common.read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"))
