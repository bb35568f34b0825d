"""LLaVA (https://arxiv.org/abs/2310.03744): CLIP or SigLIP on a picture as a whole, each of whose patches becomes a vector by two matrices.
States are taken behind one of the later layers, mostly the last but one, or behind several. CLIP has a token more, before the patches."""

from __future__ import annotations

from webllm_build.model import common
from webllm_build.model.config import Reader
from webllm_build.model.granite import vector_scale
from webllm_build.model.names import FileNames, Names
from webllm_build.model.pictures import Pictures
from webllm_build.model.vision import siglip
from webllm_build.model.vision.projector import Projector
from webllm_build.model.vision.tower import Batch, Patches, Tower

PROJECTOR = {"project_up": "multi_modal_projector.linear_1", "project": "multi_modal_projector.linear_2"}
OTHERS = {"newline": "image_newline", "class": "vision_tower.embeddings.class_embedding", "entry_norm": "vision_tower.pre_layrnorm"}
OTHERS_GGUF = {"newline": "model.image_newline", "class": "v.class_embd", "entry_norm": "v.pre_ln"}
NAMES = Names(
    hugging_face=FileNames({**siglip.within("vision_tower."), **PROJECTOR, **OTHERS}, bare=frozenset({"class"})),
    gguf=FileNames({**siglip.GGUF, "project_up": "mm.0", "project": "mm.2", **OTHERS_GGUF}, bare=frozenset({"class"})),
)
CLIP, SIGLIP = TYPES = ("clip_vision_model", "siglip_vision_model")
DEFAULTS = {**siglip.DEFAULTS, "image_size": 224}
IGNORED = siglip.IGNORED | {"initializer_factor", "vocab_size"}
EPS = 1e-5  # of CLIP


def read(config: Reader, outer: Reader, text: Reader, batch: Batch, *, newline: bool = False) -> tuple[Tower, Pictures]:
    """newline: see Tower."""
    is_clip = config.one_of("model_type", TYPES, default=CLIP) == CLIP
    outer.one_of("vision_feature_select_strategy", ("default", "full"), default="default")  # which the page follows
    patch = config.integer("patch_size", default=32 if is_clip else 16)
    positions = (config.integer("image_size", default=224) // patch) ** 2 + is_clip
    layers = siglip.read_layers(config, activation="quick_gelu" if is_clip else "gelu_pytorch_tanh")
    *before, count = outer.depths("vision_feature_layer", len(layers), default=-2)
    columns, bias = text.integer("hidden_size"), outer.flag("multimodal_projector_bias", default=True)
    activation = common.read_activation(outer, "projector_hidden_act", default="gelu")
    unread = (f"vision_tower.encoder.layers.{layer}." for layer in range(count, len(layers)))
    tower = Tower(
        NAMES,
        layers[:count],
        Projector(1, columns, inner=columns, activation=activation, bias=bias, scale=vector_scale(text)),
        patches=Patches(config.integer("num_channels", default=3), patch, positions, bias=not is_clip, classed=is_clip),
        hidden_size=config.integer("hidden_size", default=768),
        norm=None,
        norm_eps=config.number("layer_norm_eps", default=EPS if is_clip else siglip.EPS),
        project_eps=siglip.EPS,
        batch=batch,
        entry_norm="layer_bias" if is_clip else None,
        skipped=(*siglip.SKIPPED, "vision_tower.post_layernorm.", *unread),
        features=tuple(before),
        newline=newline,
    )
    return tower, Pictures()
