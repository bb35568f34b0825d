"""Phi-3, Phi-3.5 and Phi-4-mini (https://arxiv.org/abs/2404.14219): as Llama, with matrices that files hold as one, and where the config
says so a window, a part of each head that does not turn, and rotary frequencies that change with the length of the sequence."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model import common, gguf
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, FileNames, Names
from webllm_build.model.self_attention import SelfAttention

NAMES = Names(
    hugging_face=FileNames(
        {**HUGGING_FACE, "qkv": "model.layers.{}.self_attn.qkv_proj", "gate_up": "model.layers.{}.mlp.gate_up_proj"},
    ),
    gguf=FileNames({**GGUF, "qkv": "blk.{}.attn_qkv", "gate_up": "blk.{}.ffn_up"}),
)
GGUF_KEYS = {**gguf.KEYS, "sliding_window": gguf.WINDOW, "partial_rotary_factor": gguf.TURNED}
# Dropout, and what Phi-4-mini's file has beside it.
IGNORED = common.IGNORED | {"full_attn_mod", "interpolate_factor"}
DEFAULTS = {
    "vocab_size": 32064,
    "hidden_size": 3072,
    "intermediate_size": 8192,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "max_position_embeddings": 4096,
    "original_max_position_embeddings": 4096,
    "rms_norm_eps": 1e-05,
}


def read(config: Reader) -> Decoder:
    for bias in ("attention_bias", "mlp_bias", "lm_head_bias"):
        config.must_be(bias, False)
    attention = replace(common.read_attention(config, partial=1.0), window=config.window(default=None))
    layer = Layer(SelfAttention(attention, fused=True), replace(common.read_mlp(config), fused=True))
    return common.read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"))
