"""What hears of models that take sound: one file a family, named after its model_type, beside the model of its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from webllm_build.model import check_sources, with_defaults_of
from webllm_build.model.audio.conformer import STEPS, Conformer
from webllm_build.model.config import Reader
from webllm_build.model.wrappers import AUDIO_TENSORS, AUDIO_TENSORS_GGUF, text_config
from webllm_build.source.checkpoint import Checkpoint, Tensor

# model_type of a model of more than text → the file of what hears. Modules have IGNORED (keys of audio_config that change nothing) and
# `read`, which makes it of audio_config, of the text's, of the bands of a frame and of the tokens of the longest sound.
CONFORMERS: Mapping[str, str] = {"gemma4": "gemma4"}


@dataclass(frozen=True)
class Audio:
    """A model's part for sounds. checkpoint: its tensors alone. audio_token: the id that stands for each vector of a sound in a prompt."""

    checkpoint: Checkpoint
    conformer: Conformer
    audio_token: int


def hears(checkpoint: Checkpoint) -> bool:
    """Whether it has a part for sounds of a kind that is built."""
    return has_conformer(checkpoint.config) and bool(_tensors(checkpoint))


def has_conformer(config: Mapping[str, object]) -> bool:
    """Whether a config.json tells of what hears of a kind that is built."""
    return str(config.get("model_type")) in CONFORMERS and isinstance(config.get("audio_config"), Mapping)


def read_conformer(name: str, config: Mapping[str, object], processor: Mapping[str, object]) -> Conformer:
    """What hears of a config.json that tells of it. name: for messages. processor: as in `audio_of`. Raises UnsupportedArchitecture."""
    kind, inner = str(config["model_type"]), config["audio_config"]
    module: Any = import_module(f"webllm_build.model.audio.{CONFORMERS[kind]}")
    text = Reader(kind, with_defaults_of(name, text_config(name, config)), ())
    reader = Reader(f"{kind} audio", inner if isinstance(inner, Mapping) else {}, module.IGNORED)
    conformer: Conformer = module.read(reader, text, *_sizes(processor))
    reader.finish()
    return conformer


def audio_of(checkpoint: Checkpoint, processor: Mapping[str, object]) -> Audio | None:
    """A model's part for sounds that are made as a manifest says (source/sound.py), None where it has none of a kind that is built.

    Raises UnsupportedArchitecture, MalformedFile where its tensors are not those that its config says.
    """
    if not hears(checkpoint):
        return None
    config, kind = checkpoint.config, str(checkpoint.config["model_type"])
    conformer = read_conformer(checkpoint.name, config, processor)
    token = Reader(kind, config, ()).count("audio_token_id", default=0)
    found = replace(checkpoint, tensors=_tensors(checkpoint), config={"model_type": kind})
    check_sources(found, conformer.weights, ())
    return Audio(found, conformer, token)


def _sizes(processor: Mapping[str, object]) -> tuple[int, int]:
    """Bands of a frame, and tokens of the longest sound."""
    rate, hop, bins, seconds = (processor[key] for key in ("rate", "hop", "bins", "seconds"))
    if not (isinstance(rate, int) and isinstance(hop, int) and isinstance(bins, int) and isinstance(seconds, float)):
        raise TypeError("a processor of sounds has sizes")
    return bins, -(-int(rate * seconds) // (hop * STEPS))


def _tensors(checkpoint: Checkpoint) -> Mapping[str, Tensor]:
    """Of its part for sounds."""
    first = AUDIO_TENSORS_GGUF if checkpoint.format == "gguf" else AUDIO_TENSORS
    tensors = {name.removeprefix("model."): tensor for name, tensor in checkpoint.tensors.items()}
    return {name: tensor for name, tensor in tensors.items() if name.startswith(first)}
