"""Phi-1, 1.5 and 2 (https://arxiv.org/abs/2309.05463): attention and feed-forward block have one input, behind one layer normalisation; all
matrices have biases, and half of each head turns."""

from __future__ import annotations

from webllm_build.model import common, gguf
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.feed_forward import MLP
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, FileNames, Names
from webllm_build.model.self_attention import SelfAttention

NAMES = Names(
    hugging_face=FileNames(
        {
            **HUGGING_FACE,
            "norm": "model.final_layernorm",
            "o": "model.layers.{}.self_attn.dense",
            "up": "model.layers.{}.mlp.fc1",
            "down": "model.layers.{}.mlp.fc2",
        }
    ),
    gguf=FileNames(GGUF),
)
GGUF_KEYS = {**gguf.LAYER_NORM_KEYS, "partial_rotary_factor": gguf.TURNED}
IGNORED = common.IGNORED
DEFAULTS = {
    "vocab_size": 51200,
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "num_hidden_layers": 24,
    "num_attention_heads": 32,
    "max_position_embeddings": 2048,
}


def read(config: Reader) -> Decoder:
    config.must_be("qk_layernorm", False)
    attention = SelfAttention(common.read_attention(config, partial=0.5), qkv_bias=True, out_bias=True)
    activation = common.read_activation(config, default="gelu_new")
    layer = Layer(attention, MLP(activation, config.integer("intermediate_size"), bias=True), norm="layer_bias", parallel=True)
    return common.read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"), norm="layer_bias", head_bias=True)
