"""LFM2 with a mixture of experts in all layers but the first: scores are sigmoids, and a learnt vector corrects them for the choice."""

from __future__ import annotations

from collections.abc import Mapping

from webllm_build.model import common, gguf, lfm2
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.experts import Experts
from webllm_build.model.feed_forward import GatedMLP
from webllm_build.model.names import FileNames, Names
from webllm_build.model.routing import Routing
from webllm_build.model.stacks import EXPERT, Form

STEM = "model.layers.{}.feed_forward."
NAMES = Names(
    hugging_face=FileNames(
        {**lfm2.NAMES.hugging_face.tensors, "router": STEM + "gate", "correction": STEM + "expert_bias"},
        experts={
            "experts_gate": (Form(f"{STEM}experts.{EXPERT}.w1.weight"), Form(STEM + "experts.gate_up_proj", half=0)),
            "experts_up": (Form(f"{STEM}experts.{EXPERT}.w3.weight"), Form(STEM + "experts.gate_up_proj", half=1)),
            "experts_down": (Form(f"{STEM}experts.{EXPERT}.w2.weight"), Form(STEM + "experts.down_proj")),
        },
    ),
    gguf=FileNames(
        {**lfm2.NAMES.gguf.tensors, "router": "blk.{}.ffn_gate_inp", "correction": "blk.{}.exp_probs_b.bias"}, experts=gguf.EXPERTS
    ),
)
GGUF_KEYS = {
    **lfm2.GGUF_KEYS,
    **gguf.EXPERT_KEYS,
    "num_dense_layers": "leading_dense_block_count",
    "expert_gating_func": "expert_gating_func",
}
GGUF_DEFAULTS = {"leading_dense_block_count": 0}
IGNORED = common.IGNORED | {"output_router_logits"}
SIGMOID = 2  # of llama.cpp's gating functions
EPSILON = 1e-6


def of_gguf_keys(config: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in lfm2.of_gguf_keys(config).items() if key != "block_auto_adjust_ff_dim"}


def read(config: Reader) -> Decoder:
    config.must_be("expert_gating_func", SIGMOID)
    routing = Routing(
        count=common.read_expert_count(config, default=32),
        chosen=config.integer("num_experts_per_tok", default=4),
        scores="sigmoid",
        normalised=config.flag("norm_topk_prob", default=True),
        epsilon=EPSILON,
        scale=config.number("routed_scaling_factor", default=1.0),
    )
    size, corrected = config.integer("moe_intermediate_size", default=1792), config.flag("use_expert_bias", default=True)
    dense, mlp = config.count("num_dense_layers", default=2), GatedMLP("silu_mul", config.integer("intermediate_size", default=7168))
    experts = Experts(routing, "silu_mul", size, correction=corrected)
    return lfm2.read_decoder(config, NAMES, lambda layer: mlp if layer < dense else experts, hidden=2048)
