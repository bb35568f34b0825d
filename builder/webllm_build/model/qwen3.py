"""Qwen3 (https://arxiv.org/abs/2505.09388): as Llama, with queries and keys normalised head by head, and heads of a size of their own."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model import common, gguf
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, FileNames, Names

NAMES = Names(
    hugging_face=FileNames(
        {**HUGGING_FACE, "q_norm": "model.layers.{}.self_attn.q_norm", "k_norm": "model.layers.{}.self_attn.k_norm"},
    ),
    gguf=FileNames({**GGUF, "q_norm": "blk.{}.attn_q_norm", "k_norm": "blk.{}.attn_k_norm"}),
)
GGUF_KEYS = gguf.KEYS
IGNORED = common.IGNORED | common.OF_WINDOW


def read(config: Reader) -> Decoder:
    attention, mlp = common.read_attention(config, head_dim=128, qk_norm=True), common.read_mlp(config)
    windows = common.read_last_windows(config)
    layers = [Layer(common.read_self_attention(config, replace(attention, window=window)), mlp) for window in windows]
    return common.read_decoder(config, NAMES, layers)
