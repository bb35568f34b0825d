"""Gemma 3 (https://arxiv.org/abs/2503.19786): SigLIP on a picture as a whole, whose states are averaged over squares of patches; the tokens
of a picture see each other."""

from __future__ import annotations

from webllm_build.model.config import Reader
from webllm_build.model.names import FileNames, Names
from webllm_build.model.pictures import Pictures
from webllm_build.model.vision import siglip
from webllm_build.model.vision.projector import Projector
from webllm_build.model.vision.tower import Batch, Patches, Tower

PROJECTOR = {"project": "multi_modal_projector.mm_input_projection_weight", "project_norm": "multi_modal_projector.mm_soft_emb_norm"}
PROJECTOR_GGUF = {"project": "mm.input_projection", "project_norm": "mm.soft_emb_norm"}
NAMES = Names(
    hugging_face=FileNames(
        {**siglip.within("vision_tower."), **PROJECTOR},
        norm_offset=1.0,
        offset_norms=frozenset({"project_norm"}),
        bare=frozenset({"project"}),
        transposed=frozenset({"project"}),
    ),
    gguf=FileNames({**siglip.GGUF, **PROJECTOR_GGUF}, transposed=frozenset({"project"})),
)
DEFAULTS = {**siglip.DEFAULTS, "image_size": 224, "patch_size": 16}
IGNORED = siglip.IGNORED


def read(config: Reader, outer: Reader, text: Reader, batch: Batch) -> tuple[Tower, Pictures]:
    patch = config.integer("patch_size", default=16)
    side = config.integer("image_size", default=224) // patch
    tokens = outer.integer("mm_tokens_per_image", default=256)
    group = config.within(side // int(tokens**0.5), "image_size")
    tower = Tower(
        NAMES,
        siglip.read_layers(config),
        Projector(group**2, text.integer("hidden_size"), mean=True, norm="rms"),
        patches=Patches(config.integer("num_channels", default=3), patch, positions=side**2),
        hidden_size=config.integer("hidden_size", default=768),
        norm="layer_bias",
        norm_eps=config.number("layer_norm_eps", default=siglip.EPS),
        project_eps=config.number("layer_norm_eps", default=siglip.EPS),
        batch=batch,
        skipped=siglip.SKIPPED,
    )
    return tower, Pictures(whole=tokens)
