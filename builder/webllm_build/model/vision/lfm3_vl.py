"""LFM3-VL: pictures in their own sizes; most layers are gated convolutions over the patches around each, a few attention, whose heads turn
by row and column. Four patches, each normalised, become a vector by two matrices. llama.cpp has no name for it."""

from __future__ import annotations

from webllm_build.model import common
from webllm_build.model.attention import Attention
from webllm_build.model.config import FULL, Reader
from webllm_build.model.feed_forward import GatedMLP
from webllm_build.model.layers import Description, Layer
from webllm_build.model.lfm2 import CONVOLUTION
from webllm_build.model.names import FileNames, Names
from webllm_build.model.pictures import Pictures
from webllm_build.model.self_attention import SelfAttention
from webllm_build.model.vision.grid_convolution import SIDE, GridConvolution
from webllm_build.model.vision.projector import Projector
from webllm_build.model.vision.qwen2_5_vl import axial_rope
from webllm_build.model.vision.tower import Batch, Patches, Tower

LAYER = "vision_tower.layers.{}."
_FILES = FileNames(
    {
        "patch": "vision_tower.patchifier",
        "entry_norm": "vision_tower.embedding_norm",
        "attention_norm": f"{LAYER}operator_norm",
        **{part: f"{LAYER}self_attn.{part}_proj" for part in ("q", "k", "v")},
        "o": f"{LAYER}self_attn.out_proj",
        **{f"{part}_norm": f"{LAYER}self_attn.{part}_layernorm" for part in ("q", "k")},
        "conv_in": f"{LAYER}conv.in_proj",
        "conv": f"{LAYER}conv.spatial_conv",
        "conv_out": f"{LAYER}conv.out_proj",
        "mlp_norm": f"{LAYER}ffn_norm",
        **{part: f"{LAYER}feed_forward.{name}" for part, name in {"gate": "w1", "up": "w3", "down": "w2"}.items()},
        "norm": "multi_modal_projector.layer_norm",
        "project_up": "multi_modal_projector.linear_1",
        "project": "multi_modal_projector.linear_2",
    },
    patches="frame_rows",
)
NAMES = Names(hugging_face=_FILES, gguf=_FILES)
IGNORED = frozenset({"initializer_range", "temporal_patch_size"})
THETA, PROJECT_EPS = 1e6, 1e-6


def read(config: Reader, outer: Reader, text: Reader, batch: Batch) -> tuple[Tower, Pictures]:
    hidden, count = config.integer("hidden_size", default=1024), config.integer("num_hidden_layers", default=14)
    eps = config.number("norm_eps", default=1e-5)
    heads, kv_heads = config.integer("num_attention_heads", default=16), config.integer("num_key_value_heads", default=8)
    head_dim = config.within(hidden // heads, "num_attention_heads")
    config.must_be("conv_kernel_size", SIDE)
    rope = axial_rope(config.axial_theta(default=THETA), head_dim)
    attention = Attention(heads, kv_heads, head_dim, head_dim**-0.5, rope, qk_norm=eps, causal=False, span=0)
    mixers: dict[str, Description] = {
        FULL: SelfAttention(attention),
        CONVOLUTION: GridConvolution(),
    }
    usual = [CONVOLUTION if layer < 2 or layer % 2 else FULL for layer in range(count)]
    kinds = config.layer_types(count, default=usual, kinds=tuple(mixers))
    feed_forward = GatedMLP("silu_mul", config.integer("intermediate_size", default=2560))
    projector = Projector(
        config.integer("spatial_merge_size", default=2) ** 2,
        text.integer("hidden_size"),
        inner=outer.integer("projector_hidden_size", default=4096),
        activation=common.read_activation(outer, "projector_hidden_act", default="gelu"),
        bias=outer.flag("projector_bias", default=True),
    )
    tower = Tower(
        NAMES,
        [Layer(mixers[kind], feed_forward) for kind in kinds],
        projector,
        patches=Patches(config.integer("in_channels", default=3), config.integer("patch_size", default=16), bias=False),
        hidden_size=hidden,
        norm="layer_bias",
        norm_eps=eps,
        project_eps=PROJECT_EPS,
        batch=batch,
        entry_norm="rms",
        end_eps=PROJECT_EPS,
    )
    return tower, Pictures()
