"""MiniCPM3 (https://huggingface.co/openbmb/MiniCPM3-4B): as MiniCPM, with latent attention."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from webllm_build.model import common, gguf
from webllm_build.model.attention import Rope
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.latent_attention import LatentAttention
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, FileNames, Names
from webllm_build.model.rope import MSCALE

LATENT = "model.layers.{}.self_attn."
NAMES = Names(
    hugging_face=FileNames(
        {
            **HUGGING_FACE,
            "q_a": f"{LATENT}q_a_proj",
            "q_a_norm": f"{LATENT}q_a_layernorm",
            "q_b": f"{LATENT}q_b_proj",
            "kv_a": f"{LATENT}kv_a_proj_with_mqa",
            "kv_a_norm": f"{LATENT}kv_a_layernorm",
            "kv_b": f"{LATENT}kv_b_proj",
        }
    ),
    gguf=FileNames(
        {
            **GGUF,
            "q_a": "blk.{}.attn_q_a",
            "q_a_norm": "blk.{}.attn_q_a_norm",
            "q_b": "blk.{}.attn_q_b",
            "kv_a": "blk.{}.attn_kv_a_mqa",
            "kv_a_norm": "blk.{}.attn_kv_a_norm",
            "kv_b": "blk.{}.attn_kv_b",
        }
    ),
)
_KEY = "qk_head_dim"
GGUF_KEYS = {
    **{key: name for key, name in gguf.KEYS.items() if key != "head_dim"},
    "q_lora_rank": "attention.q_lora_rank",
    "kv_lora_rank": "attention.kv_lora_rank",
    _KEY: "attention.key_length",
    "qk_rope_head_dim": gguf.TURNED,
}
IGNORED = common.IGNORED | {"head_dim", _KEY}  # which follow from other keys
DEFAULTS = {
    "vocab_size": 73448,
    "hidden_size": 2560,
    "intermediate_size": 6400,
    "num_hidden_layers": 62,
    "num_attention_heads": 40,
    "max_position_embeddings": 32768,
    "rms_norm_eps": 1e-5,
    "q_lora_rank": 768,
    "kv_lora_rank": 256,
    "scale_emb": 12,
    "scale_depth": 1.4,
    "dim_model_base": 256,
}
EPS = 1e-6  # of norms of vectors, whatever the config says


def of_gguf_keys(config: Mapping[str, object]) -> dict[str, object]:
    """What llama.cpp takes for all, and what does not turn of a head's keys."""
    head, turned = config.get(_KEY), config.get("qk_rope_head_dim")
    still = head - turned if isinstance(head, int) and isinstance(turned, int) else None
    usual = {key: DEFAULTS[key] for key in ("scale_emb", "scale_depth", "dim_model_base")}
    return {**usual, "qk_nope_head_dim": still, "partial_rotary_factor": None}


def read(config: Reader) -> Decoder:
    count, hidden, heads = (config.integer(key) for key in ("num_hidden_layers", "hidden_size", "num_attention_heads"))
    config.must_be("attention_bias", False)
    config.must_be("num_key_value_heads", heads)
    turned, still = config.integer("qk_rope_head_dim", default=32), config.integer("qk_nope_head_dim", default=64)
    rope = config.rope(default_theta=10000.0)
    values = rope.values or {}
    growth = 0.1 * values.get(MSCALE, 0.0) * math.log(max(values.get("factor", 1.0), 1.0)) + 1  # of scores, for the length
    attention = LatentAttention(
        heads,
        config.integer("q_lora_rank"),
        config.integer("kv_lora_rank"),
        still,
        turned,
        config.integer("v_head_dim", default=hidden // heads),
        Rope.of(rope, turned),
        (still + turned) ** -0.5 * growth**2,
        config.number("rms_norm_eps") if config.in_gguf else EPS,
    )
    return common.read_decoder(
        config,
        NAMES,
        [Layer(attention, replace(common.read_mlp(config), bias=config.flag("mlp_bias", default=False)))] * count,
        tied=True,
        embedding_scale=config.number("scale_emb", default=12.0),
        residual_scale=config.number("scale_depth", default=math.sqrt(count)) / math.sqrt(count),
        logit_scale=config.integer("dim_model_base", default=hidden) / hidden,
    )
