"""GLM-4 of 2024 (https://arxiv.org/abs/2406.12793): as Llama, with half of each head that turns, neighbours together, biases of queries,
keys and values, and gate and up in one matrix."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model import common, gguf
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer, Norms
from webllm_build.model.names import GGUF, HUGGING_FACE, FileNames, Names
from webllm_build.model.self_attention import SelfAttention

NAMES = Names(
    hugging_face=FileNames({**HUGGING_FACE, "gate_up": "model.layers.{}.mlp.gate_up_proj"}, rotary_pairs=True),
    gguf=FileNames({**GGUF, "gate_up": "blk.{}.ffn_up"}, rotary_pairs=True),
)
GGUF_KEYS = {**gguf.KEYS, "partial_rotary_factor": gguf.TURNED}
IGNORED = common.IGNORED
DEFAULTS = {
    "vocab_size": 151552,
    "hidden_size": 4096,
    "intermediate_size": 13696,
    "num_hidden_layers": 40,
    "num_attention_heads": 32,
    "num_key_value_heads": 2,
    "head_dim": 128,
    "max_position_embeddings": 131072,
    "rms_norm_eps": 1.5625e-07,
}


def read(config: Reader) -> Decoder:
    return read_as(config, NAMES, "before")


def read_as(config: Reader, names: Names, norms: Norms) -> Decoder:
    attention = common.read_attention(config, partial=0.5)
    biased = config.flag("attention_bias", default=True)
    mlp = replace(common.read_mlp(config), fused=True)
    layer = Layer(SelfAttention(attention, qkv_bias=biased), mlp, norms=norms)
    return common.read_decoder(config, names, [layer] * config.integer("num_hidden_layers"))
