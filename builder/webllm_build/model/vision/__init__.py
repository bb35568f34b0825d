"""The towers of models that see: one file a family, named after its model_type, beside the model of its text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from webllm_build.errors import MalformedFile
from webllm_build.model import check_sources, with_defaults_of
from webllm_build.model.config import Reader, with_defaults
from webllm_build.model.pictures import Pictures
from webllm_build.model.vision.tower import Batch, Tower
from webllm_build.model.wrappers import AUDIO_TENSORS, AUDIO_TENSORS_GGUF, WRAPPERS, text_config
from webllm_build.source.checkpoint import Checkpoint, Tensor
from webllm_build.source.processor import FILES

# model_type of a model of more than text → its tower's file. Modules have IGNORED (keys of vision_config that change nothing), DEFAULTS
# (what keys are that transformers does not save, as they are its own), TYPES where only some kinds of towers are built (their model_types),
# and `read`, which makes the tower, and what the text takes of it, of vision_config, of the keys beside it, and of the text's hidden size.
TOWERS: Mapping[str, str] = {
    "fast_vlm": "fast_vlm",
    "gemma3": "gemma3",
    "gemma4": "gemma4",
    "idefics3": "idefics3",
    "lfm2_vl": "lfm2_vl",
    "lfm3_vl": "lfm3_vl",
    "llava": "llava",
    "llava_next": "llava_next",
    "qwen2_5_vl": "qwen2_5_vl",
    "qwen3_5": "qwen3_vl",
    "qwen3_5_moe": "qwen3_vl",
    "qwen3_vl": "qwen3_vl",
    "smolvlm": "idefics3",
}
WORTH = 2048  # patches that a call has where pictures are small: as many fill a large GPU
IMAGE_TOKENS = ("image_token_id", "image_token_index")


@dataclass(frozen=True)
class Vision:
    """A model's part for pictures. checkpoint: its tensors alone. image_token: the id that stands for each vector of a picture in a prompt.
    pictures: what the text takes of them."""

    checkpoint: Checkpoint
    tower: Tower
    image_token: int
    pictures: Pictures


def sees(checkpoint: Checkpoint) -> bool:
    """Whether it has a part for pictures of a kind that is built."""
    return has_tower(checkpoint.config) and bool(_tensors(checkpoint))


def batch_of(processor: Mapping[str, object]) -> Batch:
    """What of pictures comes in a call, which are made as a manifest says: the largest, or as many small ones as are worth it."""
    sizes = {key: value for key, value in processor.items() if isinstance(value, int)}
    patch, merge, table = sizes["patch"], sizes["merge"], processor.get("table")
    most = [sizes["most_tokens"] * merge**2] if "most_tokens" in sizes else []
    most += [(sizes["tile"] // patch) ** 2] if "tile" in sizes else []
    most += [sizes["width"] // patch * (sizes["height"] // patch)] if "width" in sizes else []
    most += [sizes["most_pixels"] // patch**2] if "most_pixels" in sizes else []
    taps = table.get("taps") if isinstance(table, Mapping) else None
    return Batch(max(most) * max(1, WORTH // max(most)), taps if isinstance(taps, int) else 1, max(most))


def read_tower(name: str, config: Mapping[str, object], batch: Batch) -> tuple[Tower, Pictures]:
    """The tower that a config.json describes, which has one that is built, and what the text takes of it. name: for messages.

    Raises UnsupportedArchitecture.
    """
    config = with_vision_defaults(config)
    kind, inner = str(config["model_type"]), config["vision_config"]
    module = _module(kind)
    text = Reader(kind, with_defaults_of(name, text_config(name, config)), ())
    reader = Reader(f"{kind} vision", inner if isinstance(inner, Mapping) else {}, module.IGNORED)
    found: tuple[Tower, Pictures] = module.read(reader, Reader(kind, config, ()), text, batch)
    reader.finish()
    return found


def with_vision_defaults(config: Mapping[str, object]) -> Mapping[str, object]:
    """The config.json of a model with a tower that is built, with what its vision_config does not say."""
    inner = config["vision_config"]
    said = inner if isinstance(inner, Mapping) else {}
    return {**config, "vision_config": with_defaults(said, getattr(_module(str(config["model_type"])), "DEFAULTS", {}))}


def has_tower(config: Mapping[str, object]) -> bool:
    """Whether a config.json tells of a tower of a kind that is built."""
    kind, vision = str(config.get("model_type")), config.get("vision_config")
    if kind not in TOWERS or not isinstance(vision, Mapping):
        return False
    types = getattr(_module(kind), "TYPES", None)
    return types is None or vision.get("model_type") in types


def _module(kind: str) -> Any:
    return import_module(f"webllm_build.model.vision.{TOWERS[kind]}")


def vision_of(checkpoint: Checkpoint, batch: Batch, processor: Mapping[str, object] | None = None) -> Vision | None:
    """A model's part for pictures, None where it has none of a kind that is built. processor: how pictures are made for it.

    Raises UnsupportedArchitecture, MalformedFile where its tensors are not those that its config says, or the pictures others.
    """
    if not sees(checkpoint):
        return None
    config, kind = checkpoint.config, str(checkpoint.config["model_type"])
    tower, pictures = read_tower(checkpoint.name, config, batch)
    made, taken = processor or {}, {"patch": tower.patches.size, "merge": math.isqrt(tower.projector.group)}
    if any(made.get(key, size) != size for key, size in taken.items()):
        other = "{merge} x {merge} patches of {patch} pixels a side".format
        raise MalformedFile(
            f"{checkpoint.name} is given pictures as blocks of {other(**{**taken, **made})}, and takes {other(**taken)}",
            f"{' or '.join(FILES)} must have its sizes; --no-vision builds the model for text alone.",
        )
    outer = Reader(kind, config, ())
    token = next((outer.count(key, default=0) for key in IMAGE_TOKENS if config.get(key) is not None), 0)
    found = replace(checkpoint, tensors=_tensors(checkpoint), config={"model_type": kind})
    check_sources(found, tower.weights, tower.skipped)
    return Vision(found, tower, token, pictures)


def _tensors(checkpoint: Checkpoint) -> Mapping[str, Tensor]:
    """Of its part for pictures."""
    kind = str(checkpoint.config.get("model_type"))
    if kind not in TOWERS:
        return {}
    if checkpoint.format == "gguf":
        return {name: tensor for name, tensor in checkpoint.tensors.items() if not name.startswith(AUDIO_TENSORS_GGUF)}
    tensors = {_usual_name(name): tensor for name, tensor in checkpoint.tensors.items()}
    beside = tuple(first for first in WRAPPERS[kind].others if first not in AUDIO_TENSORS)
    return {name: tensor for name, tensor in tensors.items() if name.startswith(beside)}


def _usual_name(name: str) -> str:
    """As transformers 5 has it."""
    return name.removeprefix("model.").replace("vision_tower.vision_model.", "vision_tower.")
