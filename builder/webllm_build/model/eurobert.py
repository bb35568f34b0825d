"""EuroBERT (https://arxiv.org/abs/2503.05500): Llama, whose tokens see the whole text."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model import common, gguf, llama
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, FileNames, Names

NAMES = Names(hugging_face=FileNames(HUGGING_FACE), gguf=FileNames(GGUF))
GGUF_KEYS = {**gguf.KEYS, "classifier_pooling": "classifier.pooling_type", "is_decoder": "attention.causal"}
IGNORED = llama.IGNORED | {"classifier_pooling", "mask_token_id"}
# Of what checkpoints were trained by: predictions of tokens.
SKIPPED = ("lm_head.",)
DEFAULTS = {
    "vocab_size": 128256,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "max_position_embeddings": 8192,
    "rms_norm_eps": 1e-5,
}


def read(config: Reader) -> Decoder:
    config.must_be("is_decoder", False)
    attention = replace(common.read_attention(config), causal=False)
    mlp = replace(common.read_mlp(config), bias=config.flag("mlp_bias", default=False))
    layer = Layer(common.read_self_attention(config, attention), mlp)
    return common.read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"), causal=False)
