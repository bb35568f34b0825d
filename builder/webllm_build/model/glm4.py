"""GLM-4-0414 (https://arxiv.org/abs/2406.12793): as GLM, with norms on both sides of a block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from webllm_build.model import gguf, glm
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.names import OUT_NORMS_GGUF, FileNames, Names
from webllm_build.source.checkpoint import Tensor

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
# Of files of models that see, whose rows were put in the order of most models, for llama.cpp's kernel of several positions.
IN_HALVES = replace(NAMES, gguf=replace(NAMES.gguf, rotary_pairs=False))
_SECTIONS, _HALVES = "rope_sections", "in_halves"
GGUF_KEYS = {**glm.GGUF_KEYS, _SECTIONS: gguf.SECTIONS}
IGNORED = glm.IGNORED
DEFAULTS = glm.DEFAULTS


def of_gguf_tensors(tensors: Mapping[str, Tensor]) -> dict[str, object]:
    return {"attention_bias": not gguf.QUERY_BIASES.isdisjoint(tensors)}


def of_gguf_keys(config: Mapping[str, object]) -> dict[str, object]:
    """llama.cpp has several positions where the first two sections have pairs; of text they are alike."""
    sections = config.get(_SECTIONS)
    first = sections[:2] if isinstance(sections, list) else [sections]
    return {_SECTIONS: None, _HALVES: bool(first) and all(isinstance(size, int) and size > 0 for size in first)}


def read(config: Reader) -> Decoder:
    return glm.read_as(config, IN_HALVES if config.flag(_HALVES, default=False) else NAMES, "around")
