"""Ministral of 2024 (https://mistral.ai/news/ministraux): as Mistral, with a window in some layers."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model import common, llama, mistral
from webllm_build.model.config import FULL, SLIDING, Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.self_attention import SelfAttention

IGNORED, DEFAULTS = mistral.IGNORED, mistral.DEFAULTS


def read(config: Reader) -> Decoder:
    attention, mlp, count = common.read_attention(config), common.read_mlp(config), config.integer("num_hidden_layers")
    slides = config.number_or_none("sliding_window", default=4096) is not None
    window = config.window(default=4096) if slides else None
    kinds = config.layer_types(count, default=[SLIDING if slides else FULL] * count)
    layers = [Layer(SelfAttention(replace(attention, window=window if kind == SLIDING else None)), mlp) for kind in kinds]
    return common.read_decoder(config, llama.NAMES, layers)
