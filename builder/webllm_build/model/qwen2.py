"""Qwen2 and Qwen2.5 (https://arxiv.org/abs/2412.15115): as Llama, with biases on queries, keys and values."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model import common, gguf
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, FileNames, Names
from webllm_build.model.self_attention import SelfAttention

NAMES = Names(hugging_face=FileNames(HUGGING_FACE), gguf=FileNames(GGUF))
GGUF_KEYS = gguf.KEYS
IGNORED = common.IGNORED | common.OF_WINDOW | {"attention_bias", "qkv_bias", "use_qkv_bias"}  # which are always there
DEFAULTS = {
    "vocab_size": 151936,
    "hidden_size": 4096,
    "intermediate_size": 22016,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "max_position_embeddings": 32768,
    "rms_norm_eps": 1e-06,
}


def read(config: Reader) -> Decoder:
    attention, mlp = common.read_attention(config), common.read_mlp(config)
    mixers = [SelfAttention(replace(attention, window=window), qkv_bias=True) for window in common.read_last_windows(config)]
    return common.read_decoder(config, NAMES, [Layer(mixer, mlp) for mixer in mixers])
