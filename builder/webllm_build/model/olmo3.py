"""Olmo 3 (https://allenai.org/olmo): as OLMo 2, with a window in three of four layers, whose ropes are not scaled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from webllm_build.model import common, gguf, olmo2
from webllm_build.model.attention import Attention, Rope
from webllm_build.model.config import FULL, SLIDING, Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer

_LOCAL = "rope_local_base_freq"
GGUF_KEYS = {
    **gguf.KEYS,
    "sliding_window": gguf.WINDOW,
    "sliding_window_pattern": gguf.PATTERN,
    _LOCAL: gguf.BASE_OF_SLIDING,
}
IGNORED = common.IGNORED
DEFAULTS = olmo2.DEFAULTS


def of_gguf_keys(config: Mapping[str, object]) -> dict[str, object]:
    """llama.cpp takes one base for all layers where a file says no other."""
    return {_LOCAL: config.get(_LOCAL, config.get("rope_theta"))}


def read(config: Reader) -> Decoder:
    kinds = config.patterned_layers(config.integer("num_hidden_layers"), every=4)
    heads = config.integer("num_attention_heads")
    head_dim = config.integer("head_dim", default=config.integer("hidden_size") // heads)
    local = config.layer_rope(SLIDING, default_theta=5e5, theta_key=_LOCAL, scaled=False)
    ropes = {FULL: Rope.of(config.layer_rope(FULL, default_theta=5e5), head_dim), SLIDING: Rope.of(local, head_dim)}
    everywhere = Attention(heads, config.integer("num_key_value_heads", default=heads), head_dim, head_dim**-0.5, ropes[FULL])
    nearby = replace(everywhere, rope=ropes[SLIDING], window=config.window(default=4096))
    mixers = {
        kind: common.read_self_attention(config, attention, whole_norm=True) for kind, attention in ((FULL, everywhere), (SLIDING, nearby))
    }
    mlp = common.read_mlp(config)
    return common.read_decoder(config, olmo2.NAMES, [Layer(mixers[kind], mlp, norms="after") for kind in kinds])
