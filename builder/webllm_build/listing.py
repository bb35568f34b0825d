"""The catalog as people and programs read it, with what follows from each model's shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from webllm_build.catalog import CATALOG, CatalogEntry
from webllm_build.config import QUANTIZATIONS
from webllm_build.errors import ModelNotFound, UnsupportedArchitecture
from webllm_build.model import ARCHITECTURES, read_model
from webllm_build.model.audio import has_conformer, read_conformer
from webllm_build.model.audio.conformer import Conformer
from webllm_build.model.vision import WORTH, has_tower, read_tower
from webllm_build.model.vision.tower import Batch, Tower
from webllm_build.sizes import USUAL_TOKENS, layout_of, memory_at, parameters, part_layout, weight_bytes
from webllm_build.source.sound import USUAL as USUAL_SOUND

KV = "float16"


@dataclass(frozen=True)
class ListedModel:
    """takes: what its messages may have: text, pictures, sounds. download: bytes of the weights by --quantization. memory: bytes on the GPU
    with a conversation of USUAL_TOKENS and "auto"."""

    entry: CatalogEntry
    takes: tuple[str, ...]
    parameters: int
    context_length: int
    download: Mapping[str, int]
    memory: int

    def to_json(self) -> dict[str, object]:
        entry = self.entry
        return {
            "name": entry.name,
            "title": entry.title,
            "aliases": list(entry.aliases),
            "kind": entry.kind,
            "takes": list(self.takes),
            "license": entry.license,
            "source": entry.source,
            "gated_original": entry.original,
            "architecture": entry.shape["model_type"],
            "parameters": self.parameters,
            "context_length": self.context_length,
            "download_bytes": dict(self.download),
            "memory_bytes_at_4096_tokens": self.memory,
        }


@dataclass(frozen=True)
class MissingModel:
    """An entry that this version cannot build, and why."""

    entry: CatalogEntry
    why: str


def list_models(words: str) -> Iterator[ListedModel | MissingModel]:
    """Entries that match, in the catalog's order. Raises ModelNotFound where none does."""
    found = CATALOG.search(words)
    if not found:
        raise ModelNotFound(f"no model of the catalog matches {words!r}", CATALOG.suggestion(words))
    for entry in found:
        try:
            model = read_model(entry.name, entry.shape)
            layouts = {name: layout_of(model, name, entry.held_schemes if name == "auto" else {}) for name in QUANTIZATIONS}
        except UnsupportedArchitecture as error:
            kind = entry.shape["model_type"]
            yield MissingModel(entry, f"architecture {kind}" if kind not in ARCHITECTURES else error.message)
            continue
        parts = _parts(entry)
        sizes = [{name: weight_bytes(part_layout(part, name)) for name in QUANTIZATIONS} for part in parts.values()]
        download = {name: weight_bytes(layout) + sum(size[name] for size in sizes) for name, layout in layouts.items()}
        memory = memory_at(layouts["auto"], KV, USUAL_TOKENS).total + sum(size["auto"] for size in sizes)
        count = sum(map(parameters, (model, *parts.values())))
        yield ListedModel(entry, ("text", *parts), count, model.context_length, download, memory)


def _parts(entry: CatalogEntry) -> Mapping[str, Tower | Conformer]:
    """What a model has beside its text, by what that takes."""
    parts: dict[str, Tower | Conformer] = {}
    if has_tower(entry.shape):
        parts["pictures"] = read_tower(entry.name, entry.shape, Batch(WORTH))[0]
    if has_conformer(entry.shape):
        parts["sounds"] = read_conformer(entry.name, entry.shape, USUAL_SOUND)
    return parts
