"""The manifest: what a model folder holds, with the size and sha256 of every file.

These classes are the definition of the format; runtime_js validates the same fields by hand, and a test feeds it what this file writes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields as fields_of, replace
from pathlib import Path
from typing import Any, Literal, get_args

from webllm_build.errors import MalformedFile
from webllm_build.fields import Fields
from webllm_build.limits_generated import (
    MAX_FILE_BYTES,
    MAX_MANIFEST_BYTES,
    MAX_NAME,
    MAX_PLACES,
    MAX_SHARDS,
    MAX_TENSORS,
    TENSOR_ALIGNMENT,
)
from webllm_build.package.places import HERE
from webllm_build.quantize.probe import Probe
from webllm_build.source.embedding import Pooling

FORMAT = 1
MIN_MANIFEST_BYTES = 4096  # Vite writes smaller files into its scripts, and a manifest needs an address: its folder names the model
PART_TOKENS = {"vision": "image_token", "audio": "audio_token"}  # what JSON calls a part's token
_FILE_NAME = re.compile(r"[A-Za-z0-9_-]+\.[0-9a-f]{16}\.[a-z0-9]+")


@dataclass(frozen=True)
class ModelFacts:
    """What a person wants to know before the download. parameters: count of weights; context_length: tokens; source: where
    weights came from, hf:org/name@commit, where that is no folder of its builder's."""

    id: str
    name: str
    architecture: str
    parameters: int
    license: str | None
    quantization: str
    context_length: int
    vocab_size: int
    source: str | None = None


@dataclass(frozen=True)
class FileEntry:
    """A file beside the manifest. bytes: its size; sha256: lower-case hex."""

    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class TensorEntry:
    """A GPU buffer's contents: `bytes` bytes at `offset` of the weight stream, little endian, row major."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    bytes: int


@dataclass(frozen=True)
class Weights:
    """One byte stream cut into shards. places: URLs of folders that have them, in the order in which they are tried; HERE: beside the
    manifest."""

    bytes: int
    shards: tuple[FileEntry, ...]
    places: tuple[str, ...] = (HERE,)


@dataclass(frozen=True)
class CpuLibraries:
    """What runs the model on a CPU; relaxed: with WebAssembly's relaxed SIMD."""

    plain: FileEntry
    relaxed: FileEntry


@dataclass(frozen=True)
class EmbeddingFacts:
    """How a model makes vectors of texts.

    whole: a text is computed in one call. max_tokens: of a text. prompts: what comes before a text, by what it is for; default_prompt: the
    one of them that a text gets where a request does not say.
    """

    pooling: Pooling
    whole: bool
    dimensions: int
    max_tokens: int
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt: str | None = None


@dataclass(frozen=True)
class TowerFacts:
    """What a call of a model's part for pictures takes and gives. most: patches, in groups of so many (group). width: numbers of a patch.
    taps: rows of the table of positions that a patch's is made of, 0 without such a table. columns: of a group's vector. spans: io buffers
    that say how far patches see."""

    most: int
    width: int
    taps: int
    group: int
    columns: int
    spans: int


@dataclass(frozen=True)
class PartFacts:
    """How a model sees, or hears. model: its part for that, a model of its own to the browser. processor: how pictures become patches, or
    sounds frames, and what stands for one in a prompt. token: the id that stands there for each vector. vectors: numbers of what the model
    takes in the place of such a token's embedding."""

    model: Manifest
    processor: Mapping[str, object]
    token: int
    vectors: int


@dataclass(frozen=True)
class SoundFacts:
    """What a call of a model's part for sounds takes and gives. most: tokens. bins: bands of a frame, of which a token has four. columns:
    of a token's vector."""

    most: int
    bins: int
    columns: int


