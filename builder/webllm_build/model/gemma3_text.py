"""Gemma 3, text (https://arxiv.org/abs/2503.19786): most layers see a window only, with a rope of their own; norms on both sides of a
block, on queries and on keys; what a norm multiplies by is stored as the difference from 1."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model import common, gemma2, gguf
from webllm_build.model.attention import Attention, Rope
from webllm_build.model.config import FULL, SLIDING, Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.names import QK_NORMS, QK_NORMS_GGUF, FileNames, Names

NAMES = Names(
    hugging_face=FileNames({**gemma2.NAMES.hugging_face.tensors, **QK_NORMS}, norm_offset=1.0),
    gguf=FileNames({**gemma2.NAMES.gguf.tensors, **QK_NORMS_GGUF}),
)
GGUF_KEYS = {
    **gguf.KEYS,
    "query_pre_attn_scalar": "attention.key_length",
    "rope_local_base_freq": gguf.BASE_OF_SLIDING,
    "sliding_window": gguf.WINDOW,
    "sliding_window_pattern": gguf.PATTERN,
    "final_logit_softcapping": "final_logit_softcapping",
}
IGNORED = common.IGNORED | {"_sliding_window_pattern", "attn_logit_softcapping"}  # of scores: Gemma 2's, which is left here
DEFAULTS = {
    "vocab_size": 262208,
    "hidden_size": 2304,
    "intermediate_size": 9216,
    "num_hidden_layers": 26,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "max_position_embeddings": 131072,
    "rms_norm_eps": 1e-6,
}
LAYERS_OF_27B = 62


def read(config: Reader) -> Decoder:
    hidden, heads, count = config.integer("hidden_size"), config.integer("num_attention_heads"), config.integer("num_hidden_layers")
    head_dim = config.integer("head_dim", default=256)
    everywhere = Attention(
        heads=heads,
        kv_heads=config.integer("num_key_value_heads", default=4),
        head_dim=head_dim,
        scale=gemma2.read_scale(config, head_dim, LAYERS_OF_27B),
        rope=Rope.of(config.layer_rope(FULL, default_theta=1e6), head_dim),
        qk_norm=config.number("rms_norm_eps"),
        causal=not config.flag("use_bidirectional_attention", default=False),
        ends=config.pictures is not None and config.pictures.whole > 0,
    )
    local = config.layer_rope(SLIDING, default_theta=1e4, theta_key="rope_local_base_freq", scaled=False)
    window = config.integer("sliding_window", default=4096)
    # Of an embedding model, half of it on either side, and the token itself.
    nearby = replace(everywhere, rope=Rope.of(local, head_dim), window=window if everywhere.causal else window // 2 + 1)
    kinds, mlp = config.patterned_layers(count, every=6), gemma2.read_mlp(config)
    layers = [Layer(common.read_self_attention(config, everywhere if kind == FULL else nearby), mlp, norms="around") for kind in kinds]
    softcap = config.number_or_none("final_logit_softcapping", default=None)
    return common.read_decoder(
        config, NAMES, layers, tied=True, embedding_scale=hidden**0.5, causal=everywhere.causal, logit_softcap=softcap
    )
