"""GPT-OSS (https://arxiv.org/abs/2508.10925): every other layer sees a window, heads have sinks, and each layer is a mixture of experts in
MXFP4 with biases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from webllm_build.model import common, gguf
from webllm_build.model.attention import Attention, Rope
from webllm_build.model.config import FULL, SLIDING, Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.experts import Experts
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, FileNames, Names
from webllm_build.model.ops import CLAMP, SLOPE
from webllm_build.model.routing import Routing
from webllm_build.model.self_attention import SelfAttention
from webllm_build.model.stacks import Form, Microscaled, Transposed

STEM = "model.layers.{}.mlp.experts."
NAMES = Names(
    hugging_face=FileNames(
        {**HUGGING_FACE, "sinks": "model.layers.{}.self_attn.sinks", "router": "model.layers.{}.mlp.router"},
        experts={
            "experts_gate": tuple(kind(STEM + "gate_up_proj", 0, alternating=True) for kind in (Microscaled, Transposed)),
            "experts_up": tuple(kind(STEM + "gate_up_proj", 1, alternating=True) for kind in (Microscaled, Transposed)),
            "experts_down": (Microscaled(STEM + "down_proj"), Transposed(STEM + "down_proj")),
            "experts_gate_bias": (Form(STEM + "gate_up_proj_bias", 0, alternating=True),),
            "experts_up_bias": (Form(STEM + "gate_up_proj_bias", 1, alternating=True),),
            "experts_down_bias": (Form(STEM + "down_proj_bias"),),
        },
    ),
    gguf=FileNames(
        {**GGUF, "mlp_norm": "blk.{}.post_attention_norm", "sinks": "blk.{}.attn_sinks.weight", "router": "blk.{}.ffn_gate_inp"},
        experts={**gguf.EXPERTS, **{f"experts_{part}_bias": (Form(f"blk.{{}}.ffn_{part}_exps.bias"),) for part in ("gate", "up", "down")}},
    ),
)
GGUF_KEYS = {
    **{key: name for key, name in gguf.KEYS.items() if key != "intermediate_size"},
    "num_local_experts": "expert_count",
    "num_experts_per_tok": "expert_used_count",
    "intermediate_size": "expert_feed_forward_length",
    "sliding_window": gguf.WINDOW,
    "sliding_window_pattern": gguf.PATTERN,
    "dense_intermediate_size": "feed_forward_length",
}
# In what form the experts are is seen from the tensors.
IGNORED = common.IGNORED | {
    *("output_router_logits", "router_aux_loss_coef", "quantization_config", "initial_context_length", "experts_per_token"),
    "dense_intermediate_size",  # of layers that no model has
}
DEFAULTS = {
    "vocab_size": 201088,
    "hidden_size": 2880,
    "intermediate_size": 2880,
    "num_hidden_layers": 36,
    "num_attention_heads": 64,
    "max_position_embeddings": 131072,
    "rms_norm_eps": 1e-5,
    "rope_parameters": {
        "rope_type": "yarn",
        "factor": 32.0,
        "beta_fast": 32.0,
        "beta_slow": 1.0,
        "truncate": False,
        "original_max_position_embeddings": 4096,
    },
}


def of_gguf_keys(config: Mapping[str, object]) -> dict[str, object]:
    """What no GGUF says of yarn, and its converter leaves out."""
    scaling = config.get("rope_scaling")
    return {"rope_scaling": {**scaling, "truncate": False}} if isinstance(scaling, Mapping) else {}


def read(config: Reader) -> Decoder:
    config.must_be("hidden_act", "silu")
    config.must_be("swiglu_alpha", SLOPE)
    config.must_be("swiglu_limit", CLAMP)
    count, heads = config.integer("num_hidden_layers", default=36), config.integer("num_attention_heads", default=64)
    head_dim = config.integer("head_dim", default=64)
    everywhere = Attention(
        heads=heads,
        kv_heads=config.integer("num_key_value_heads", default=8),
        head_dim=head_dim,
        scale=head_dim**-0.5,
        rope=Rope.of(config.rope(default_theta=150000.0), head_dim),
        sinks=True,
    )
    nearby = replace(everywhere, window=config.window(default=128))
    biased = config.flag("attention_bias", default=True)
    kinds = config.layer_types(count, default=[FULL if layer % 2 else SLIDING for layer in range(count)])
    routing = Routing(common.read_expert_count(config, default=128), config.integer("num_experts_per_tok", default=4))
    experts = Experts(routing, "clamped_silu_mul", config.integer("intermediate_size"), biased=True)
    layers = [Layer(SelfAttention(everywhere if kind == FULL else nearby, qkv_bias=biased, out_bias=biased), experts) for kind in kinds]
    return common.read_decoder(config, NAMES, layers)
