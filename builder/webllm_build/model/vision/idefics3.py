"""Idefics3 (https://arxiv.org/abs/2408.12637) and SmolVLM: SigLIP on tiles of a picture, of which a square of patches becomes a vector."""

from __future__ import annotations

from webllm_build.model.config import Reader
from webllm_build.model.names import FileNames, Names
from webllm_build.model.pictures import Pictures
from webllm_build.model.vision import siglip
from webllm_build.model.vision.projector import Projector
from webllm_build.model.vision.tower import Batch, Patches, Tower

NAMES = Names(
    hugging_face=FileNames({**siglip.within("vision_model."), "project": "connector.modality_projection.proj"}),
    gguf=FileNames({**siglip.GGUF, "project": "mm.model.fc"}),
)
DEFAULTS = {"hidden_size": 1152, "num_attention_heads": 16, "image_size": 224, "patch_size": 32}
IGNORED = siglip.IGNORED | {"max_image_size", "size", "tie_word_embeddings", "use_base_siglip"}


def read(config: Reader, outer: Reader, text: Reader, batch: Batch) -> tuple[Tower, Pictures]:
    patch = config.integer("patch_size", default=32)
    side = config.within(config.integer("image_size", default=224) // patch, "image_size")
    tower = Tower(
        NAMES,
        siglip.read_layers(config),
        Projector(outer.integer("scale_factor", default=2) ** 2, text.integer("hidden_size")),
        patches=Patches(config.integer("num_channels", default=3), patch, positions=side**2),
        hidden_size=config.integer("hidden_size"),
        norm="layer_bias",
        norm_eps=config.number("layer_norm_eps", default=siglip.EPS),
        project_eps=siglip.EPS,
        batch=batch,
    )
    return tower, Pictures()
