"""StarCoder 2 (https://arxiv.org/abs/2402.19173): layer normalisation, plain feed-forward blocks, biases everywhere, and a window."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model import common, gguf
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.feed_forward import MLP
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, FileNames, Names
from webllm_build.model.self_attention import SelfAttention

NAMES = Names(
    hugging_face=FileNames({**HUGGING_FACE, "up": "model.layers.{}.mlp.c_fc", "down": "model.layers.{}.mlp.c_proj"}),
    gguf=FileNames(GGUF),
)
GGUF_KEYS = {**gguf.LAYER_NORM_KEYS, "sliding_window": gguf.WINDOW}
ALIASES = {"norm_epsilon": "layer_norm_eps"}
# What the makers' own code has in config.json files.
IGNORED = common.IGNORED | {
    *("activation_function", "attention_softmax_in_fp32", "layer_norm_epsilon", "mlp_type", "norm_type"),
    *("scale_attention_softmax_in_fp32", "scale_attn_weights"),
}
DEFAULTS = {
    "vocab_size": 49152,
    "hidden_size": 3072,
    "intermediate_size": 12288,
    "num_hidden_layers": 30,
    "num_attention_heads": 24,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
}


def read(config: Reader) -> Decoder:
    bias = config.flag("use_bias", default=True)
    attention = replace(common.read_attention(config), window=config.window(default=None))
    mlp = MLP(common.read_activation(config, default="gelu_pytorch_tanh"), config.integer("intermediate_size"), bias=bias)
    layer = Layer(SelfAttention(attention, qkv_bias=bias, out_bias=bias), mlp, norm="layer_bias")
    return common.read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"), norm="layer_bias", tied=True)
