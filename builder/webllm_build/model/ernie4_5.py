"""ERNIE 4.5, dense (https://yiyan.baidu.com/blog/publication/ERNIE_Technical_Report.pdf): as Llama, with neighbours in a head that turn
together."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model import common, gguf
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, FileNames, Names
from webllm_build.model.self_attention import SelfAttention

NAMES = Names(hugging_face=FileNames(HUGGING_FACE, rotary_pairs=True), gguf=FileNames(GGUF, rotary_pairs=True))
GGUF_KEYS = gguf.KEYS
IGNORED = common.IGNORED
DEFAULTS = {
    "vocab_size": 103424,
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "num_hidden_layers": 18,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "head_dim": 128,
    "max_position_embeddings": 131072,
    "rms_norm_eps": 1e-05,
    "rope_theta": 500000.0,
    "tie_word_embeddings": True,
}


def read(config: Reader) -> Decoder:
    biased = config.flag("use_bias", default=False)
    attention = common.read_attention(config)
    mlp = replace(common.read_mlp(config), bias=biased)
    layer = Layer(SelfAttention(attention, qkv_bias=biased, out_bias=biased), mlp)
    return common.read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"))
