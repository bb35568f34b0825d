"""Granite 4 (https://www.ibm.com/granite/docs/models/granite): Mamba-2 in most layers, attention mostly without positions in the others;
factors on embeddings, residuals, attention and logits; in larger ones experts beside each feed-forward block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from webllm_build.errors import UnsupportedArchitecture
from webllm_build.model import common, gguf
from webllm_build.model.attention import Attention, Rope
from webllm_build.model.config import FULL, Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.experts import Experts
from webllm_build.model.feed_forward import GatedMLP
from webllm_build.model.layers import Layer
from webllm_build.model.mamba2 import GroupNorm, Mamba2
from webllm_build.model.names import GGUF, HUGGING_FACE, MAMBA_GGUF, MAMBA_HUGGING_FACE, FileNames, Names
from webllm_build.model.recurrence import Scan
from webllm_build.model.routing import Routing
from webllm_build.model.self_attention import SelfAttention
from webllm_build.model.side_by_side import SideBySide
from webllm_build.model.stacks import Form

NAMES = Names(
    hugging_face=FileNames(
        {
            **HUGGING_FACE,
            **MAMBA_HUGGING_FACE,
            "gate": "model.layers.{}.shared_mlp.input_linear",
            "up": "model.layers.{}.shared_mlp.input_linear",
            "down": "model.layers.{}.shared_mlp.output_linear",
        },
        halves={"gate": 0, "up": 1},
        logarithms=frozenset({"mamba_a"}),
    ),
    gguf=FileNames(
        {**GGUF, **MAMBA_GGUF},
        rotary_pairs=True,
    ),
)
STEM = "model.layers.{}.block_sparse_moe."
WITH_EXPERTS = Names(
    hugging_face=replace(
        NAMES.hugging_face,
        tensors={**NAMES.hugging_face.tensors, "router": STEM + "router.layer"},
        experts={
            "experts_gate": tuple(Form(STEM + name, 0) for name in ("input_linear.weight", "experts.gate_up_proj")),
            "experts_up": tuple(Form(STEM + name, 1) for name in ("input_linear.weight", "experts.gate_up_proj")),
            "experts_down": tuple(Form(STEM + name) for name in ("output_linear.weight", "experts.down_proj")),
        },
    ),
    gguf=replace(
        NAMES.gguf,
        tensors={
            **NAMES.gguf.tensors,
            **{part: f"blk.{{}}.ffn_{part}_shexp" for part in ("gate", "up", "down")},
            "router": "blk.{}.ffn_gate_inp",
        },
        experts=gguf.EXPERTS,
    ),
)
GGUF_KEYS = {
    **gguf.KEYS,
    "shared_intermediate_size": "feed_forward_length",
    "intermediate_size": "expert_shared_feed_forward_length",
    "num_local_experts": "expert_count",
    "num_experts_per_tok": "expert_used_count",
    "position_embedding_type": "rope.scaling.finetuned",
    "mamba_d_conv": "ssm.conv_kernel",
    "mamba_d_state": "ssm.state_size",
    "mamba_n_groups": "ssm.group_count",
    "mamba_n_heads": "ssm.time_step_rank",
    "mamba_inner": "ssm.inner_size",
    "attention_multiplier": "attention.scale",
    "embedding_multiplier": "embedding_scale",
    "residual_multiplier": "residual_scale",
    "logits_scaling": "logit_scale",
}
# Of experts, where there are none; of training; and the size of chunks, which changes nothing.
IGNORED = common.IGNORED | {
    "init_method", "intermediate_size", "mamba_chunk_size", "normalization_function", "num_experts_per_tok", "output_router_logits",
    "router_aux_loss_coef",
}  # fmt: skip
MAMBA, ATTENTION, LINEAR = "mamba", "attention", "linear_attention"  # as older and newer files say
# A file that does not say so has experts.
DEFAULTS = {
    "vocab_size": 32000,
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_local_experts": 8,
}


def of_gguf_keys(config: Mapping[str, object]) -> dict[str, object]:
    """A GGUF says how many key-value heads each layer has, Mamba-2 none; a size in the place of its factor; and whether there is a rope."""
    heads, inner, hidden = (config.get(key) for key in ("num_key_value_heads", "mamba_inner", "hidden_size"))
    found: dict[str, object] = {"num_local_experts": config.get("num_local_experts", 0), "mamba_inner": None}
    if found["num_local_experts"]:  # where there are experts, their size is that of the feed-forward block
        sizes = config.get("shared_intermediate_size"), config.get("intermediate_size")
        found |= {"intermediate_size": sizes[0], "shared_intermediate_size": sizes[1]}
    by_layer = gguf.of_layers(heads, config)
    found["layer_types"] = [ATTENTION if count else MAMBA for count in by_layer]
    if isinstance(heads, list):
        found["num_key_value_heads"] = max(heads, default=0)
    if isinstance(inner, int) and isinstance(hidden, int) and hidden > 0:
        found["mamba_expand"] = inner / hidden
    found["position_embedding_type"] = "rope" if config.get("position_embedding_type", True) else None
    return found


def read(config: Reader) -> Decoder:
    config.must_be("hidden_act", "silu")
    hidden, count, eps = config.integer("hidden_size"), config.integer("num_hidden_layers"), config.number("rms_norm_eps", default=1e-6)
    # A factor m on what joins the residual stream is the same as a stream that is divided by m: its norms do not notice, but for epsilon.
    residual = config.number("residual_multiplier", default=1.0)
    mamba = read_mamba(config, hidden, eps / residual**2, 1 / residual)
    has_bias = config.flag("attention_bias", default=False)
    attention = SelfAttention(read_attention(config, hidden), qkv_bias=has_bias, out_bias=has_bias)
    feed_forward = read_feed_forward(config)
    kinds = config.layer_types(count, default=[LINEAR] * count, kinds=(FULL, LINEAR, ATTENTION, MAMBA))
    return Decoder(
        WITH_EXPERTS if isinstance(feed_forward, SideBySide) else NAMES,
        [Layer(mamba if kind in (LINEAR, MAMBA) else attention, feed_forward) for kind in kinds],
        vocab_size=config.integer("vocab_size"),
        hidden_size=hidden,
        context_length=config.integer("max_position_embeddings", default=2048),
        norm_eps=eps / residual**2,
        tied=config.flag("tie_word_embeddings", default=False),
        embedding_scale=config.number("embedding_multiplier", default=1.0) / residual,
        logit_scale=1 / config.number("logits_scaling", default=1.0),
    )


def read_feed_forward(config: Reader) -> GatedMLP | SideBySide:
    shared = GatedMLP("silu_mul", config.integer("shared_intermediate_size", default=1024))
    count = config.count("num_local_experts", default=8)
    if count == 0:
        return shared
    routing = Routing(count, config.integer("num_experts_per_tok", default=2))
    return SideBySide(shared, Experts(routing, "silu_mul", config.integer("intermediate_size")))


def read_attention(config: Reader, hidden: int) -> Attention:
    heads = config.integer("num_attention_heads", default=32)
    head_dim = config.integer("head_dim", default=hidden // heads)
    rope = Rope.of(config.rope(default_theta=1e4), head_dim)
    has_rope = config.one_of("position_embedding_type", ("rope", "nope"), default="nope") == "rope"
    return Attention(
        heads=heads,
        kv_heads=config.integer("num_key_value_heads", default=heads),
        head_dim=head_dim,
        scale=config.number("attention_multiplier", default=head_dim**-0.5 if config.in_gguf else 1.0),
        rope=rope if has_rope else Rope((0.0,) * (head_dim // 2)),
    )


def read_mamba(config: Reader, hidden: int, eps: float, scale: float) -> Mamba2:
    """scale: a factor on what the gated norm normalises, of which eps is the model's."""
    inner = config.within(config.integer("mamba_expand", default=2) * hidden, "mamba_expand")
    heads = config.integer("mamba_n_heads", default=128)
    head_dim = config.integer("mamba_d_head", default=inner // heads, automatic="auto")
    if heads * head_dim != inner:
        raise UnsupportedArchitecture(
            f"mamba_n_heads * mamba_d_head is {heads} * {head_dim}, and mamba_expand * hidden_size {inner}", "They must be equal."
        )
    groups, has_bias = config.integer("mamba_n_groups", default=1), config.flag("mamba_proj_bias", default=False)
    return Mamba2(
        Scan(heads, head_dim, groups, config.integer("mamba_d_state", default=256), scale, config.interval("time_step_limit")),
        config.integer("mamba_d_conv", default=4),
        conv_bias=config.flag("mamba_conv_bias", default=True),
        in_bias=has_bias,
        out_bias=has_bias,
        norm=GroupNorm(groups, eps) if groups > 1 else "whole",
    )
