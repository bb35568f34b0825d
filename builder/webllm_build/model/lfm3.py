"""LFM3: gated short convolutions as LFM2's, between them attention in a window and to all tokens, with a gate for each head's output; norms
on both sides of a block. llama.cpp has no name for it."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model import common, lfm2
from webllm_build.model.attention import Attention, Rope
from webllm_build.model.config import FULL, SLIDING, Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.feed_forward import GatedMLP
from webllm_build.model.layers import Description, Layer, Norms
from webllm_build.model.lfm2 import CONVOLUTION
from webllm_build.model.names import QK_NORMS, FileNames, Names
from webllm_build.model.self_attention import SelfAttention
from webllm_build.model.short_convolution import ShortConvolution

_FILES = FileNames(
    {
        **lfm2.NAMES.hugging_face.tensors,
        "o": "model.layers.{}.self_attn.o_proj",
        **QK_NORMS,
        "output_gate": "model.layers.{}.self_attn.gate_proj",
        "attention_out_norm": "model.layers.{}.post_operator_norm",
        "mlp_out_norm": "model.layers.{}.post_ffn_norm",
    }
)
NAMES = Names(hugging_face=_FILES, gguf=_FILES)
ALIASES = {"rms_norm_eps": "norm_eps"}
IGNORED = common.IGNORED
DEFAULTS = {
    "rope_parameters": {
        SLIDING: {"rope_type": "default", "rope_theta": 1e4},
        FULL: {"rope_type": "proportional", "rope_theta": 1e6, "partial_rotary_factor": 0.5},
    },
    "max_position_embeddings": 128000,
}


def read(config: Reader) -> Decoder:
    hidden, count = config.integer("hidden_size", default=2048), config.integer("num_hidden_layers", default=24)
    eps = config.number("norm_eps", default=1e-5)
    head_dim = config.integer("head_dim", default=128)
    config.must_be("attention_bias", False)
    everywhere = Attention(
        heads=config.integer("num_attention_heads", default=16),
        kv_heads=config.integer("num_key_value_heads", default=4),
        head_dim=head_dim,
        scale=head_dim**-0.5,
        rope=Rope.of(config.layer_rope(FULL, default_theta=1e6), head_dim),
        qk_norm=eps,
        gate=int(config.flag("use_attention_gate", default=True)),
    )
    local = Rope.of(config.layer_rope(SLIDING, default_theta=1e6), head_dim)
    mixers: dict[str, Description] = {
        FULL: SelfAttention(everywhere),
        SLIDING: SelfAttention(replace(everywhere, rope=local, window=config.window(default=256))),
        CONVOLUTION: ShortConvolution(config.integer("conv_L_cache", default=7), config.flag("conv_bias", default=False)),
    }
    usual = [FULL if layer % 4 == 2 else SLIDING if layer % 4 == 0 and layer > 0 else CONVOLUTION for layer in range(count)]
    kinds = config.layer_types(count, default=usual, kinds=tuple(mixers))
    norms: Norms = "around" if config.flag("use_sandwich_norm", default=True) else "before"
    feed_forward = GatedMLP("silu_mul", config.integer("intermediate_size", default=7680))
    return Decoder(
        NAMES,
        [Layer(mixers[kind], feed_forward, norms=norms) for kind in kinds],
        vocab_size=config.integer("vocab_size", default=128000),
        hidden_size=hidden,
        context_length=config.integer("max_position_embeddings"),
        norm_eps=eps,
        tied=config.flag("tie_word_embeddings", default=True),
        pictures=config.pictures,
    )
