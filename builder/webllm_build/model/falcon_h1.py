"""Falcon-H1 (https://arxiv.org/abs/2507.22448): attention and Mamba-2 side by side in every layer, and factors on what goes in and out of
all of it. Weights take these as they are read; GGUF files hold weights that have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from webllm_build.errors import UnsupportedArchitecture
from webllm_build.model import common, gguf
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.mamba2 import GroupNorm, Mamba2
from webllm_build.model.names import GGUF, HUGGING_FACE, MAMBA_GGUF, MAMBA_HUGGING_FACE, FileNames, Names
from webllm_build.model.recurrence import Scan
from webllm_build.model.side_by_side import SideBySide
from webllm_build.model.weights import Multiplier
from webllm_build.source.checkpoint import Tensor

_FILES = FileNames(
    {
        **HUGGING_FACE,
        **MAMBA_HUGGING_FACE,
        "norm": "model.final_layernorm",
        "mlp_norm": "model.layers.{}.pre_ff_layernorm",
        **{part: f"model.layers.{{}}.feed_forward.{part}_proj" for part in ("gate", "up", "down")},
    },
    logarithms=frozenset({"mamba_a"}),
)
NAMES = Names(hugging_face=_FILES, gguf=FileNames({**GGUF, **MAMBA_GGUF}, bare=frozenset({"mlp_norm"})))
GGUF_KEYS = {
    **gguf.KEYS,
    "mamba_d_conv": "ssm.conv_kernel",
    "mamba_d_state": "ssm.state_size",
    "mamba_n_groups": "ssm.group_count",
    "mamba_n_heads": "ssm.time_step_rank",
    "mamba_d_ssm": "ssm.inner_size",
}
# The size of chunks, which changes nothing; of training; and of layers that all have all.
IGNORED = common.IGNORED | {
    *("mamba_chunk_size", "num_logits_to_keep", "time_step_floor", "time_step_max", "time_step_min", "time_step_rank"),
    *("attn_layer_indices", "layers_block_type", "mamba_use_mlp", "mlp_expansion_factor"),
}
DEFAULTS: Mapping[str, object] = {
    "vocab_size": 128000,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "max_position_embeddings": 8192,
    "rms_norm_eps": 1e-5,
    "mamba_d_ssm": 1024,
}


def of_gguf_tensors(tensors: Mapping[str, Tensor]) -> dict[str, object]:
    """A norm and a bias, which no key tells of. llama.cpp's norm is behind the gate."""
    has_norm = "blk.0.ssm_norm.weight" in tensors
    return {"mamba_conv_bias": "blk.0.ssm_conv1d.bias" in tensors, "mamba_rms_norm": has_norm, "mamba_norm_before_gate": False}


def read(config: Reader) -> Decoder:
    config.must_be("hidden_act", "silu")  # of convolutions, too
    attention = common.read_self_attention(config, common.read_attention(config))
    mamba = read_mamba(config)
    mlp = replace(common.read_mlp(config), bias=config.flag("mlp_bias", default=False))
    layer = Layer(SideBySide(attention, mamba), mlp)
    return common.read_decoder(
        config,
        Names(replace(NAMES.hugging_face, multipliers=read_multipliers(config, mamba.scan)), NAMES.gguf),
        [layer] * config.integer("num_hidden_layers"),
        embedding_scale=config.number("embedding_multiplier", default=1.0),
        logit_scale=config.number("lm_head_multiplier", default=1.0),
    )


def read_mamba(config: Reader) -> Mamba2:
    expanded = config.within(config.integer("mamba_expand", default=2) * config.integer("hidden_size"), "mamba_expand")
    inner, heads = config.integer("mamba_d_ssm", default=expanded), config.integer("mamba_n_heads", default=128)
    head_dim = config.integer("mamba_d_head", default=inner // heads, automatic="auto")
    if heads * head_dim != inner:
        sizes = f"mamba_n_heads * mamba_d_head is {heads} * {head_dim}, and mamba_d_ssm {inner}"
        raise UnsupportedArchitecture(sizes, "They must be equal.")
    groups, has_norm = config.integer("mamba_n_groups", default=1), config.flag("mamba_rms_norm", default=False)
    norm_first = config.flag("mamba_norm_before_gate", default=True) and has_norm
    group_norm = GroupNorm(groups, config.number("rms_norm_eps"), norm_first)
    states, limits = config.integer("mamba_d_state", default=256), config.interval("time_step_limit")
    return Mamba2(
        Scan(heads, head_dim, groups, states, limits=limits, gated=not norm_first),
        config.integer("mamba_d_conv", default=4),
        conv_bias=config.flag("mamba_conv_bias", default=True),
        in_bias=config.flag("mamba_proj_bias", default=False),
        out_bias=config.flag("projectors_bias", default=False),
        norm=None if not has_norm else group_norm if groups > 1 or norm_first else "whole",
    )


def read_multipliers(config: Reader, scan: Scan) -> dict[str, Multiplier]:
    """What the parts of a config.json's model lack."""

    def factor(name: str) -> float:
        return config.number(f"{name}_multiplier", default=1.0)

    attended, keys, attention, scanned, mamba = (factor(name) for name in ("attention_in", "key", "attention_out", "ssm_in", "ssm_out"))
    gate, down = config.numbers("mlp_multipliers", 2, default=1.0)
    of_parts = config.numbers("ssm_multipliers", 5, default=1.0)
    rows = (scan.size, scan.size, scan.groups * scan.states, scan.groups * scan.states, scan.heads)  # z, x, B, C and dt
    found: dict[str, Multiplier] = {"q": attended, "k": attended * keys, "k.bias": keys, "v": attended}
    found["mamba_in"] = tuple((count, scanned * part) for count, part in zip(rows, of_parts, strict=True))
    found["mamba_in.bias"] = tuple(zip(rows, of_parts, strict=True))
    for part, multiplier in (("o", attention), ("mamba_out", mamba), ("gate", gate), ("down", down)):
        found[part] = found[f"{part}.bias"] = multiplier
    return found
