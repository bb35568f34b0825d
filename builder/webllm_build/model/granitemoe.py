"""Granite 3 with experts (https://huggingface.co/ibm-granite), in some beside a block that all tokens go through."""

from __future__ import annotations

from collections.abc import Mapping

from webllm_build.model import common, granite, granitemoehybrid
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.experts import Experts
from webllm_build.model.feed_forward import GatedMLP
from webllm_build.model.layers import Description, Layer
from webllm_build.model.routing import Routing
from webllm_build.model.side_by_side import SideBySide

NAMES = granitemoehybrid.WITH_EXPERTS
GGUF_KEYS = {
    **granite.FACTORS,
    "num_local_experts": "expert_count",
    "num_experts_per_tok": "expert_used_count",
    "shared_intermediate_size": "expert_shared_feed_forward_length",
}
IGNORED = common.IGNORED | {"output_router_logits", "router_aux_loss_coef"}
DEFAULTS: Mapping[str, object] = {**granite.DEFAULTS, "num_local_experts": 8, "num_experts_per_tok": 2}


def read(config: Reader) -> Decoder:
    layer = Layer(common.read_self_attention(config, granite.read_attention(config)), read_feed_forward(config))
    return granite.read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"))


def read_feed_forward(config: Reader) -> Description:
    activation = common.read_gated_activation(config)
    routing = Routing(config.integer("num_local_experts"), config.integer("num_experts_per_tok"))
    experts = Experts(routing, activation, config.integer("intermediate_size"))
    shared = config.count("shared_intermediate_size", default=0)
    return SideBySide(GatedMLP(activation, shared), experts) if shared else experts
