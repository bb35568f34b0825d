"""Llama (https://arxiv.org/abs/2407.21783) and everything that calls itself so: SmolLM2, TinyLlama and others."""

from __future__ import annotations

from webllm_build.model import common, gguf
from webllm_build.model.attention import Attention, Rope
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import GatedMLP, Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, FileNames, Names

NAMES = Names(hugging_face=FileNames(HUGGING_FACE), gguf=FileNames(GGUF, rotary_pairs=True))
GGUF_KEYS = gguf.KEYS
IGNORED = common.IGNORED | {"pretraining_tp", "is_llama_config", "rope_interleaved"}


def read(config: Reader) -> Decoder:
    heads = config.integer("num_attention_heads")
    head_dim = config.integer("head_dim", default=config.integer("hidden_size") // heads)
    config.must_be("hidden_act", "silu")
    config.must_be("attention_bias", False)
    config.must_be("mlp_bias", False)
    attention = Attention(
        heads=heads,
        kv_heads=config.integer("num_key_value_heads", default=heads),
        head_dim=head_dim,
        scale=head_dim**-0.5,
        rope=Rope.of(config.rope(default_theta=10000.0), head_dim),
    )
    layer = Layer(attention, GatedMLP("silu_mul", config.integer("intermediate_size")))
    return common.read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"))
