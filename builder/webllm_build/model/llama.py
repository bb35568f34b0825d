"""Llama (https://arxiv.org/abs/2407.21783) and everything that calls itself so: SmolLM2, TinyLlama and others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from webllm_build.model import common, gguf
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, FileNames, Names
from webllm_build.source.checkpoint import Tensor

NAMES = Names(hugging_face=FileNames(HUGGING_FACE), gguf=FileNames(GGUF, rotary_pairs=True))
GGUF_KEYS = gguf.KEYS
IGNORED = common.IGNORED | {"is_llama_config", "rope_interleaved"}

DEFAULTS = {
    "vocab_size": 32000,
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "max_position_embeddings": 2048,
    "rms_norm_eps": 1e-6,
}


def of_gguf_tensors(tensors: Mapping[str, Tensor]) -> dict[str, object]:
    """Biases, which no key tells of."""
    return {"attention_bias": not gguf.QUERY_BIASES.isdisjoint(tensors), "mlp_bias": "blk.0.ffn_gate.bias" in tensors}


def read(config: Reader) -> Decoder:
    mlp = replace(common.read_mlp(config), bias=config.flag("mlp_bias", default=False))
    layer = Layer(common.read_self_attention(config, common.read_attention(config)), mlp)
    return common.read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"))
