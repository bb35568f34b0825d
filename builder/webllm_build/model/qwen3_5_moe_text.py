"""Qwen3.5 (and Qwen3.6) with a mixture of experts, text: as Qwen3.5, with experts in the place of MLPs, and a gated one for all tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from webllm_build.model import common, gguf, qwen3_5_text, qwen3_moe
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.experts import Experts
from webllm_build.model.feed_forward import GatedMLP
from webllm_build.model.names import Names
from webllm_build.model.routing import Routing
from webllm_build.model.shared_expert import SharedExpert
from webllm_build.model.side_by_side import SideBySide

_HUGGING_FACE, _GGUF = qwen3_5_text.NAMES.formats["hugging_face"], qwen3_5_text.NAMES.formats["gguf"]
NAMES = Names(
    hugging_face=replace(
        _HUGGING_FACE,
        tensors={
            **_HUGGING_FACE.tensors,
            **{part: f"model.layers.{{}}.mlp.shared_expert.{part}_proj" for part in ("gate", "up", "down")},
            "shared_gate": "model.layers.{}.mlp.shared_expert_gate",
            "router": "model.layers.{}.mlp.gate",
        },
        experts=qwen3_moe.HUGGING_FACE_EXPERTS,
    ),
    gguf=replace(
        _GGUF,
        tensors={
            **_GGUF.tensors,
            **{part: f"blk.{{}}.ffn_{part}_shexp" for part in ("gate", "up", "down")},
            "shared_gate": "blk.{}.ffn_gate_inp_shexp",
            "router": "blk.{}.ffn_gate_inp",
        },
        experts=gguf.EXPERTS,
    ),
)
GGUF_KEYS = {
    **{key: name for key, name in qwen3_5_text.GGUF_KEYS.items() if key != "intermediate_size"},
    **gguf.EXPERT_KEYS,
    "shared_expert_intermediate_size": "expert_shared_feed_forward_length",
}
DEFAULTS: Mapping[str, object] = {
    "vocab_size": 248320,
    "hidden_size": 2048,
    "num_hidden_layers": 40,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "head_dim": 256,
    "max_position_embeddings": 32768,
    "rms_norm_eps": 1e-6,
}
IGNORED = qwen3_5_text.IGNORED | qwen3_moe.IGNORED | {"intermediate_size"}
SKIPPED, of_gguf_keys = qwen3_5_text.SKIPPED, qwen3_5_text.of_gguf_keys


def read(config: Reader) -> Decoder:
    config.must_be("norm_topk_prob", True)
    config.must_be("decoder_sparse_step", 1)
    activation = common.read_gated_activation(config)
    routing = Routing(common.read_expert_count(config, default=256), config.integer("num_experts_per_tok", default=8))
    experts = Experts(routing, activation, config.integer("moe_intermediate_size", default=512))
    shared = SharedExpert(GatedMLP(activation, config.integer("shared_expert_intermediate_size", default=512)))
    return qwen3_5_text.read_as(config, NAMES, SideBySide(shared, experts))
