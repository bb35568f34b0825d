"""OLMo 1 (https://arxiv.org/abs/2402.00838): as Llama, with layer normalisation without weights, and queries, keys and values that may be
clipped."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model import common, gguf
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, FileNames, Names

NAMES = Names(
    hugging_face=FileNames(HUGGING_FACE),
    gguf=FileNames(GGUF, rotary_pairs=True),
    ones=frozenset({"attention_norm", "mlp_norm", "norm"}),
)
GGUF_KEYS = {**gguf.LAYER_NORM_KEYS, "clip_qkv": "attention.clamp_kqv"}
IGNORED = common.IGNORED
DEFAULTS = {
    "vocab_size": 50304,
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "max_position_embeddings": 2048,
}


def read(config: Reader) -> Decoder:
    attention = common.read_self_attention(config, common.read_attention(config))
    attention = replace(attention, clip=config.number_or_none("clip_qkv", default=None))
    layer = Layer(attention, common.read_mlp(config), norm="layer")
    if not config.in_gguf:
        config.must_be("layer_norm_eps", 1e-5)  # which is not the config's to say
    return common.read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"), norm="layer")
