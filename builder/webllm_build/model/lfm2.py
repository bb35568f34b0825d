"""LFM2 and LFM2.5 (https://arxiv.org/abs/2511.23404): most layers are gated short convolutions, a few attention with queries and keys
normalised."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from webllm_build.model import common, gguf
from webllm_build.model.attention import Attention, Rope
from webllm_build.model.config import FULL, Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.feed_forward import GatedMLP
from webllm_build.model.layers import Description, Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, QK_NORMS_GGUF, FileNames, Names
from webllm_build.model.self_attention import SelfAttention
from webllm_build.model.short_convolution import ShortConvolution

NAMES = Names(
    hugging_face=FileNames(
        {
            **HUGGING_FACE,
            "norm": "model.embedding_norm",
            "attention_norm": "model.layers.{}.operator_norm",
            "conv_in": "model.layers.{}.conv.in_proj",
            "conv": "model.layers.{}.conv.conv",
            "conv_out": "model.layers.{}.conv.out_proj",
            "o": "model.layers.{}.self_attn.out_proj",
            "q_norm": "model.layers.{}.self_attn.q_layernorm",
            "k_norm": "model.layers.{}.self_attn.k_layernorm",
            "mlp_norm": "model.layers.{}.ffn_norm",
            "gate": "model.layers.{}.feed_forward.w1",
            "up": "model.layers.{}.feed_forward.w3",
            "down": "model.layers.{}.feed_forward.w2",
        }
    ),
    gguf=FileNames(
        {
            **GGUF,
            "norm": "token_embd_norm",
            "conv_in": "blk.{}.shortconv.in_proj",
            "conv": "blk.{}.shortconv.conv",
            "conv_out": "blk.{}.shortconv.out_proj",
            **QK_NORMS_GGUF,
        }
    ),
)
GGUF_KEYS = {"norm_eps" if key == "rms_norm_eps" else key: name for key, name in gguf.KEYS.items()} | {"conv_L_cache": "shortconv.l_cache"}
# What the library that trained these models had, and says again in other words or of other stages.
IGNORED = common.IGNORED | {
    "block_dim", "block_mlp_init_scale", "block_norm_eps", "block_out_init_scale", "block_use_swiglu", "block_use_xavier_init", "conv_dim",
    "conv_dim_out", "conv_use_xavier_init", "num_heads", "theta", "use_pos_enc",
}  # fmt: skip
CONVOLUTION = "conv"


def of_gguf_keys(config: Mapping[str, object]) -> dict[str, object]:
    """A GGUF says how many key-value heads each layer has: a convolution has none. Its intermediate size is the adjusted one."""
    heads = config.get("num_key_value_heads")
    by_layer = {}
    if isinstance(heads, list):
        kinds = [FULL if count else CONVOLUTION for count in heads]
        by_layer = {"layer_types": kinds, "num_key_value_heads": max(heads, default=0)}
    return {**by_layer, "block_auto_adjust_ff_dim": False}


def read(config: Reader) -> Decoder:
    feed_forward = GatedMLP("silu_mul", read_intermediate_size(config))
    return read_decoder(config, NAMES, lambda layer: feed_forward, hidden=2560)


def read_decoder(config: Reader, names: Names, feed_forward: Callable[[int], Description], *, hidden: int) -> Decoder:
    """feed_forward: of each layer. hidden: the size where the config does not say."""
    hidden, count = config.integer("hidden_size", default=hidden), config.integer("num_hidden_layers", default=32)
    eps = config.number("norm_eps", default=1e-5)
    heads = config.integer("num_attention_heads", default=32)
    head_dim = config.integer("head_dim", default=hidden // heads)
    attention = Attention(
        heads=heads,
        kv_heads=config.integer("num_key_value_heads", default=8),
        head_dim=head_dim,
        scale=head_dim**-0.5,
        rope=Rope.of(config.rope(default_theta=1e6), head_dim),
        qk_norm=eps,
    )
    convolution = ShortConvolution(config.integer("conv_L_cache", default=3), config.flag("conv_bias", default=False))
    attending = config.layers("full_attn_idxs", count, default=range(count))
    kinds = config.layer_types(
        count, default=[FULL if index in attending else CONVOLUTION for index in range(count)], kinds=(FULL, CONVOLUTION)
    )
    return Decoder(
        names,
        [Layer(SelfAttention(attention) if kind == FULL else convolution, feed_forward(layer)) for layer, kind in enumerate(kinds)],
        vocab_size=config.integer("vocab_size", default=65536),
        hidden_size=hidden,
        context_length=config.integer("max_position_embeddings", default=128000),
        norm_eps=eps,
        tied=config.flag("tie_embedding", default=config.flag("tie_word_embeddings", default=True)),
        pictures=config.pictures,
    )


def read_intermediate_size(config: Reader) -> int:
    """The config's size is that of a feed-forward block without gate: where it says so, two thirds of it, rounded up to blocks."""
    size = config.integer("block_ff_dim", default=config.integer("intermediate_size", default=12288))
    multiplier, multiple = config.number("block_ffn_dim_multiplier", default=1.0), config.integer("block_multiple_of", default=256)
    if not config.flag("block_auto_adjust_ff_dim", default=True):
        return size
    return config.within(-(-int(multiplier * int(2 * size / 3)) // multiple) * multiple, "block_ffn_dim_multiplier")
