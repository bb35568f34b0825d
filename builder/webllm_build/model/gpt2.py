"""GPT-2 (https://github.com/openai/gpt-2): learnt positions and no rope, layer normalisation, plain feed-forward blocks, biases everywhere,
and in config.json's format matrices with columns as rows."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model import common, gguf
from webllm_build.model.attention import Attention, Rope
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.entry import Entry
from webllm_build.model.feed_forward import MLP
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, FileNames, Names
from webllm_build.model.self_attention import SelfAttention

STEM = "transformer.h.{}."
NAMES = Names(
    hugging_face=FileNames(
        {
            "embedding": "transformer.wte",
            "positions": "transformer.wpe",
            "norm": "transformer.ln_f",
            "head": "lm_head",
            "attention_norm": STEM + "ln_1",
            "qkv": STEM + "attn.c_attn",
            "o": STEM + "attn.c_proj",
            "mlp_norm": STEM + "ln_2",
            "up": STEM + "mlp.c_fc",
            "down": STEM + "mlp.c_proj",
        },
        transposed=frozenset({"qkv", "o", "up", "down"}),
    ),
    gguf=FileNames({**GGUF, "positions": "position_embd", "qkv": "blk.{}.attn_qkv"}),
)
GGUF_KEYS = {key: name for key, name in gguf.LAYER_NORM_KEYS.items() if key not in ("num_key_value_heads", "head_dim", "rope_theta")}
IGNORED = common.IGNORED
ALIASES = {
    "n_embd": "hidden_size",
    "n_layer": "num_hidden_layers",
    "n_head": "num_attention_heads",
    "n_positions": "max_position_embeddings",
    "n_inner": "intermediate_size",
    "activation_function": "hidden_act",
    "layer_norm_epsilon": "layer_norm_eps",
}
DEFAULTS = {
    "vocab_size": 50257,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "max_position_embeddings": 1024,
}


def skipped(model: Decoder) -> tuple[str, ...]:
    """Masks, which older files hold."""
    stems = [STEM.format(layer) + "attn." for layer in range(len(model.layers))]
    return tuple(stem + mask for stem in stems for mask in ("bias", "masked_bias"))


def read(config: Reader) -> Decoder:
    heads, hidden = config.integer("num_attention_heads"), config.integer("hidden_size")
    head_dim, count = config.quotient("hidden_size", "num_attention_heads"), config.integer("num_hidden_layers")
    scale = head_dim**-0.5 if config.flag("scale_attn_weights", default=True) else 1.0
    by_layer = config.flag("scale_attn_by_inverse_layer_idx", default=False)
    attention = Attention(heads, heads, head_dim, scale, Rope((0.0,) * (head_dim // 2)))
    mlp = MLP(common.read_activation(config, default="gelu_new"), config.integer("intermediate_size", default=4 * hidden), bias=True)
    scaled = [replace(attention, scale=scale / (layer + 1 if by_layer else 1)) for layer in range(count)]
    layers = [Layer(SelfAttention(each, True, fused=True, out_bias=True), mlp, norm="layer_bias") for each in scaled]
    entry = Entry(positions=config.integer("max_position_embeddings"))
    return common.read_decoder(config, NAMES, layers, tied=True, norm="layer_bias", entry=entry)
