"""Granite Swash (https://huggingface.co/ibm-granite): as Granite 3, with a window in three of four layers, sinks, and layers with ropes of
their own, or none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from webllm_build.model import common, gguf, granite
from webllm_build.model.attention import Rope
from webllm_build.model.config import FULL, SLIDING, Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.llama import NAMES as LLAMA
from webllm_build.model.names import Names
from webllm_build.model.self_attention import SelfAttention

SINKS = {"hugging_face": "model.layers.{}.self_attn.sinks", "gguf": "blk.{}.attn_sinks.weight"}
NAMES = Names(*(replace(file, tensors={**file.tensors, "sinks": SINKS[format]}) for format, file in LLAMA.formats.items()))
_TURNING = "rope_pattern"
GGUF_KEYS = {
    **granite.FACTORS,
    "sliding_window": gguf.WINDOW,
    "sliding_window_pattern": gguf.PATTERN,
    _TURNING: "attention.rope_pattern",
}
IGNORED = common.IGNORED
DEFAULTS: Mapping[str, object] = {
    "vocab_size": 100352,
    "hidden_size": 2560,
    "intermediate_size": 8192,
    "num_hidden_layers": 24,
    "num_attention_heads": 20,
    "num_key_value_heads": 4,
    "max_position_embeddings": 8192,
    "rms_norm_eps": 1e-5,
    "attention_multiplier": 1.0,
    "tie_word_embeddings": True,
}


def of_gguf_keys(config: Mapping[str, object]) -> dict[str, object]:
    """A GGUF says which layers turn."""
    turning, theta = config.get(_TURNING), config.get("rope_theta")
    thetas = None if turning is None else [theta if flag else 0 for flag in gguf.of_layers(turning, config)]
    return {_TURNING: None, "layer_rope_theta": thetas}


def read(config: Reader) -> Decoder:
    mlp = granite.read_mlp(config)
    return granite.read_decoder(config, NAMES, [Layer(mixer, mlp) for mixer in read_mixers(config)])


def read_mixers(config: Reader) -> list[SelfAttention]:
    """Of all layers."""
    count, attention = config.integer("num_hidden_layers"), replace(granite.read_attention(config), sinks=True)
    settings, window = config.rope(default_theta=1e4), config.window(default=128)
    kinds = config.layer_types(count, default=[SLIDING if layer % 4 else FULL for layer in range(count)])
    mixers = []
    for kind, theta in zip(kinds, config.bases("layer_rope_theta", count, default=settings.theta), strict=True):
        rope = Rope.of(replace(settings, theta=theta), attention.head_dim) if theta else common.without_rope(attention).rope
        own = replace(attention, rope=rope, window=window if kind == SLIDING else None)
        mixers.append(common.read_self_attention(config, own))
    return mixers
