"""Packed weights of a recipe, from the cache where the same were packed before."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from webllm_build.cache import Cache
from webllm_build.disk import check_space
from webllm_build.errors import DamagedEntry
from webllm_build.model import check_tied
from webllm_build.model.audio.conformer import Conformer
from webllm_build.model.decoder import Decoder
from webllm_build.model.vision.tower import Tower
from webllm_build.package.model_folder import StoredWeights, read_weights, write_weights
from webllm_build.progress import Progress
from webllm_build.quantize import Importance, Packed, pack_part
from webllm_build.quantize.calibrate import TEXT, calibration_tokens, gains_by_calibration, importances
from webllm_build.quantize.probe import Contents, Probe, probe, probe_tower
from webllm_build.recipe import Blueprint
from webllm_build.versions import WEIGHTS_SOURCES, WEIGHTS_TOOLS, made_by

IMPORTANCE = "importance.npz"  # beside shards that are not all there yet


WEIGHTS = "weights"  # the kind of their entries in the cache


def store_weights(recipe: Blueprint, cache: Cache, progress: Progress) -> StoredWeights:
    """The shards of all weights. Raises MalformedFile, UnsupportedEncoding."""
    model, checkpoint, schemes = recipe.model, recipe.checkpoint, recipe.schemes
    text = recipe.request.calibrate or TEXT.read_text("utf-8")
    given = recipe.importance
    decoder = model if isinstance(model, Decoder) else None
    calibrated = given is None and decoder is not None and gains_by_calibration(decoder, checkpoint, schemes)

    def make(folder: Path) -> None:
        left = sum(path.stat().st_size for path in folder.iterdir())  # of a build that was interrupted
        check_space(cache.folder, recipe.bytes - left, "--cache-dir")
        tokens = calibration_tokens(checkpoint, decoder, text) if calibrated and decoder is not None else None
        checkpoint.fetch()
        if decoder is not None:
            check_tied(checkpoint, decoder)
        importance: Mapping[str, Importance] = given or {}
        if tokens is not None and decoder is not None:
            with progress.step("Calibrating", sum(weight.kind == "linear" for weight in model.weights), "steps") as done:
                importance = _kept(folder / IMPORTANCE, lambda: importances(decoder, checkpoint, tokens, done))
        with progress.step("Packing weights", recipe.bytes) as done:
            buffers = _buffers(recipe, importance)
            probes = None if isinstance(model, Conformer) else lambda stored: _probe(recipe, _contents(recipe, stored))
            write_weights(folder, buffers, done, probe=probes)
        (folder / IMPORTANCE).unlink(missing_ok=True)

    with progress.step(f"Comparing {checkpoint.name} with what was packed before"):
        digest = checkpoint.digest
    inputs = {
        "checkpoint": digest,
        "schemes": recipe.scheme_names,
        "calibration": [text, hashlib.sha256(checkpoint.tokenizer.tokenizer_json).hexdigest()] if calibrated else None,
        "importance": None if given is None else _digest(given),
        "model": model.description,
        "suppressed": checkpoint.suppressed,
        "multipliers": model.names.formats[checkpoint.format].multipliers,
        "made by": made_by(WEIGHTS_SOURCES, WEIGHTS_TOOLS),
    }
    return read_weights(cache.entry(WEIGHTS, inputs, make, _intact, resumes=True))


def _probe(recipe: Blueprint, contents: Contents) -> Probe:
    model, checkpoint, schemes = recipe.model, recipe.checkpoint, recipe.schemes
    if isinstance(model, Tower):
        return probe_tower(model, checkpoint, schemes, contents)
    if isinstance(model, Conformer):
        raise TypeError("what hears has no probe")
    return probe(model, checkpoint, schemes, contents)


@dataclass(frozen=True)
class _Buffer:
    """One of a part's buffers. packed: packs the part, once for all of them."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    nbytes: int
    number: int
    packed: Callable[[], Sequence[Packed]]

    @property
    def data(self) -> npt.NDArray[Any]:
        return self.packed()[self.number].data


def _buffers(recipe: Blueprint, importance: Mapping[str, Importance]) -> Iterator[_Buffer]:
    for weight in recipe.model.weights:
        for part in recipe.layout.parts[weight.name]:
            packed = functools.cache(functools.partial(pack_part, part, weight, recipe.checkpoint, importance.get(weight.name)))
            for number, spec in enumerate(part.buffers):
                yield _Buffer(f"{part.name}.{spec.suffix}", spec.dtype, spec.shape, spec.nbytes, number, packed)


def _contents(recipe: Blueprint, stored: StoredWeights) -> Contents:
    """Of packed weights. The parts of one that has several follow each other as its rows do."""
    tensors = {tensor.name: tensor for tensor in stored.tensors}

    def read(weight: str, number: int, begin: int, end: int) -> npt.NDArray[np.uint8]:
        read, before = [], 0
        for part in recipe.layout.parts[weight]:
            tensor = tensors[f"{part.name}.{part.buffers[number].suffix}"]
            first, last = max(begin - before, 0), min(end - before, tensor.bytes)
            if first < last:
                read.append(stored.read(tensor.offset + first, tensor.offset + last))
            before += tensor.bytes
        return np.concatenate(read)

    return read


def newline(recipe: Blueprint, stored: StoredWeights) -> Mapping[str, str]:
    """Of a tower that has a learnt vector for the ends of a picture's rows: float32, as the text takes vectors, in base64, for the page."""
    tower = recipe.model
    if not isinstance(tower, Tower) or tower.newline is None:
        return {}
    values = _contents(recipe, stored)(tower.newline.name, 0, 0, 4 * tower.columns).view("<f4")
    return {"newline": base64.b64encode((values * np.float32(tower.projector.scale)).tobytes()).decode()}


def _kept(path: Path, measure: Callable[[], Mapping[str, Importance]]) -> Mapping[str, Importance]:
    """What an interrupted build has measured."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, ValueError, BadZipFile):
        found = measure()
    unfinished = path.with_suffix(".partial.npz")
    np.savez(unfinished, allow_pickle=False, **found)
    unfinished.replace(path)
    return found


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
