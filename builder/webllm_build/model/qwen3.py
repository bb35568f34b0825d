"""Qwen3 (https://arxiv.org/abs/2505.09388): as Llama, with queries and keys normalised head by head, and heads of a size of their own."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model import common, gguf
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, QK_NORMS, QK_NORMS_GGUF, FileNames, Names

NAMES = Names(
    hugging_face=FileNames(
        {**HUGGING_FACE, **QK_NORMS},
    ),
    gguf=FileNames({**GGUF, **QK_NORMS_GGUF}),
)
GGUF_KEYS = gguf.KEYS
IGNORED = common.IGNORED | common.OF_WINDOW
DEFAULTS = {
    "vocab_size": 151936,
    "hidden_size": 4096,
    "intermediate_size": 22016,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "head_dim": 128,
    "max_position_embeddings": 32768,
    "rms_norm_eps": 1e-06,
}


def read(config: Reader) -> Decoder:
    attention, mlp = common.read_attention(config, qk_norm=True), common.read_mlp(config)
    windows = common.read_last_windows(config)
    layers = [Layer(common.read_self_attention(config, replace(attention, window=window)), mlp) for window in windows]
    return common.read_decoder(config, NAMES, layers)
