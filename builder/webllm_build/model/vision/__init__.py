"""The towers of models that see: one file a family, named after its model_type, beside the model of its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from webllm_build.errors import UnsupportedArchitecture, warn
from webllm_build.model import check_sources, with_defaults_of
from webllm_build.model.config import Reader
from webllm_build.model.pictures import Pictures
from webllm_build.model.vision.tower import Tower
from webllm_build.model.wrappers import WRAPPERS, text_config
from webllm_build.source.checkpoint import Checkpoint

# model_type of a model of more than text → its tower's file. Modules have IGNORED (keys of vision_config that change nothing), SKIPPED
# where files hold what nobody reads (how its tensors begin), and `read`, which makes the tower, and what the text takes of it, of
# vision_config, of the keys beside it, and of the text's hidden size.
TOWERS: Mapping[str, str] = {"gemma3": "gemma3", "idefics3": "idefics3", "smolvlm": "idefics3"}
IMAGE_TOKENS = ("image_token_id", "image_token_index")


@dataclass(frozen=True)
class Vision:
    """A model's part for pictures. checkpoint: its tensors alone. image_token: the id that stands for each vector of a picture in a prompt.
    pictures: what the text takes of them."""

    checkpoint: Checkpoint
    tower: Tower
    image_token: int
    pictures: Pictures


def vision_of(checkpoint: Checkpoint) -> Vision | None:
    """A model's part for pictures, None where it has none or (with a warning) one that is not built. Raises MalformedFile where its tensors
    are not those that its config says."""
    kind, inner = checkpoint.config.get("model_type"), checkpoint.config.get("vision_config")
    if kind not in TOWERS or not isinstance(kind, str) or not isinstance(inner, Mapping):
        return None
    module: Any = import_module(f"webllm_build.model.vision.{TOWERS[kind]}")
    prefixes = WRAPPERS[kind].others
    tensors = {_usual_name(name): tensor for name, tensor in checkpoint.tensors.items()}
    tensors = {name: tensor for name, tensor in tensors.items() if name.startswith(prefixes)}
    if not tensors:
        return None
    text = Reader(kind, with_defaults_of(checkpoint.name, text_config(checkpoint.name, checkpoint.config)), ())
    config, outer = Reader(f"{kind} vision", inner, module.IGNORED), Reader(kind, checkpoint.config, ())
    try:
        tower, pictures = module.read(config, outer, text.integer("hidden_size"))
        config.finish()
        token = next((outer.count(key, default=0) for key in IMAGE_TOKENS if checkpoint.config.get(key) is not None), 0)
    except UnsupportedArchitecture as error:
        warn(f"What {checkpoint.name} has for pictures is not built: {error.message}")
        return None
    found = replace(checkpoint, tensors=tensors, config={**inner, "model_type": kind})
    check_sources(found, tower.weights, getattr(module, "SKIPPED", ()))
    return Vision(found, tower, token, pictures)


def _usual_name(name: str) -> str:
    """As transformers 5 has it."""
    return name.removeprefix("model.").replace("vision_tower.vision_model.", "vision_tower.")
