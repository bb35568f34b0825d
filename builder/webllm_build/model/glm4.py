"""GLM-4-0414 (https://arxiv.org/abs/2406.12793): as GLM, with norms on both sides of a block."""

from __future__ import annotations

from webllm_build.model import glm
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.names import OUT_NORMS_GGUF, FileNames, Names

NAMES = Names(
    hugging_face=FileNames(
        {
            **glm.NAMES.hugging_face.tensors,
            "attention_out_norm": "model.layers.{}.post_self_attn_layernorm",
            "mlp_out_norm": "model.layers.{}.post_mlp_layernorm",
        },
        rotary_pairs=True,
    ),
    gguf=FileNames(
        {
            **glm.NAMES.gguf.tensors,
            **OUT_NORMS_GGUF,
        },
        rotary_pairs=True,
    ),
)
GGUF_KEYS = glm.GGUF_KEYS
IGNORED = glm.IGNORED
DEFAULTS = glm.DEFAULTS


def read(config: Reader) -> Decoder:
    return glm.read_as(config, NAMES, "around")
