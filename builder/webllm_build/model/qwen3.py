"""Qwen3 (https://arxiv.org/abs/2505.09388): as Llama, with queries and keys normalised head by head, and heads of a size of their own."""

from __future__ import annotations

from webllm_build.model import common, gguf
from webllm_build.model.attention import Attention, Rope
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import GatedMLP, Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, FileNames, Names

NAMES = Names(
    hugging_face=FileNames(
        {**HUGGING_FACE, "q_norm": "model.layers.{}.self_attn.q_norm", "k_norm": "model.layers.{}.self_attn.k_norm"},
    ),
    gguf=FileNames({**GGUF, "q_norm": "blk.{}.attn_q_norm", "k_norm": "blk.{}.attn_k_norm"}),
)
GGUF_KEYS = gguf.KEYS
# The window's keys are there in every file, and mean something only where it is switched on.
IGNORED = common.IGNORED | {"max_window_layers", "sliding_window"}


def read(config: Reader) -> Decoder:
    heads, head_dim = config.integer("num_attention_heads"), config.integer("head_dim", default=128)
    config.must_be("hidden_act", "silu")
    config.must_be("attention_bias", False)
    config.must_be("use_sliding_window", False)
    attention = Attention(
        heads=heads,
        kv_heads=config.integer("num_key_value_heads", default=heads),
        head_dim=head_dim,
        scale=head_dim**-0.5,
        rope=Rope.of(config.rope(default_theta=10000.0), head_dim),
        qk_norm=config.number("rms_norm_eps"),
    )
    layer = Layer(attention, GatedMLP("silu_mul", config.integer("intermediate_size")))
    return common.read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"))
