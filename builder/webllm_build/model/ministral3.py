"""Ministral 3 (https://mistral.ai/news/mistral-3): as Mistral, with yarn, and queries that grow with their position."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from webllm_build.errors import UnsupportedArchitecture
from webllm_build.model import common, gguf
from webllm_build.model.attention import Growth
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.llama import NAMES
from webllm_build.model.rope import ORIGINAL
from webllm_build.model.self_attention import SelfAttention

GROWTH = "llama_4_scaling_beta"
GGUF_KEYS = {**gguf.KEYS, "mscale_all_dim": "rope.scaling.yarn_log_multiplier", GROWTH: "attention.temperature_scale"}
IGNORED = common.IGNORED
DEFAULTS = {
    "vocab_size": 131072,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 34,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "max_position_embeddings": 262144,
    "rms_norm_eps": 1e-5,
    "rope_parameters": {
        "rope_type": "yarn",
        "rope_theta": 1e6,
        "factor": 16.0,
        ORIGINAL: 16384,
        "beta_fast": 32.0,
        "beta_slow": 1.0,
        "mscale": 1.0,
        "mscale_all_dim": 1.0,
        GROWTH: 0.1,
    },
}


def of_gguf_keys(config: Mapping[str, object]) -> dict[str, object]:
    """What config.json says among the numbers of its rope."""
    rope, inner = config.get("rope_scaling"), {key: config.get(key) for key in ("mscale_all_dim", GROWTH)}
    if isinstance(rope, Mapping):
        rope = {**rope, "mscale": inner["mscale_all_dim"] and 1.0, **inner}
    return {"rope_scaling": rope, **dict.fromkeys(inner)}


def read(config: Reader) -> Decoder:
    rate = config.take_from_rope(GROWTH, "max_position_embeddings").get(GROWTH, 0.0)
    attention = replace(common.read_attention(config), window=config.window(default=None))
    if rate:
        original = (config.rope(default_theta=10000.0).values or {}).get(ORIGINAL)
        if original is None or not 0 < rate < 1e3:
            raise UnsupportedArchitecture(f"{GROWTH} is {rate} and {ORIGINAL} {original}", "Both must be numbers above 0.")
        attention = replace(attention, growth=Growth(rate, int(original)))
    layer = Layer(SelfAttention(attention), common.read_mlp(config))
    return common.read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"))
