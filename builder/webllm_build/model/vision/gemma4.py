"""Gemma 4: pictures of any shape, whose patches have a learnt vector of their column and one of their row, and turn by both: the first
half of a head by the column, the second by the row. Squares of patches are averaged."""

from __future__ import annotations

from webllm_build.model import clipped, common
from webllm_build.model.attention import Attention, Rope
from webllm_build.model.config import Reader
from webllm_build.model.feed_forward import GatedMLP
from webllm_build.model.layers import Layer
from webllm_build.model.names import FileNames, Names
from webllm_build.model.ops import GATED
from webllm_build.model.pictures import Pictures
from webllm_build.model.self_attention import SelfAttention
from webllm_build.model.vision.projector import Projector
from webllm_build.model.vision.tower import Batch, Patches, Tower

MATRICES = {
    **{part: f"vision_tower.encoder.layers.{{}}.self_attn.{part}_proj.linear" for part in ("q", "k", "v", "o")},
    **{part: f"vision_tower.encoder.layers.{{}}.mlp.{part}_proj.linear" for part in ("gate", "up", "down")},
}
MATRICES_GGUF = {
    **{part: f"v.blk.{{}}.attn_{name}" for part, name in {"q": "q", "k": "k", "v": "v", "o": "out"}.items()},
    **{part: f"v.blk.{{}}.ffn_{part}" for part in ("gate", "up", "down")},
}
NAMES = Names(
    hugging_face=FileNames(
        {
            **MATRICES,
            **clipped.bounds_of(MATRICES),
            "patch": "vision_tower.patch_embedder.input_proj",
            "positions": "vision_tower.patch_embedder.position_embedding_table",
            "q_norm": "vision_tower.encoder.layers.{}.self_attn.q_norm",
            "k_norm": "vision_tower.encoder.layers.{}.self_attn.k_norm",
            "attention_norm": "vision_tower.encoder.layers.{}.input_layernorm",
            "attention_out_norm": "vision_tower.encoder.layers.{}.post_attention_layernorm",
            "mlp_norm": "vision_tower.encoder.layers.{}.pre_feedforward_layernorm",
            "mlp_out_norm": "vision_tower.encoder.layers.{}.post_feedforward_layernorm",
            "std_bias": "vision_tower.std_bias",
            "std_scale": "vision_tower.std_scale",
            "project": "embed_vision.embedding_projection",
        },
        patches="channels_last",
        bare=frozenset({"positions"}),
        bounds=frozenset(clipped.bounds_of(MATRICES)),
    ),
    gguf=FileNames(
        {
            **MATRICES_GGUF,
            **clipped.bounds_of(MATRICES_GGUF),
            "patch": "v.patch_embd",
            "positions": "v.position_embd",
            "q_norm": "v.blk.{}.attn_q_norm",
            "k_norm": "v.blk.{}.attn_k_norm",
            "attention_norm": "v.blk.{}.ln1",
            "attention_out_norm": "v.blk.{}.attn_post_norm",
            "mlp_norm": "v.blk.{}.ln2",
            "mlp_out_norm": "v.blk.{}.ffn_post_norm",
            "std_bias": "v.std_bias",
            "std_scale": "v.std_scale",
            "project": "mm.input_projection",
        },
        bounds=frozenset(clipped.bounds_of(MATRICES_GGUF)),
    ),
)
IGNORED = frozenset({"default_output_length", "global_head_dim", "initializer_range", "max_position_embeddings"})
CHANNELS, THETA = 3, 100.0


def read(config: Reader, outer: Reader, text: Reader, batch: Batch) -> tuple[Tower, Pictures]:
    config.must_be("attention_bias", False)
    hidden, eps = config.integer("hidden_size", default=768), config.number("rms_norm_eps", default=1e-6)
    attention, activation = read_attention(config, eps), common.read_activation(config, "hidden_activation", default="gelu_pytorch_tanh")
    size = config.integer("intermediate_size", default=3072)
    if config.flag("use_clipped_linears", default=False):
        layer = Layer(clipped.ClippedAttention(attention), clipped.ClippedMLP(activation, size), norms="around")
    else:
        layer = Layer(SelfAttention(attention), GatedMLP(GATED[activation], size), norms="around")
    group = config.integer("pooling_kernel_size", default=3) ** 2
    affine, side = config.flag("standardize", default=False), config.integer("position_embedding_size", default=10240)
    tower = Tower(
        NAMES,
        [layer] * config.integer("num_hidden_layers", default=16),
        Projector(group, text.integer("hidden_size"), mean=True, norm="bare", factor=hidden**0.5, affine=affine),
        patches=Patches(CHANNELS, config.integer("patch_size", default=16), 2 * side, bias=False, tables=2),
        hidden_size=hidden,
        norm=None,
        norm_eps=eps,
        project_eps=eps,
        batch=batch,
    )
    text.must_be("pad_token_id", 0)  # whose row of the table of layers' vectors tokens of pictures have
    both_ways = text.one_of("use_bidirectional_attention", ("vision", ""), default="") == "vision"
    return tower, Pictures(whole=batch.patches // group if both_ways else 0)


def read_attention(config: Reader, eps: float) -> Attention:
    """Of all patches of a picture."""
    heads, head_dim = config.integer("num_attention_heads", default=12), config.integer("head_dim", default=64)
    theta = config.axial_theta(default=THETA)
    of_axis = [theta ** (-4 * pair / head_dim) for pair in range(head_dim // 4)]
    turns = Rope((*of_axis, *of_axis), axes=(*(1 for _ in of_axis), *(0 for _ in of_axis)), parts=2)
    return Attention(
        heads, config.integer("num_key_value_heads", default=12), head_dim, 1.0, turns, qk_norm=eps, value_norm=True, causal=False, span=0
    )
