"""Gemma 2 (https://arxiv.org/abs/2408.00118): every other layer sees a window only; norms on both sides of a block, stored as the
difference from 1; scores and logits are capped."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model import common, gguf
from webllm_build.model.config import FULL, SLIDING, Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.feed_forward import GatedMLP
from webllm_build.model.layers import Layer, Norms
from webllm_build.model.names import GGUF, HUGGING_FACE, OUT_NORMS, OUT_NORMS_GGUF, FileNames, Names

NAMES = Names(
    hugging_face=FileNames(
        {**HUGGING_FACE, **OUT_NORMS, "mlp_norm": "model.layers.{}.pre_feedforward_layernorm"},
        norm_offset=1.0,
    ),
    gguf=FileNames({**GGUF, **OUT_NORMS_GGUF}),
)
GGUF_KEYS = {
    **gguf.KEYS,
    "query_pre_attn_scalar": "attention.key_length",
    "sliding_window": gguf.WINDOW,
    "sliding_window_pattern": gguf.PATTERN,
    "attn_logit_softcapping": "attn_logit_softcapping",
    "final_logit_softcapping": "final_logit_softcapping",
}
IGNORED = common.IGNORED | {"hidden_act", "sliding_window_size"}
GGUF_DEFAULTS = {gguf.WINDOW: 4096}  # which the first files do not say
DEFAULTS = {
    "vocab_size": 256000,
    "hidden_size": 2304,
    "intermediate_size": 9216,
    "num_hidden_layers": 26,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "max_position_embeddings": 8192,
    "rms_norm_eps": 1e-06,
}
LAYERS_OF_27B = 46


def read(config: Reader) -> Decoder:
    return read_as(config, NAMES, "around")


def read_as(config: Reader, names: Names, norms: Norms) -> Decoder:
    hidden, count = config.integer("hidden_size"), config.integer("num_hidden_layers")
    everywhere = common.read_attention(config)
    scale = read_scale(config, everywhere.head_dim, LAYERS_OF_27B)
    everywhere = replace(everywhere, scale=scale, softcap=config.number_or_none("attn_logit_softcapping", default=50.0))
    nearby = replace(everywhere, window=config.window(default=4096))
    mlp = read_mlp(config)
    kinds = config.layer_types(count, default=[FULL if layer % 2 else SLIDING for layer in range(count)])
    mixers = {FULL: common.read_self_attention(config, everywhere), SLIDING: common.read_self_attention(config, nearby)}
    layers = [Layer(mixers[kind], mlp, norms=norms) for kind in kinds]
    softcap = config.number_or_none("final_logit_softcapping", default=30.0)
    return common.read_decoder(config, names, layers, tied=True, embedding_scale=hidden**0.5, logit_softcap=softcap)


def read_scale(config: Reader, head_dim: int, layers_of_27b: int) -> float:
    """Of scores. 27B has another than a GGUF file, which says nothing of it, would have."""
    divisor = config.number("query_pre_attn_scalar", default=256.0)
    if config.integer("num_hidden_layers") == layers_of_27b and divisor == head_dim:
        divisor = config.integer("hidden_size") / config.integer("num_attention_heads")
    return float(divisor**-0.5)


def read_mlp(config: Reader) -> GatedMLP:
    activation = common.read_gated_activation(config, "hidden_activation", default="gelu_pytorch_tanh")
    return GatedMLP(activation, config.integer("intermediate_size"))
