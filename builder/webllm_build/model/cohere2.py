"""Command R7B and Tiny Aya: as Command R, with a window and a rope in most layers, and neither in the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from webllm_build.model import cohere, common, gguf
from webllm_build.model.config import FULL, Reader
from webllm_build.model.decoder import Decoder

NAMES = cohere.NAMES
GGUF_KEYS = {**cohere.GGUF_KEYS, "sliding_window": gguf.WINDOW, "sliding_window_pattern": gguf.PATTERN}
IGNORED = cohere.IGNORED | {"layer_switch", "use_embedding_sharing", "use_parallel_embedding", "_sliding_window_pattern"}
# What the makers' own code has in config.json files, of traits that these models all have.
TRAITS: Mapping[str, object] = {
    "order_of_interleaved_layers": "local_attn_first",
    "position_embedding_type": "rope_gptj",
    "rotary_pct": 1.0,
    "use_gated_activation": True,
    "use_parallel_block": True,
    "use_qk_norm": False,
}
DEFAULTS: Mapping[str, object] = {key: value for key, value in cohere.DEFAULTS.items() if key != "rope_theta"}


def read(config: Reader) -> Decoder:
    for key, only in TRAITS.items():
        config.must_be(key, only)
    attention, count = common.read_attention(config), config.integer("num_hidden_layers")
    turns = config.number_or_none("sliding_window", default=4096.0) is not None
    nearby = replace(attention, window=config.window(default=4096)) if turns else common.without_rope(attention)
    kinds = config.patterned_layers(count, every=4)
    return cohere.read_as(config, [common.without_rope(attention) if kind == FULL else nearby for kind in kinds])
