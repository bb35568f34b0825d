"""OLMoE (https://arxiv.org/abs/2409.02060): a mixture of experts in every layer; norms over all queries and keys, which may be clipped."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model import common, gguf, qwen3_moe
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.experts import Experts
from webllm_build.model.layers import Layer
from webllm_build.model.routing import Routing

NAMES = qwen3_moe.NAMES
GGUF_KEYS = {**gguf.KEYS, "num_experts": "expert_count", "num_experts_per_tok": "expert_used_count"}
IGNORED = common.IGNORED | {"output_router_logits", "router_aux_loss_coef"}
DEFAULTS = {
    "vocab_size": 50304,
    "hidden_size": 2048,
    "intermediate_size": 2048,
    "num_hidden_layers": 16,
    "num_attention_heads": 16,
    "max_position_embeddings": 4096,
    "rms_norm_eps": 1e-5,
}


def read(config: Reader) -> Decoder:
    routing = Routing(
        config.integer("num_experts", default=64),
        config.integer("num_experts_per_tok", default=8),
        normalised=config.flag("norm_topk_prob", default=False),
    )
    experts = Experts(routing, common.read_gated_activation(config), config.integer("intermediate_size"))
    attention = common.read_self_attention(config, common.read_attention(config), whole_norm=True)
    attention = replace(attention, clip=config.number_or_none("clip_qkv", default=None))
    return common.read_decoder(config, NAMES, [Layer(attention, experts)] * config.integer("num_hidden_layers"))
