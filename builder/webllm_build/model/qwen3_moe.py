"""Qwen3 with a mixture of experts (https://arxiv.org/abs/2505.09388) in all layers, or in all but some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from webllm_build.model import common, gguf, qwen3
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.experts import Experts
from webllm_build.model.layers import Layer
from webllm_build.model.names import FileNames, Names
from webllm_build.model.routing import Routing
from webllm_build.model.stacks import EXPERT, Form
from webllm_build.source.checkpoint import Tensor

EXPERTS = f"model.layers.{{}}.mlp.experts.{EXPERT}."
FUSED = "model.layers.{}.mlp.experts."  # as transformers 5 has them in memory
HUGGING_FACE_EXPERTS: Mapping[str, Sequence[Form]] = {
    "experts_gate": (Form(EXPERTS + "gate_proj.weight"), Form(FUSED + "gate_up_proj", half=0)),
    "experts_up": (Form(EXPERTS + "up_proj.weight"), Form(FUSED + "gate_up_proj", half=1)),
    "experts_down": (Form(EXPERTS + "down_proj.weight"), Form(FUSED + "down_proj")),
}
NAMES = Names(
    hugging_face=FileNames(
        {**qwen3.NAMES.hugging_face.tensors, "router": "model.layers.{}.mlp.gate"},
        experts=HUGGING_FACE_EXPERTS,
    ),
    gguf=FileNames({**qwen3.NAMES.gguf.tensors, "router": "blk.{}.ffn_gate_inp"}, experts=gguf.EXPERTS),
)
GGUF_KEYS = {**gguf.KEYS, **gguf.EXPERT_KEYS}
IGNORED = qwen3.IGNORED | {"output_router_logits", "router_aux_loss_coef"}
DEFAULTS = {
    "vocab_size": 151936,
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "num_hidden_layers": 24,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "max_position_embeddings": 32768,
    "rms_norm_eps": 1e-06,
}


def of_gguf_tensors(_: Mapping[str, Tensor]) -> dict[str, object]:
    """What llama.cpp computes with."""
    return {"norm_topk_prob": True}


def read(config: Reader) -> Decoder:
    attention = common.read_attention(config, qk_norm=True)
    mixer = common.read_self_attention(config, replace(attention, window=common.read_switched_window(config)))
    routing = Routing(
        count=common.read_expert_count(config, default=128),
        chosen=config.integer("num_experts_per_tok", default=8),
        normalised=config.flag("norm_topk_prob", default=False),
    )
    mlp = common.read_mlp(config, size=6144)
    experts = Experts(routing, mlp.activation, config.integer("moe_intermediate_size", default=768))
    count, every = config.integer("num_hidden_layers"), config.integer("decoder_sparse_step", default=1)
    dense = set(config.layers("mlp_only_layers", count)) | {layer for layer in range(count) if (layer + 1) % every}
    return common.read_decoder(config, NAMES, [Layer(mixer, mlp if layer in dense else experts) for layer in range(count)])
