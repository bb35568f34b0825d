"""EXAONE 3 and 3.5 (https://arxiv.org/abs/2412.04862): Llama under other names."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model import common, gguf
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, FileNames, Names

STEM = "transformer.h.{}."
NAMES = Names(
    hugging_face=FileNames(
        {
            "embedding": "transformer.wte",
            "norm": "transformer.ln_f",
            "head": "lm_head",
            "attention_norm": STEM + "ln_1",
            **{part: STEM + f"attn.attention.{part}_proj" for part in ("q", "k", "v")},
            "o": STEM + "attn.attention.out_proj",
            "mlp_norm": STEM + "ln_2",
            "gate": STEM + "mlp.c_fc_0",
            "up": STEM + "mlp.c_fc_1",
            "down": STEM + "mlp.c_proj",
        }
    ),
    gguf=FileNames(GGUF),
)
GGUF_KEYS = gguf.KEYS
# What config.json files call keys here → everywhere else.
ALIASES = {"num_layers": "num_hidden_layers", "layer_norm_epsilon": "rms_norm_eps", "activation_function": "hidden_act"}
IGNORED = common.IGNORED
DEFAULTS = {
    "vocab_size": 102400,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "max_position_embeddings": 4096,
    "rms_norm_eps": 1e-5,
    "rope_theta": 500000.0,
}


def read(config: Reader) -> Decoder:
    mlp = replace(common.read_mlp(config), bias=config.flag("mlp_bias", default=False))
    layer = Layer(common.read_self_attention(config, common.read_attention(config)), mlp)
    return common.read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"))
