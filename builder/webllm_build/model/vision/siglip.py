"""SigLIP's vision transformer (https://arxiv.org/abs/2303.15343), which several families have: patches with learnt positions, layer norms
before blocks and behind the last, attention of all patches of a picture."""

from __future__ import annotations

from webllm_build.model import common
from webllm_build.model.attention import Attention, Rope
from webllm_build.model.config import Reader
from webllm_build.model.feed_forward import MLP
from webllm_build.model.layers import Layer
from webllm_build.model.self_attention import SelfAttention

# Parts of the tower's own, behind the prefix that a family has before them.
TENSORS = {
    "patch": "embeddings.patch_embedding",
    "positions": "embeddings.position_embedding",
    "attention_norm": "encoder.layers.{}.layer_norm1",
    "q": "encoder.layers.{}.self_attn.q_proj",
    "k": "encoder.layers.{}.self_attn.k_proj",
    "v": "encoder.layers.{}.self_attn.v_proj",
    "o": "encoder.layers.{}.self_attn.out_proj",
    "mlp_norm": "encoder.layers.{}.layer_norm2",
    "up": "encoder.layers.{}.mlp.fc1",
    "down": "encoder.layers.{}.mlp.fc2",
    "norm": "post_layernorm",
}
GGUF = {
    "patch": "v.patch_embd",
    "positions": "v.position_embd",
    "attention_norm": "v.blk.{}.ln1",
    "q": "v.blk.{}.attn_q",
    "k": "v.blk.{}.attn_k",
    "v": "v.blk.{}.attn_v",
    "o": "v.blk.{}.attn_out",
    "mlp_norm": "v.blk.{}.ln2",
    "up": "v.blk.{}.ffn_up",
    "down": "v.blk.{}.ffn_down",
    "norm": "v.post_ln",
}
DEFAULTS = {"hidden_size": 768, "num_attention_heads": 12}
IGNORED = frozenset({"initializer_range", "projection_dim", "vision_use_head"})
SKIPPED = ("vision_tower.head.",)  # of what it was trained by
EPS = 1e-6


def within(prefix: str) -> dict[str, str]:
    """Names of its tensors behind a prefix."""
    return {part: prefix + name for part, name in TENSORS.items()}


def read_layers(config: Reader, activation: str = "gelu_pytorch_tanh") -> list[Layer]:
    """Its layers, as config keys of all these families say. activation: where they do not say it."""
    heads = config.integer("num_attention_heads", default=12)
    head_dim = config.quotient("hidden_size", "num_attention_heads")
    still = Rope((0.0,) * (head_dim // 2))
    attention = Attention(heads, heads, head_dim, head_dim**-0.5, still, causal=False, span=0)
    mlp = MLP(common.read_activation(config, default=activation), config.integer("intermediate_size", default=3072), bias=True)
    layer = Layer(SelfAttention(attention, qkv_bias=True, out_bias=True), mlp, norm="layer_bias")
    return [layer] * config.integer("num_hidden_layers", default=12)
