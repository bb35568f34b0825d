"""MiniCPM (https://arxiv.org/abs/2404.06395), whose code comes with its files: as Llama, with factors on embeddings, what blocks add, and
logits, which follow from sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping

from webllm_build.model import common, gguf
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.llama import NAMES

_EMBEDDING, _RESIDUAL, _LOGITS = "embedding_multiplier", "residual_multiplier", "logits_scaling"
GGUF_KEYS = {**gguf.KEYS, _EMBEDDING: "embedding_scale", _RESIDUAL: "residual_scale", _LOGITS: "logit_scale"}
IGNORED = common.IGNORED | {"mup_denominator"}  # of training


def of_gguf_keys(config: Mapping[str, object]) -> dict[str, object]:
    """What llama.cpp takes where older files are silent."""
    count, hidden = config.get("num_hidden_layers"), config.get("hidden_size")
    if not isinstance(count, int) or not isinstance(hidden, int) or min(count, hidden) < 1:
        return {}
    usual = {_EMBEDDING: 12.0, _RESIDUAL: 1.4 / math.sqrt(count), _LOGITS: 256 / hidden}
    return {key: 1.0 if key in config else value for key, value in usual.items() if config.get(key) is None}


def read(config: Reader) -> Decoder:
    count, hidden = config.integer("num_hidden_layers"), config.integer("hidden_size")
    residual = config.number("scale_depth", default=1.0) / math.sqrt(count)
    logits = hidden / config.integer("dim_model_base", default=1)
    return common.read_decoder(
        config,
        NAMES,
        [Layer(common.read_self_attention(config, common.read_attention(config)), common.read_mlp(config))] * count,
        tied=True,
        embedding_scale=config.number(_EMBEDDING, default=config.number("scale_emb", default=1.0)),
        residual_scale=config.number(_RESIDUAL, default=residual),
        logit_scale=1 / config.number(_LOGITS, default=logits),
    )
