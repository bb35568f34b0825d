"""GPT-NeoX (https://arxiv.org/abs/2204.06745), RedPajama and Pythia: layer normalisation, plain feed-forward blocks, biases everywhere, and
where the config says so both blocks on one input, each behind its own norm."""

from __future__ import annotations

from collections.abc import Mapping

from webllm_build.model import common, gguf
from webllm_build.model.attention import Attention, Rope
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.feed_forward import MLP
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, FileNames, Names
from webllm_build.model.self_attention import SelfAttention

STEM = "gpt_neox.layers.{}."
NAMES = Names(
    hugging_face=FileNames(
        {
            "embedding": "gpt_neox.embed_in",
            "norm": "gpt_neox.final_layer_norm",
            "head": "embed_out",
            "attention_norm": STEM + "input_layernorm",
            "qkv": STEM + "attention.query_key_value",
            "o": STEM + "attention.dense",
            "mlp_norm": STEM + "post_attention_layernorm",
            "up": STEM + "mlp.dense_h_to_4h",
            "down": STEM + "mlp.dense_4h_to_h",
        },
        by_heads=frozenset({"qkv"}),
    ),
    gguf=FileNames({**GGUF, "qkv": "blk.{}.attn_qkv"}),
)
GGUF_KEYS = {**gguf.LAYER_NORM_KEYS, "partial_rotary_factor": gguf.TURNED, "use_parallel_residual": "use_parallel_residual"}
IGNORED = common.IGNORED | {"rotary_emb_base", "rotary_pct"}
DEFAULTS: Mapping[str, object] = {
    "vocab_size": 50432,
    "hidden_size": 6144,
    "intermediate_size": 24576,
    "num_hidden_layers": 44,
    "num_attention_heads": 64,
    "max_position_embeddings": 2048,
}


def skipped(model: Decoder) -> tuple[str, ...]:
    """Masks, which older files hold."""
    stems = [STEM.format(layer) + "attention." for layer in range(len(model.layers))]
    return tuple(stem + mask for stem in stems for mask in ("bias", "masked_bias"))


def read(config: Reader) -> Decoder:
    heads, head_dim = config.integer("num_attention_heads"), config.quotient("hidden_size", "num_attention_heads")
    theta, partial = config.number("rotary_emb_base", default=10000.0), config.number("rotary_pct", default=0.25)
    if not config.in_gguf:
        config.must_be("rope_theta", theta)  # neither of which transformers reads here
        config.must_be("partial_rotary_factor", partial)
    rope = Rope.of(config.rope(default_theta=theta, partial=partial), head_dim)
    config.must_be("head_dim", head_dim)
    config.must_be("num_key_value_heads", heads)
    has_bias = config.flag("attention_bias", default=True)
    attention = SelfAttention(Attention(heads, heads, head_dim, head_dim**-0.5, rope), has_bias, fused=True, out_bias=has_bias)
    mlp = MLP(common.read_activation(config, default="gelu"), config.integer("intermediate_size"), bias=True)
    parallel = config.flag("use_parallel_residual", default=True)
    layer = Layer(attention, mlp, norm="layer_bias", parallel=parallel, own_norms=parallel)
    return common.read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"), norm="layer_bias")
