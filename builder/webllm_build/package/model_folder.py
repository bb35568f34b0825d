"""Packed weights, library and tokenizer → the folder that the browser fetches.

The weights are one byte stream: tensors in the plan's order at 256-byte aligned offsets, zeros between them, cut into shards of equal size.
Only one tensor is in memory at a time. A shard is whole, and has its name, or is not there: what was interrupted goes on behind the last.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt

from webllm_build.disk import move
from webllm_build.errors import DamagedEntry
from webllm_build.fields import Fields
from webllm_build.limits_generated import SHARD_BYTES, TENSOR_ALIGNMENT
from webllm_build.package.chat_format import recognise
from webllm_build.package.manifest import (
    CpuLibraries,
    EmbeddingFacts,
    FileEntry,
    Manifest,
    ModelFacts,
    PartFacts,
    SoundFacts,
    TensorEntry,
    TowerFacts,
    Weights,
    file_entry,
    hashed_name,
    optional_probe,
    tensor_entry,
)
from webllm_build.package.output import GENERATOR, MarkedModel, Stage
from webllm_build.package.places import BUNDLED, HERE, MODEL_FOLDER, Places
from webllm_build.quantize.probe import Probe
from webllm_build.source.checkpoint import Tokenizer

CPU_NAMES = ("model-cpu", "model-cpu-relaxed")


@dataclass(frozen=True)
class StoredWeights:
    """Shards that lie in `folder`, and where each tensor lies in their concatenation."""

    folder: Path
    shards: tuple[FileEntry, ...]
    tensors: tuple[TensorEntry, ...]
    probe: Probe | None = None

    @property
    def bytes(self) -> int:
        return sum(shard.bytes for shard in self.shards)

    def read(self, begin: int, end: int) -> npt.NDArray[np.uint8]:
        """uint8[end - begin] of the stream."""
        parts, before = [np.empty(0, np.uint8)], 0
        for shard in self.shards:
            first, last = max(begin - before, 0), min(end - before, shard.bytes)
            if first < last:
                parts.append(np.fromfile(self.folder / shard.file, np.uint8, last - first, offset=first))
            before += shard.bytes
        return np.concatenate(parts)


class WeightBuffer(Protocol):
    """Contents of a GPU buffer, which may have to be computed when `data` is asked for."""

    @property
    def name(self) -> str: ...
    @property
    def dtype(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def data(self) -> npt.NDArray[Any]: ...


@dataclass(frozen=True)
class CompiledPart:
    """What sees or hears of a model. processor, token, vectors: as in PartFacts."""

    model: CompiledModel
    processor: Mapping[str, object]
    token: int
    vectors: int

    def facts(self, places: Places) -> PartFacts:
        return PartFacts(self.model.manifest(places), self.processor, self.token, self.vectors)


@dataclass(frozen=True)
class CompiledModel:
    """Everything of a model that a result holds. library: model.wasm. schemes: as in Manifest. names: others than its id. memory:
    bytes that it takes on the GPU with a conversation of some pages, for people.

    cpu: its libraries for the CPU, plain and relaxed, where it has such.
    grammar: the WebAssembly module of the grammar engine. tool_format: as chat_format.recognise takes it. sampling, embedding,
    tower, sound: as in Manifest. vision, audio: the parts for pictures and for sounds of a model that sees and hears.
    """

    facts: ModelFacts
    library: bytes
    tokenizer: Tokenizer
    eos_token_ids: tuple[int, ...]
    weights: StoredWeights
    schemes: Mapping[str, str]
    grammar: bytes
    tool_format: str = "auto"
    sampling: Mapping[str, float] = field(default_factory=dict)
    cpu: tuple[bytes, bytes] | None = None
    embedding: EmbeddingFacts | None = None
    names: tuple[str, ...] = ()
    memory: int = 0
    vision: CompiledPart | None = None
    tower: TowerFacts | None = None
    audio: CompiledPart | None = None
    sound: SoundFacts | None = None

    @property
    def all_weights(self) -> tuple[StoredWeights, ...]:
        """Of all parts."""
        return (self.weights, *(part.model.weights for part in (self.vision, self.audio) if part is not None))

    def manifest(self, places: Places = BUNDLED) -> Manifest:
        return Manifest(
            generator=GENERATOR,
            model=self.facts,
            library=_entry("model", "wasm", self.library),
            tokenizer=_entry("tokenizer", "json", self.tokenizer.tokenizer_json),
            grammar=_entry("grammar", "wasm", self.grammar),
            tokenizer_config=dict(self.tokenizer.config),
            chat=recognise(self.tokenizer.config, self.tool_format).to_json(),
            eos_token_ids=self.eos_token_ids,
            weights=Weights(self.weights.bytes, self.weights.shards, places.urls or (HERE,)),
            schemes=dict(self.schemes),
            tensors=self.weights.tensors,
            probe=self.weights.probe,
            sampling=dict(self.sampling),
            cpu=CpuLibraries(*(_entry(name, "wasm", data) for name, data in zip(CPU_NAMES, self.cpu, strict=True))) if self.cpu else None,
            embedding=self.embedding,
            vision=None if self.vision is None else self.vision.facts(places),
            tower=self.tower,
            audio=None if self.audio is None else self.audio.facts(places),
            sound=self.sound,
        )

    def write(self, stage: Stage, manifest: Manifest, shards: str | None = MODEL_FOLDER, suffix: str = "") -> None:
        """Write the manifest and its files into MODEL_FOLDER. shards: the folder that gets these. suffix: of the names of JSON files.

        Raises DamagedEntry where a stored shard is not what it was.
        """
        stage.write(f"{MODEL_FOLDER}/{manifest.file}{suffix}", manifest.to_json())
        stage.write(f"{MODEL_FOLDER}/{manifest.tokenizer.file}{suffix}", self.tokenizer.tokenizer_json)
        stage.write(f"{MODEL_FOLDER}/{manifest.grammar.file}", self.grammar)
        self._write_program(stage, manifest, shards)
        for part, facts in ((self.vision, manifest.vision), (self.audio, manifest.audio)):
            if part is not None and facts is not None:
                part.model._write_program(stage, facts.model, shards)

    def _write_program(self, stage: Stage, manifest: Manifest, shards: str | None) -> None:
        """What computes it, and the weights."""
        stage.write(f"{MODEL_FOLDER}/{manifest.library.file}", self.library)
        if manifest.cpu and self.cpu:
            stage.write(f"{MODEL_FOLDER}/{manifest.cpu.plain.file}", self.cpu[0])
            stage.write(f"{MODEL_FOLDER}/{manifest.cpu.relaxed.file}", self.cpu[1])
        if shards is not None:
            self._write_shards(stage, shards)

    def _write_shards(self, stage: Stage, folder: str) -> None:
        for shard in self.weights.shards:
            stage.copy(self.weights.folder / shard.file, f"{folder}/{shard.file}", shard)


def marked(manifest: Manifest, names: Sequence[str], suffix: str = "") -> MarkedModel:
    """What the marker of a result says of a model in MODEL_FOLDER. suffix: as `CompiledModel.write` takes it."""
    return MarkedModel(f"{MODEL_FOLDER}/{manifest.file}{suffix}", tuple(sorted({*names} - {manifest.model.id})))


def write_weights(
    folder: Path,
    packed: Iterable[WeightBuffer],
    progress: Callable[[int], None] | None = None,
    shard_bytes: int = SHARD_BYTES,
    probe: Callable[[StoredWeights], Probe] | None = None,
) -> StoredWeights:
    """Stream tensors into shards under `folder`, with an index for `read_weights`.

    Shards that an earlier call for the same tensors has finished there are kept, and the data of what they hold is not asked for.
    packed: GPU buffers in the plan's order, taken one at a time.
    progress: called with the number of bytes written so far, after each tensor.
    probe: gives what browsers check their GPU by, of the weights that are packed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors: list[TensorEntry] = []
    with _ShardWriter(folder, shard_bytes) as stream:
        for buffer in packed:
            stream.write(bytes(-stream.offset % TENSOR_ALIGNMENT))
            tensors.append(TensorEntry(buffer.name, buffer.dtype, buffer.shape, stream.offset, buffer.nbytes))
            if stream.has(buffer.nbytes):
                stream.offset += buffer.nbytes
            else:
                array = np.ascontiguousarray(buffer.data)
                array = array.astype(array.dtype.newbyteorder("<"), copy=False)
                stream.write(array.reshape(-1).view(np.uint8).data)
            if progress is not None:
                progress(stream.offset)
    stored = StoredWeights(folder, tuple(stream.shards), tuple(tensors))
    stored = replace(stored, probe=probe(stored) if probe else None)
    fields = asdict(stored)
    index = json.dumps({name: fields[name] for name in ("shards", "tensors", "probe") if fields[name] is not None}).encode()
    (folder / _entry("index", "json", index).file).write_bytes(index)
    return stored


