"""Packed weights of a recipe, from the cache where the same were packed before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

from webllm_build.cache import Cache
from webllm_build.disk import check_space
from webllm_build.errors import DamagedEntry
from webllm_build.model import check_tied
from webllm_build.package.model_folder import StoredWeights, read_weights, write_weights
from webllm_build.progress import Progress
from webllm_build.quantize import Importance, Packed, pack_weight, split
from webllm_build.quantize.calibrate import TEXT, calibration_tokens, gains_by_calibration, importances
from webllm_build.quantize.probe import probe, probed_weights
from webllm_build.recipe import Recipe
from webllm_build.versions import WEIGHTS_SOURCES, WEIGHTS_TOOLS, made_by


def store_weights(recipe: Recipe, cache: Cache, progress: Progress) -> StoredWeights:
    """The shards of all weights. Raises MalformedFile, UnsupportedEncoding."""
    model, checkpoint, schemes = recipe.model, recipe.checkpoint, recipe.schemes
    text = recipe.request.calibrate or TEXT.read_text("utf-8")
    given = recipe.importance
    calibrated = given is None and gains_by_calibration(model, checkpoint, schemes)

    def make(folder: Path) -> None:
        check_space(cache.folder, recipe.bytes, "--cache-dir")
        tokens = calibration_tokens(checkpoint, model, text) if calibrated else None
        checkpoint.fetch()
        check_tied(checkpoint, model)
        importance: Mapping[str, Importance] = given or {}
        if tokens is not None:
            with progress.step("Calibrating", sum(weight.kind == "linear" for weight in model.weights), "steps") as done:
                importance = importances(model, checkpoint, tokens, done)
        with progress.step("Packing weights", recipe.bytes) as done:
            contents: dict[str, list[npt.NDArray[Any]]] = {weight.name: [] for weight in probed_weights(model)}

            def packed() -> Iterator[Packed]:
                for weight in model.weights:
                    buffers = pack_weight(weight, checkpoint, schemes[weight.name], importance.get(weight.name))
                    if weight.name in contents:
                        contents[weight.name] = [buffer.data for buffer in buffers]
                    yield from split(buffers, recipe.layout.parts[weight.name])

            write_weights(folder, packed(), done, probe=lambda: probe(model, checkpoint, schemes, contents))

    inputs = {
        "checkpoint": checkpoint.digest,
        "schemes": recipe.scheme_names,
        "calibration": [text, hashlib.sha256(checkpoint.tokenizer.tokenizer_json).hexdigest()] if calibrated else None,
        "importance": None if given is None else _digest(given),
        "model": model.description,
        "multipliers": model.names.formats[checkpoint.format].multipliers,
        "made by": made_by(WEIGHTS_SOURCES, WEIGHTS_TOOLS),
    }
    return read_weights(cache.entry("weights", inputs, make, _intact))


def _digest(importance: Mapping[str, Importance]) -> str:
    digest = hashlib.sha256()
    for name, values in sorted(importance.items()):
        digest.update(name.encode() + b"\0" + values.tobytes())
    return digest.hexdigest()


def _intact(folder: Path) -> bool:
    try:
        read_weights(folder)
    except DamagedEntry:
        return False
    return True