@dataclass(frozen=True)
class Manifest:
    """Everything the browser must know to fetch, verify and run one model.

    chat: how the model writes thoughts and calls of tools, as chat_format.ChatFormat.to_json gives it.
    schemes: how each weight is stored, for people; a tensor `<weight>.<suffix>`, or `<weight>.<number>.<suffix>`, is a part of
    that weight. tensors: in the plan's order.
    grammar: the grammar engine, which is fetched when a request first asks for an answer of some form.
    probe: what a browser checks its GPU by, where it was computed from these weights.
    cpu: where the model also runs without a GPU; fetched where it does.
    sampling: how the model's makers would have tokens drawn, where they say so (sampling_defaults.RANGES); a request may say otherwise.
    embedding: of a model that makes vectors of texts, and does nothing else.
    vision: of a model that sees; tower: of such a model's part for pictures. audio, sound: the same of one that hears.
    """

    generator: str
    model: ModelFacts
    library: FileEntry
    tokenizer: FileEntry
    grammar: FileEntry
    tokenizer_config: Mapping[str, object]
    chat: Mapping[str, object]
    eos_token_ids: tuple[int, ...]
    weights: Weights
    schemes: Mapping[str, str]
    tensors: tuple[TensorEntry, ...]
    probe: Probe | None = None
    sampling: Mapping[str, float] = field(default_factory=dict)
    cpu: CpuLibraries | None = None
    embedding: EmbeddingFacts | None = None
    vision: PartFacts | None = None
    tower: TowerFacts | None = None
    audio: PartFacts | None = None
    sound: SoundFacts | None = None
    format: int = FORMAT

    @property
    def task(self) -> Literal["chat", "complete", "embed"]:
        """What the model is for: a base model, which has no chat template, continues text."""
        if self.embedding is not None:
            return "embed"
        return "chat" if self.tokenizer_config.get("chat_template") else "complete"

    @property
    def files(self) -> tuple[FileEntry, ...]:
        """All files that the manifest names, weights last."""
        return tuple(dict.fromkeys((*self.small_files, *self.shards)))

    @property
    def shards(self) -> tuple[FileEntry, ...]:
        """Of the weights of all parts."""
        return (*self.weights.shards, *(shard for part in self._parts for shard in part.weights.shards))

    @property
    def _parts(self) -> tuple[Manifest, ...]:
        """What sees, and what hears."""
        return tuple(part.model for part in (self.vision, self.audio) if part is not None)

    @property
    def small_files(self) -> tuple[FileEntry, ...]:
        """All but the weights, which may lie elsewhere."""
        of_parts = (file for part in self._parts for file in part.small_files)
        return tuple(dict.fromkeys((self.library, self.tokenizer, *self._later, *of_parts)))

    @property
    def _later(self) -> tuple[FileEntry, ...]:
        """Files that are fetched where they are needed."""
        of_parts = (file for part in self._parts for file in part._later)
        return (self.grammar, *((self.cpu.plain, self.cpu.relaxed) if self.cpu else ()), *of_parts)

    @property
    def download_bytes(self) -> int:
        """What a first visit fetches besides the page itself."""
        return sum(entry.bytes for entry in self.files if entry not in self._later)

    def at(self, places: tuple[str, ...]) -> Manifest:
        """With the weights of all parts at other places."""
        vision, audio = (part and replace(part, model=part.model.at(places)) for part in (self.vision, self.audio))
        return replace(self, weights=replace(self.weights, places=places), vision=vision, audio=audio)

    @property
    def sha256(self) -> str:
        """Of `to_json`, lower-case hex."""
        return hashlib.sha256(self.to_json()).hexdigest()

    @property
    def file(self) -> str:
        """Its own name. Who has only the manifest's address checks it by that name, so more of the hash is in it than in others."""
        return f"manifest.{self.sha256[:32]}.json"

    def to_json(self) -> bytes:
        """Canonical JSON: sorted keys, no spaces but at the end of a short one, so that equal manifests have equal bytes and names."""
        return json.dumps(self._fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode().ljust(MIN_MANIFEST_BYTES)

    @property
    def _fields(self) -> dict[str, Any]:
        """Of JSON, without what is not there."""
        fields = asdict(replace(self, vision=None, audio=None))
        if self.model.source is None:
            del fields["model"]["source"]
        if self.weights.places == (HERE,):
            del fields["weights"]["places"]
        if self.probe is None:
            del fields["probe"]
        else:
            fields["probe"] = {name: value for name, value in fields["probe"].items() if value is not None}
        if not self.sampling:
            del fields["sampling"]
        if self.cpu is None:
            del fields["cpu"]
        for name in ("embedding", "tower", "vision", "audio", "sound"):
            if fields[name] is None:
                del fields[name]
        for name, token in PART_TOKENS.items():
            part: PartFacts | None = getattr(self, name)
            if part is not None:
                fields[name] = {"model": part.model._fields, "processor": part.processor, token: part.token, "vectors": part.vectors}
        return fields


def hashed_name(stem: str, digest: str, extension: str) -> str:
    """A name that changes with the content: `<stem>.<first 16 hex digits of sha256>.<extension>`."""
    return f"{stem}.{digest[:16]}.{extension}"


def read_manifest(path: Path) -> Manifest:
    """Read and check a manifest. Raises MalformedFile for anything that does not fit the format."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_MANIFEST_BYTES + 1)
        if len(data) > MAX_MANIFEST_BYTES:
            raise ValueError(f"it is larger than {MAX_MANIFEST_BYTES} bytes")
        return _parse(Fields(json.loads(data), "manifest"))
    except (OSError, ValueError, RecursionError) as error:
        raise MalformedFile(f"{path} is not a manifest: {error}", "Build the folder again.") from error


def _parse(fields: Fields) -> Manifest:
    if fields.count("format") != FORMAT:
        raise ValueError(f"format {fields.fields['format']} is not the format {FORMAT} that this version reads")
    model, weights, schemes = (fields.nested(key) for key in ("model", "weights", "schemes"))
    if any(len(model.text(key)) > MAX_NAME for key in ("id", "name")):
        raise ValueError(f"the model's name is longer than {MAX_NAME} characters")
    manifest = Manifest(
        generator=fields.text("generator"),
        model=ModelFacts(
            id=model.text("id"),
            name=model.text("name"),
            architecture=model.text("architecture"),
            parameters=model.count("parameters"),
            license=model.optional_text("license"),
            quantization=model.text("quantization"),
            context_length=model.count("context_length"),
            vocab_size=model.count("vocab_size"),
            source=model.optional_text("source"),
        ),
        library=file_entry(fields.nested("library")),
        tokenizer=file_entry(fields.nested("tokenizer")),
        grammar=file_entry(fields.nested("grammar")),
        tokenizer_config=fields.nested("tokenizer_config").fields,
        chat=fields.nested("chat").fields,
        eos_token_ids=fields.counts("eos_token_ids"),
        weights=Weights(
            bytes=weights.count("bytes"),
            shards=tuple(file_entry(shard) for shard in weights.objects("shards")),
            places=weights.texts("places") if "places" in weights.fields else (HERE,),
        ),
        schemes={name: schemes.text(name) for name in schemes.fields},
        tensors=tuple(tensor_entry(tensor) for tensor in fields.objects("tensors")),
        probe=optional_probe(fields),
        sampling=optional_numbers(fields, "sampling"),
        cpu=_cpu(fields.nested("cpu")) if "cpu" in fields.fields else None,
        embedding=_embedding(fields.nested("embedding")) if "embedding" in fields.fields else None,
        vision=_part(fields, "vision"),
        tower=_tower(fields.nested("tower")) if "tower" in fields.fields else None,
        audio=_part(fields, "audio"),
        sound=_sound(fields.nested("sound")) if "sound" in fields.fields else None,
    )
    _check_stream(manifest)
    return manifest


def _cpu(fields: Fields) -> CpuLibraries:
    return CpuLibraries(file_entry(fields.nested("plain")), file_entry(fields.nested("relaxed")))


def _part(fields: Fields, name: str) -> PartFacts | None:
    if name not in fields.fields:
        return None
    part = fields.nested(name)
    return PartFacts(_parse(part.nested("model")), part.nested("processor").fields, part.count(PART_TOKENS[name]), part.count("vectors"))


def _tower(fields: Fields) -> TowerFacts:
    return TowerFacts(*(fields.count(field.name) for field in fields_of(TowerFacts)))


def _sound(fields: Fields) -> SoundFacts:
    return SoundFacts(*(fields.count(field.name) for field in fields_of(SoundFacts)))


def _embedding(fields: Fields) -> EmbeddingFacts:
    prompts = fields.nested("prompts")
    return EmbeddingFacts(
        fields.one_of("pooling", get_args(Pooling)),
        fields.flag("whole"),
        fields.count("dimensions"),
        fields.count("max_tokens"),
        {name: prompts.text(name) for name in prompts.fields},
        fields.optional_text("default_prompt"),
    )


def file_entry(fields: Fields) -> FileEntry:
    """A file entry from JSON; ValueError where its name could leave the folder or does not carry its digest."""
    entry = FileEntry(fields.text("file"), fields.count("bytes"), fields.text("sha256"))
    if not _FILE_NAME.fullmatch(entry.file) or len(entry.file) > 255:
        raise ValueError(f"{fields.where}.file is not a plain hashed file name: {entry.file[:80]!r}")
    if entry.bytes > MAX_FILE_BYTES:
        raise ValueError(f"{entry.file} has {entry.bytes} bytes, more than a browser takes")
    if not re.fullmatch(r"[0-9a-f]{64}", entry.sha256) or entry.sha256[:16] != entry.file.split(".")[1]:
        raise ValueError(f"{fields.where}.sha256 does not belong to {entry.file}")
    return entry


def optional_probe(fields: Fields) -> Probe | None:
    """The field `probe` from JSON, where there is one."""
    if "probe" not in fields.fields:
        return None
    probe = fields.nested("probe")
    logits = None if probe.fields.get("logits") is None else probe.numbers("logits")
    return Probe(probe.counts("tokens"), probe.numbers("values"), probe.optional_count("patches"), logits)


def optional_numbers(fields: Fields, key: str) -> dict[str, float]:
    """An object of numbers, empty where there is none."""
    numbers = fields.nested(key) if key in fields.fields else Fields({}, key)
    values = {name: numbers.number(name) for name in numbers.fields}
    return {name: int(value) if value.is_integer() else value for name, value in values.items()}


def tensor_entry(fields: Fields) -> TensorEntry:
    """A tensor entry from JSON."""
    return TensorEntry(fields.text("name"), fields.text("dtype"), fields.counts("shape"), fields.count("offset"), fields.count("bytes"))


def _check_stream(manifest: Manifest) -> None:
    if len(manifest.tensors) > MAX_TENSORS or len(manifest.weights.shards) > MAX_SHARDS:
        raise ValueError(f"{len(manifest.tensors)} tensors in {len(manifest.weights.shards)} shards are more than a browser takes")
    if not 0 < len(manifest.weights.places) <= MAX_PLACES:
        raise ValueError(f"the weights have {len(manifest.weights.places)} places, not 1 to {MAX_PLACES}")
    end = 0
    for tensor in manifest.tensors:
        if tensor.offset % TENSOR_ALIGNMENT or tensor.offset < end:
            raise ValueError(f"tensor {tensor.name[:80]!r} is not aligned or overlaps the one before it")
        end = tensor.offset + tensor.bytes
    if end > manifest.weights.bytes or sum(shard.bytes for shard in manifest.weights.shards) != manifest.weights.bytes:
        raise ValueError("tensors, shards and the size of the weights do not agree")
