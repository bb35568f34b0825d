"""Checkpoint → Model: one file per Hugging Face model_type."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from importlib import import_module

from webllm_build.errors import MalformedFile, UnsupportedArchitecture
from webllm_build.model.layers import Decoder, Dimensions
from webllm_build.source.checkpoint import Checkpoint, Tensor

# model_type → module with `Config` and `Model`; imported only when asked for.
ARCHITECTURES = ("llama",)

# Tensors that checkpoints carry along although the model does not read them.
UNUSED_SUFFIXES = (".rotary_emb.inv_freq",)

# GGUF files of Llama 3 carry rope scaling as divisors of the inverse frequencies, float32[head_dim / 2].
ROPE_FACTORS = "rope_freqs.weight"


def load_model(checkpoint: Checkpoint) -> Decoder:
    """The model that a checkpoint describes, its weights balanced against the checkpoint's tensors.

    Raises:
        UnsupportedArchitecture: no such model_type, or a config that the architecture does not support.
        MalformedFile: a tensor is missing, left over, or has another shape than the config says.
    """
    kind = checkpoint.config.get("model_type")
    if kind not in ARCHITECTURES:
        close = get_close_matches(str(kind), ARCHITECTURES, 1)
        suggestion = f"Did you mean {close[0]!r}? " if close else ""
        raise UnsupportedArchitecture(
            f"{checkpoint.name} has the model_type {kind!r}", f"{suggestion}Supported: {', '.join(ARCHITECTURES)}."
        )
    module = import_module(f"webllm_build.model.{kind}")
    config = module.Config.parse(checkpoint.config)
    if ROPE_FACTORS in checkpoint.tensors:
        config = replace(config, dims=_divide_frequencies(config.dims, checkpoint.tensors[ROPE_FACTORS]))
    model: Decoder = module.Model(config)
    _balance(checkpoint, model)
    return model


def _divide_frequencies(dims: Dimensions, factors: Tensor) -> Dimensions:
    if factors.shape != (len(dims.inv_freq),):
        raise MalformedFile(f"{ROPE_FACTORS} has the shape {list(factors.shape)}, not [{len(dims.inv_freq)}]")
    values = factors.dequantize()
    if not ((values > 0) & (values < float("inf"))).all():
        raise MalformedFile(f"{ROPE_FACTORS} holds values that are not positive numbers")
    return replace(dims, inv_freq=tuple(float(f / d) for f, d in zip(dims.inv_freq, values, strict=True)))


def _balance(checkpoint: Checkpoint, model: Decoder) -> None:
    problems: list[str] = []
    used: set[str] = set()
    for weight in model.weights:
        used.update(weight.sources)
        missing = [name for name in weight.sources if name not in checkpoint.tensors]
        problems += [f"missing: {name}" for name in missing]
        if missing:
            continue
        shapes = [checkpoint.tensors[name].shape for name in weight.sources]
        rows = sum(shape[0] for shape in shapes if shape)
        if any(shape[1:] != weight.shape[1:] for shape in shapes) or rows != weight.shape[0]:
            got = ", ".join(f"{name} {list(shape)}" for name, shape in zip(weight.sources, shapes, strict=True))
            problems.append(f"shapes: {got} do not make {list(weight.shape)}")
    used.add(ROPE_FACTORS)
    tied = {"lm_head.weight"} if model.head is model.embedding else set()
    left_over = sorted(name for name in checkpoint.tensors if name not in used | tied and not name.endswith(UNUSED_SUFFIXES))
    problems += [f"left over: {name}" for name in left_over]
    if problems:
        shown = problems[:8] + ([f"and {len(problems) - 8} more"] if len(problems) > 8 else [])
        raise MalformedFile(
            f"The tensors of {checkpoint.name} do not fit its config:\n  " + "\n  ".join(shown),
            "The file is incomplete, or its config.json belongs to another model.",
        )
