"""LFM2-VL (https://arxiv.org/abs/2511.23404): SigLIP 2 on pictures, or tiles of them, in sizes of their own, between whose patches learnt
positions are resized; four patches become a vector by two matrices."""

from __future__ import annotations

from webllm_build.model import common
from webllm_build.model.config import Reader
from webllm_build.model.names import FileNames, Names
from webllm_build.model.pictures import Pictures
from webllm_build.model.vision import siglip
from webllm_build.model.vision.projector import Projector
from webllm_build.model.vision.tower import Batch, Patches, Tower

PROJECTOR = {
    "project_norm": "multi_modal_projector.layer_norm",
    "project_up": "multi_modal_projector.linear_1",
    "project": "multi_modal_projector.linear_2",
}
NAMES = Names(
    hugging_face=FileNames({**siglip.within("vision_tower."), **PROJECTOR}, patches="channels_last"),
    gguf=FileNames({**siglip.GGUF, "project_norm": "mm.input_norm", "project_up": "mm.1", "project": "mm.2"}),
)
DEFAULTS = {**siglip.DEFAULTS, "num_patches": 256, "patch_size": 16}
IGNORED = siglip.IGNORED


def read(config: Reader, outer: Reader, text: Reader, batch: Batch) -> tuple[Tower, Pictures]:
    projector = Projector(
        outer.integer("downsample_factor", default=2) ** 2,
        text.integer("hidden_size"),
        norm="layer_bias" if outer.flag("projector_use_layernorm", default=True) else None,
        inner=outer.integer("projector_hidden_size", default=2560),
        activation=common.read_activation(outer, "projector_hidden_act", default="gelu"),
        bias=outer.flag("projector_bias", default=True),
    )
    patch, positions = config.integer("patch_size", default=16), config.integer("num_patches", default=256)
    tower = Tower(
        NAMES,
        siglip.read_layers(config),
        projector,
        patches=Patches(config.integer("num_channels", default=3), patch, positions),
        hidden_size=config.integer("hidden_size", default=768),
        norm="layer_bias",
        norm_eps=config.number("layer_norm_eps", default=siglip.EPS),
        project_eps=1e-5,
        batch=batch,
        skipped=siglip.SKIPPED,
    )
    return tower, Pictures()
