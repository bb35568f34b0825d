"""Checkpoint → Model: one file per Hugging Face model_type."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module

import numpy as np

from webllm_build.errors import MalformedFile, UnsupportedArchitecture
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.names import ROPE_DIVISORS
from webllm_build.model.rope import Array
from webllm_build.source.checkpoint import Checkpoint

# model_type → module with NAMES, IGNORED and `read`; imported only when asked for.
ARCHITECTURES = ("llama",)

# Tensors that checkpoints carry along although the model does not read them.
UNUSED_SUFFIXES = (".rotary_emb.inv_freq",)
SHOWN = 8  # of the problems of a checkpoint


def load_model(checkpoint: Checkpoint) -> Decoder:
    """The model that a checkpoint describes, its weights balanced against the checkpoint's tensors.

    Raises:
        UnsupportedArchitecture: no such model_type, or a config that the architecture does not support.
        MalformedFile: a tensor is missing, left over, or has another shape than the config says.
    """
    divisors = checkpoint.tensors.get(ROPE_DIVISORS)
    model = read_model(checkpoint.name, checkpoint.config, None if divisors is None else divisors.dequantize().astype(np.float64))
    check_tensors(checkpoint, model)
    return model


def read_model(name: str, config: Mapping[str, object], rope_divisors: Array | None = None) -> Decoder:
    """The model that a config describes; nothing of its weights is needed. `name` is for messages. Raises UnsupportedArchitecture."""
    kind = config.get("model_type")
    if kind not in ARCHITECTURES:
        close = get_close_matches(str(kind), ARCHITECTURES, 1)
        suggestion = f"Did you mean {close[0]!r}? " if close else ""
        raise UnsupportedArchitecture(f"{name} has the model_type {kind!r}", f"{suggestion}Supported: {', '.join(ARCHITECTURES)}.")
    module = import_module(f"webllm_build.model.{kind}")
    reader = Reader(kind, config, module.IGNORED, rope_divisors)
    model: Decoder = module.read(reader)
    reader.finish()
    return model


def check_tensors(checkpoint: Checkpoint, model: Decoder) -> None:
    """Whether the checkpoint has every tensor of the model, in its shape, and no other. Reads no weight. Raises MalformedFile."""
    problems: list[str] = []
    used = {ROPE_DIVISORS, *(["lm_head.weight"] if model.tied else [])}
    for source in (source for weight in model.weights for source in weight.sources):
        used.add(source.in_files[checkpoint.format].name)
        try:
            source.tensor(checkpoint)
        except MalformedFile as error:
            problems.append(error.message)
    left_over = sorted(name for name in checkpoint.tensors if name not in used and not name.endswith(UNUSED_SUFFIXES))
    problems += [f"left over: {name}" for name in left_over]
    if problems:
        shown = problems[:SHOWN] + ([f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else [])
        raise MalformedFile(
            f"The tensors of {checkpoint.name} do not fit its config:\n  " + "\n  ".join(shown),
            "The file is incomplete, or its config.json belongs to another model.",
        )
