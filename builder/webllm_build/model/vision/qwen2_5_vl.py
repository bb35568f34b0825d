"""Qwen2.5-VL (https://arxiv.org/abs/2502.13923): pictures in their own sizes, patches turned by row and column; in most layers they see a
window of the picture, in some all of it. Four of them become a vector by two matrices."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model.attention import Attention, Rope
from webllm_build.model.config import Reader
from webllm_build.model.feed_forward import GatedMLP
from webllm_build.model.layers import Layer
from webllm_build.model.names import FileNames, Names
from webllm_build.model.pictures import Pictures
from webllm_build.model.self_attention import SelfAttention
from webllm_build.model.vision.projector import Projector
from webllm_build.model.vision.tower import Batch, Patches, Tower

TENSORS = {
    "patch": "visual.patch_embed.proj",
    "attention_norm": "visual.blocks.{}.norm1",
    "qkv": "visual.blocks.{}.attn.qkv",
    "o": "visual.blocks.{}.attn.proj",
    "mlp_norm": "visual.blocks.{}.norm2",
}
GGUF_TENSORS = {
    "patch": "v.patch_embd",
    "attention_norm": "v.blk.{}.ln1",
    "qkv": "v.blk.{}.attn_qkv",
    "o": "v.blk.{}.attn_out",
    "mlp_norm": "v.blk.{}.ln2",
    "up": "v.blk.{}.ffn_up",
    "down": "v.blk.{}.ffn_down",
    "norm": "v.post_ln",
    "project_up": "mm.0",
    "project": "mm.2",
}
NAMES = Names(
    hugging_face=FileNames(
        {
            **TENSORS,
            "gate": "visual.blocks.{}.mlp.gate_proj",
            "up": "visual.blocks.{}.mlp.up_proj",
            "down": "visual.blocks.{}.mlp.down_proj",
            "norm": "visual.merger.ln_q",
            "project_up": "visual.merger.mlp.0",
            "project": "visual.merger.mlp.2",
        },
        patches="frames",
    ),
    gguf=FileNames({**GGUF_TENSORS, "gate": "v.blk.{}.ffn_gate"}, patches="frame_tensors"),
)
# Of films, and of what pictures are made into.
IGNORED = frozenset({"initializer_range", "tokens_per_second", "window_size", "in_chans", "spatial_patch_size", "temporal_patch_size"})
DEFAULTS = {"hidden_size": 3584, "num_heads": 16}
EPS, THETA = 1e-6, 10000.0
SECTIONS = (16, 24, 24)


def read(config: Reader, outer: Reader, text: Reader, batch: Batch) -> tuple[Tower, Pictures]:
    config.must_be("hidden_act", "silu")
    hidden, count = config.integer("hidden_size"), config.integer("depth", default=32)
    everywhere = read_attention(config)
    nearby = replace(everywhere, span=1)
    mlp = GatedMLP("silu_mul", config.integer("intermediate_size", default=3420), bias=True)
    whole = config.layers("fullatt_block_indexes", count, default=(7, 15, 23, 31))
    mixers = [SelfAttention(everywhere if layer in whole else nearby, qkv_bias=True, fused=True, out_bias=True) for layer in range(count)]
    group = config.integer("spatial_merge_size", default=2) ** 2
    tower = Tower(
        NAMES,
        [Layer(mixer, mlp) for mixer in mixers],
        Projector(group, read_columns(config, text), inner=group * hidden, bias=True),
        patches=Patches(config.integer("in_channels", default=3), config.integer("patch_size", default=14), bias=False),
        hidden_size=hidden,
        norm="rms",
        norm_eps=EPS,
        project_eps=EPS,
        batch=batch,
        spans=2,
    )
    sections = text.rope_sections(SECTIONS)
    return tower, Pictures(axes=tuple(axis for axis, length in enumerate(sections) for _ in range(length)))


def read_attention(config: Reader) -> Attention:
    """Of all patches of a picture, half of whose pairs turn by the row, and half by the column."""
    heads, head_dim = config.integer("num_heads", default=16), config.quotient("hidden_size", "num_heads")
    config.must_be("rope_parameters", {"rope_theta": THETA, "rope_type": "axial"})
    return Attention(heads, heads, head_dim, head_dim**-0.5, axial_rope(THETA, head_dim), causal=False, span=0)


def axial_rope(theta: float, head_dim: int) -> Rope:
    """Half of whose pairs turn by the row, and half by the column."""
    of_axis = [theta ** (-4 * pair / head_dim) for pair in range(head_dim // 4)]
    return Rope((*of_axis, *of_axis), axes=(*(0 for _ in of_axis), *(1 for _ in of_axis)))


def read_columns(config: Reader, text: Reader) -> int:
    columns = text.integer("hidden_size")
    config.must_be("out_hidden_size", columns)
    return columns
