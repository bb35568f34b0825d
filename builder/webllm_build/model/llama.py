"""Llama (https://arxiv.org/abs/2407.21783) and everything that calls itself so: SmolLM2, TinyLlama and others."""

from __future__ import annotations

from webllm_build.model import common, gguf
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, FileNames, Names
from webllm_build.model.self_attention import SelfAttention

NAMES = Names(hugging_face=FileNames(HUGGING_FACE), gguf=FileNames(GGUF, rotary_pairs=True))
GGUF_KEYS = gguf.KEYS
IGNORED = common.IGNORED | {"pretraining_tp", "is_llama_config", "rope_interleaved"}


def read(config: Reader) -> Decoder:
    config.must_be("attention_bias", False)
    config.must_be("mlp_bias", False)
    layer = Layer(SelfAttention(common.read_attention(config)), common.read_mlp(config))
    return common.read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"))
