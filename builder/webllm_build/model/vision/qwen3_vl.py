"""Qwen3-VL (https://arxiv.org/abs/2511.21631) and what sees of Qwen3.5: pictures in their own sizes, whose patches have learnt positions
and turn by row and column. The text of Qwen3-VL also gets vectors of states behind some earlier layers, added behind its first ones."""

from __future__ import annotations

from webllm_build.model import common
from webllm_build.model.config import Reader
from webllm_build.model.feed_forward import MLP
from webllm_build.model.layers import Layer
from webllm_build.model.names import FileNames, Names
from webllm_build.model.pictures import Pictures
from webllm_build.model.self_attention import SelfAttention
from webllm_build.model.vision import qwen2_5_vl
from webllm_build.model.vision.projector import Projector
from webllm_build.model.vision.tower import Batch, Patches, Tower

MOST_DEEP = 8
DEEP = {"project_norm": "norm", "project_up": "linear_fc1", "project": "linear_fc2"}
DEEP_GGUF = {"project_norm": "norm", "project_up": "fc1", "project": "fc2"}
NAMES = Names(
    hugging_face=FileNames(
        {
            **qwen2_5_vl.TENSORS,
            "positions": "visual.pos_embed",
            "up": "visual.blocks.{}.mlp.linear_fc1",
            "down": "visual.blocks.{}.mlp.linear_fc2",
            "norm": "visual.merger.norm",
            "project_up": "visual.merger.linear_fc1",
            "project": "visual.merger.linear_fc2",
            **{
                f"deep{number}_{part}": f"visual.deepstack_merger_list.{number}.{name}"
                for number in range(MOST_DEEP)
                for part, name in DEEP.items()
            },
        },
        patches="frames",
    ),
    gguf=FileNames(
        {
            **qwen2_5_vl.GGUF_TENSORS,
            "positions": "v.position_embd",
            **{f"deep{number}_{part}": f"v.deepstack.{number}.{name}" for number in range(MOST_DEEP) for part, name in DEEP_GGUF.items()},
        },
        patches="frame_tensors",
    ),
)
DEFAULTS = {"hidden_size": 1152, "num_heads": 16}
IGNORED = qwen2_5_vl.IGNORED
SECTIONS = {"qwen3_vl": (24, 20, 20), "qwen3_5": (11, 11, 10), "qwen3_5_moe": (11, 11, 10)}


def read(config: Reader, outer: Reader, text: Reader, batch: Batch) -> tuple[Tower, Pictures]:
    hidden, count = config.integer("hidden_size", default=1152), config.integer("depth", default=27)
    mlp = MLP(common.read_activation(config, default="gelu_pytorch_tanh"), config.integer("intermediate_size", default=4304), bias=True)
    layer = Layer(SelfAttention(qwen2_5_vl.read_attention(config), qkv_bias=True, fused=True, out_bias=True), mlp, norm="layer_bias")
    group = config.integer("spatial_merge_size", default=2) ** 2
    projector = Projector(group, qwen2_5_vl.read_columns(config, text), inner=group * hidden, bias=True)
    kind = outer.one_of("model_type", tuple(SECTIONS), default="qwen3_vl")
    usual = (8, 16, 24) if kind == "qwen3_vl" else ()
    deep = sorted(config.layers("deepstack_visual_indexes", count, default=usual))
    positions = config.integer("num_position_embeddings", default=2304)
    tower = Tower(
        NAMES,
        [layer] * count,
        projector,
        patches=Patches(config.integer("in_channels", default=3), config.integer("patch_size", default=16), positions),
        hidden_size=hidden,
        norm="layer_bias",
        norm_eps=qwen2_5_vl.EPS,
        project_eps=qwen2_5_vl.EPS,
        batch=batch,
        deep={number: Projector(group, projector.columns, norm="layer_bias", inner=group * hidden, bias=True) for number in deep},
    )
    return tower, Pictures(deep=len(deep), axes=_interleaved(text.rope_sections(SECTIONS[kind])))


def _interleaved(sections: tuple[int, ...]) -> tuple[int, ...]:
    """Of each rotary pair: every third turns by the row, and every third by the column, as far as their sections go."""
    return tuple(pair % 3 if pair < 3 * sections[pair % 3] else 0 for pair in range(sum(sections)))
