"""Command R and Aya (https://arxiv.org/abs/2405.15032): attention and feed-forward block have one input, behind one layer normalisation
without a bias; rotary pairs are neighbours, and logits are scaled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from webllm_build.model import common, gguf
from webllm_build.model.attention import Attention
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, QK_NORMS, QK_NORMS_GGUF, FileNames, Names
from webllm_build.source.checkpoint import Tensor

NAMES = Names(
    hugging_face=FileNames({**HUGGING_FACE, **QK_NORMS}, rotary_pairs=True),
    gguf=FileNames({**GGUF, **QK_NORMS_GGUF}, rotary_pairs=True),
)
GGUF_KEYS = {**gguf.LAYER_NORM_KEYS, "logit_scale": "logit_scale"}
GGUF_DEFAULTS = {"logit_scale": 1.0}
IGNORED = common.IGNORED | {"layer_norm_bias", "model_max_length"}
DEFAULTS: Mapping[str, object] = {
    "vocab_size": 256000,
    "hidden_size": 8192,
    "intermediate_size": 22528,
    "num_hidden_layers": 40,
    "num_attention_heads": 64,
    "max_position_embeddings": 8192,
    "rope_theta": 500000.0,
}


def of_gguf_tensors(tensors: Mapping[str, Tensor]) -> dict[str, object]:
    return {"use_qk_norm": "blk.0.attn_q_norm.weight" in tensors}


def read(config: Reader) -> Decoder:
    has_norms = config.flag("use_qk_norm", default=False)
    attentions = [common.read_attention(config)] * config.integer("num_hidden_layers")
    return read_as(config, attentions, config.number("layer_norm_eps", default=1e-5) if has_norms else None)


def read_as(config: Reader, attentions: Sequence[Attention], head_norm: float | None = None) -> Decoder:
    """attentions: of all layers. head_norm: the epsilon of norms of heads, where there are such."""
    mlp, scale = common.read_mlp(config), config.number("logit_scale", default=0.0625)
    mixers = [replace(common.read_self_attention(config, attention), head_norm=head_norm) for attention in attentions]
    layers = [Layer(mixer, mlp, norm="layer", parallel=True) for mixer in mixers]
    return common.read_decoder(config, NAMES, layers, norm="layer", tied=True, logit_scale=scale)
