"""SmolLM3 (https://huggingface.co/blog/smollm3): as Llama, but that every fourth layer does not know positions."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model import common, gguf
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.llama import NAMES

GGUF_KEYS = gguf.KEYS
IGNORED = common.IGNORED | common.OF_WINDOW
DEFAULTS = {
    "vocab_size": 128256,
    "hidden_size": 2048,
    "intermediate_size": 11008,
    "num_hidden_layers": 36,
    "num_attention_heads": 16,
    "num_key_value_heads": 4,
    "max_position_embeddings": 32768,
    "rms_norm_eps": 1e-06,
    "rope_theta": 2e6,
}


def read(config: Reader) -> Decoder:
    count, every = config.integer("num_hidden_layers"), config.integer("no_rope_layer_interval", default=4)
    turns = config.flags("no_rope_layers", count, default=[(layer + 1) % every != 0 for layer in range(count)])
    turning = common.read_attention(config)
    windows = common.read_windows(config, lambda layer: not turns[layer], default=None)
    mlp = replace(common.read_mlp(config), bias=config.flag("mlp_bias", default=False))
    layers = []
    for turn, window in zip(turns, windows, strict=True):
        attention = replace(turning if turn else common.without_rope(turning), window=window)
        layers.append(Layer(common.read_self_attention(config, attention), mlp))
    return common.read_decoder(config, NAMES, layers, tied=True)
