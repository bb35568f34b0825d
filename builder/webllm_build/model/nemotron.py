"""Nemotron 4 and Minitron (https://arxiv.org/abs/2407.14679): layer normalisation whose weights are stored as the difference to 1, squared
ReLU without a gate, and half of each head that turns."""

from __future__ import annotations

from webllm_build.model import common, gguf
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.feed_forward import MLP
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, FileNames, Names

NAMES = Names(hugging_face=FileNames(HUGGING_FACE, norm_offset=1.0), gguf=FileNames(GGUF))
GGUF_KEYS = {**gguf.LAYER_NORM_KEYS, "partial_rotary_factor": gguf.TURNED}
ALIASES = {"norm_eps": "layer_norm_eps", "rope_percent": "partial_rotary_factor"}
IGNORED = common.IGNORED
DEFAULTS = {
    "vocab_size": 256000,
    "hidden_size": 6144,
    "intermediate_size": 24576,
    "num_hidden_layers": 32,
    "num_attention_heads": 48,
    "max_position_embeddings": 4096,
}


def read(config: Reader) -> Decoder:
    attention = common.read_self_attention(config, common.read_attention(config, partial=0.5))
    config.must_be("kv_channels", attention.attention.head_dim)
    activation, bias = common.read_activation(config, default="relu2"), config.flag("mlp_bias", default=False)
    layer = Layer(attention, MLP(activation, config.integer("intermediate_size"), bias=bias), norm="layer_bias")
    return common.read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"), norm="layer_bias")
