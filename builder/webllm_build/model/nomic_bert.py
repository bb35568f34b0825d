"""Nomic's BERT (https://arxiv.org/abs/2402.01613): as BERT, with a rope in the place of learnt positions, gated feed-forward blocks, and no
biases but those of norms. Its one kind of tokens is in the embeddings as they are read."""

from __future__ import annotations

from webllm_build.model import bert, common, gguf
from webllm_build.model.attention import Attention, Rope
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.entry import Entry
from webllm_build.model.feed_forward import GatedMLP
from webllm_build.model.layers import Layer
from webllm_build.model.names import FileNames, Names
from webllm_build.model.self_attention import SelfAttention

NAMES = Names(
    hugging_face=FileNames(
        {
            "embedding": "embeddings.word_embeddings",
            "embedding_norm": "emb_ln",
            "qkv": "encoder.layers.{}.attn.Wqkv",
            "o": "encoder.layers.{}.attn.out_proj",
            "attention_out_norm": "encoder.layers.{}.norm1",
            "gate": "encoder.layers.{}.mlp.fc12",
            "up": "encoder.layers.{}.mlp.fc11",
            "down": "encoder.layers.{}.mlp.fc2",
            "mlp_out_norm": "encoder.layers.{}.norm2",
        },
        added={"embedding": "embeddings.token_type_embeddings.weight"},
    ),
    gguf=FileNames(
        {**bert.NAMES.gguf.tensors, "qkv": "blk.{}.attn_qkv", "gate": "blk.{}.ffn_gate"},
        added={"embedding": "token_types.weight"},
    ),
)
GGUF_KEYS = {**gguf.LAYER_NORM_KEYS, "is_decoder": "attention.causal"}
# Of training, of how it was computed there, and of lengths that its rope was not trained for.
IGNORED = bert.IGNORED | {
    *("dense_seq_output", "fused_bias_fc", "fused_dropout_add_ln", "n_positions"),
    *("pad_vocab_size_multiple", "rotary_emb_scale_base", "summary_activation"),
    *("summary_proj_to_labels", "summary_type", "summary_use_proj", "use_xentropy", "parallel_block_tied_norm", "reorder_and_upcast_attn"),
    *("rotary_scaling_factor",),
}
SKIPPED = bert.SKIPPED
# What other keys of its own code would be if they asked for anything.
USUAL = {
    "activation_function": "swiglu", "causal": False, "mlp_fc1_bias": False, "mlp_fc2_bias": False, "parallel_block": False,
    "prenorm": False, "qkv_proj_bias": False, "rotary_emb_fraction": 1.0, "rotary_emb_interleaved": False,
    "scale_attn_by_inverse_layer_idx": False, "scale_attn_weights": True, "use_rms_norm": False, "hidden_act": "silu", "is_decoder": False,
}  # fmt: skip


def read(config: Reader) -> Decoder:
    """By transformers' keys, or those of the model's own code."""
    for key, only in USUAL.items():
        config.must_be(key, only)
    config.integer("type_vocab_size", default=2)  # of which the first is all tokens'
    hidden = config.integer("hidden_size", default=config.integer("n_embd", default=768))
    heads = config.integer("num_attention_heads", default=config.integer("n_head", default=12))
    count = config.integer("num_hidden_layers", default=config.integer("n_layer", default=12))
    size = config.integer("intermediate_size", default=config.integer("n_inner", default=3072))
    theta = config.number("rotary_emb_base", default=1000.0)
    head_dim = config.integer("head_dim", default=hidden // heads)
    config.must_be("num_key_value_heads", heads)
    attention = Attention(heads, heads, head_dim, head_dim**-0.5, Rope.of(config.rope(default_theta=theta), head_dim), causal=False)
    layer = Layer(SelfAttention(attention, fused=True), GatedMLP("silu_mul", size), norms="sum", norm="layer_bias")
    eps = config.number("layer_norm_eps", default=config.number("layer_norm_epsilon", default=1e-12))
    return Decoder(
        NAMES,
        [layer] * count,
        vocab_size=config.integer("vocab_size", default=30528),
        hidden_size=hidden,
        context_length=config.integer("max_position_embeddings", default=config.integer("max_trained_positions", default=2048)),
        norm_eps=eps,
        tied=config.flag("tie_word_embeddings", default=True),
        norm=None,
        entry=Entry("layer_bias"),
        pool=common.read_pool(config),
    )
