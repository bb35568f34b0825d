"""EXAONE 4.0 (https://arxiv.org/abs/2507.11407): norms behind the blocks and of each head of queries and keys; where layers have
windows, those without one do not know positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from webllm_build.model import common, gguf
from webllm_build.model.config import FULL, SLIDING, Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.olmo2 import NAMES
from webllm_build.model.self_attention import SelfAttention
from webllm_build.source.numbers import whole

GGUF_KEYS = {**gguf.KEYS, "sliding_window": gguf.WINDOW, "sliding_window_pattern": gguf.PATTERN}
IGNORED = common.IGNORED | {"sliding_window_pattern"}
DEFAULTS = {
    "vocab_size": 102400,
    "hidden_size": 4096,
    "intermediate_size": 16384,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "max_position_embeddings": 2048,
    "rms_norm_eps": 1e-05,
    "sliding_window": 4096,
}


def gguf_defaults(config: Mapping[str, object]) -> dict[str, object]:
    """As llama.cpp knows 32B, by its layers."""
    return {gguf.WINDOW: 4096, gguf.PATTERN: 4} if whole(config.get("exaone4.block_count")) == 64 else {}


def read(config: Reader) -> Decoder:
    count = config.integer("num_hidden_layers")
    turning = common.read_attention(config, qk_norm=True)
    is_hybrid = config.number_or_none("sliding_window", default=None) is not None
    kinds = config.patterned_layers(count, every=4) if is_hybrid else config.layer_types(count, default=[FULL] * count)
    mixers = {
        FULL: SelfAttention(common.without_rope(turning) if is_hybrid else turning),
        SLIDING: SelfAttention(replace(turning, window=config.window(default=None))),
    }
    mlp = common.read_mlp(config)
    return common.read_decoder(config, NAMES, [Layer(mixers[kind], mlp, norms="after") for kind in kinds])