def read_weights(folder: Path) -> StoredWeights:
    """What `write_weights` left in `folder`. Raises DamagedEntry where the index is not what it was, or a shard has another size."""
    try:
        (path,) = folder.glob("index.*.json")
        data = path.read_bytes()
        if path.name != _entry("index", "json", data).file:
            raise ValueError("the index is not what was written")
        index = Fields(json.loads(data), "index")
        shards = tuple(file_entry(shard) for shard in index.objects("shards"))
        tensors = tuple(tensor_entry(tensor) for tensor in index.objects("tensors"))
        probe = optional_probe(index)
        if any((folder / shard.file).stat().st_size != shard.bytes for shard in shards):
            raise ValueError("a shard has another size")
    except (OSError, ValueError) as error:
        raise DamagedEntry(f"the weights in {folder} are damaged: {error}", "Delete this folder and build again.") from error
    return StoredWeights(folder, shards, tensors, probe)


def _entry(stem: str, extension: str, data: bytes) -> FileEntry:
    digest = hashlib.sha256(data).hexdigest()
    return FileEntry(hashed_name(stem, digest, extension), len(data), digest)


class _ShardWriter:
    """Cuts a byte stream into files of `shard_bytes`; a shard gets its hashed name when it is full. kept: bytes of those that are there."""

    def __init__(self, folder: Path, shard_bytes: int) -> None:
        self.folder = folder
        self.shard_bytes = shard_bytes
        self.offset = 0
        self.shards = [*_full_shards(folder, shard_bytes)]
        self.kept = len(self.shards) * shard_bytes
        self._partial = folder / "shard.partial"
        self._file: BinaryIO | None = None
        self._digest = hashlib.sha256()
        self._filled = 0

    def __enter__(self) -> _ShardWriter:
        self._partial.unlink(missing_ok=True)  # of a build that was killed
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            self._close_shard()
        elif self._file is not None:
            self._file.close()
            self._partial.unlink(missing_ok=True)

    def has(self, count: int) -> bool:
        """Whether the next bytes are in shards that are kept."""
        return self.offset + count <= self.kept

    def write(self, data: bytes | memoryview) -> None:
        there = min(max(self.kept - self.offset, 0), len(data))
        self.offset += there
        view = memoryview(data)[there:]
        while len(view):
            if self._file is None:
                self._file = self._partial.open("wb")
            part = view[: self.shard_bytes - self._filled]
            self._file.write(part)
            self._digest.update(part)
            self._filled += len(part)
            self.offset += len(part)
            view = view[len(part) :]
            if self._filled == self.shard_bytes:
                self._close_shard()

    def _close_shard(self) -> None:
        if self._file is None:
            return
        self._file.close()
        digest = self._digest.hexdigest()
        name = hashed_name(f"weights-{len(self.shards):04d}", digest, "bin")
        move(self._partial, self.folder / name)
        self.shards.append(FileEntry(name, self._filled, digest))
        self._file, self._digest, self._filled = None, hashlib.sha256(), 0


def _full_shards(folder: Path, shard_bytes: int) -> Iterator[FileEntry]:
    """The shards that an earlier call has left, as far as they are whole. Others are removed."""
    whole = True
    for number, path in enumerate(sorted(folder.glob("weights-*.bin"))):
        data = path.read_bytes() if whole and path.stat().st_size == shard_bytes else b""
        digest = hashlib.sha256(data).hexdigest()
        name = hashed_name(f"weights-{number:04d}", digest, "bin")
        whole = path.name == name
        if whole:
            yield FileEntry(name, shard_bytes, digest)
        else:
            path.unlink()
