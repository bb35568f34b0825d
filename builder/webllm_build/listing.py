"""The catalog as people and programs read it, with what follows from each model's shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from webllm_build.catalog import CATALOG, CatalogEntry
from webllm_build.config import QUANTIZATIONS
from webllm_build.errors import ModelNotFound, UnsupportedArchitecture
from webllm_build.model import ARCHITECTURES, read_model
from webllm_build.model.vision import WORTH, has_tower, read_tower
from webllm_build.model.vision.tower import Batch
from webllm_build.sizes import USUAL_TOKENS, layout_of, memory_at, parameters, tower_layout, weight_bytes

KV = "float16"


@dataclass(frozen=True)
class ListedModel:
    """download: bytes of the weights by --quantization. memory: bytes on the GPU with a conversation of USUAL_TOKENS and "auto"."""

    entry: CatalogEntry
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
            layouts = {name: layout_of(model, name, entry.held if name == "auto" else None) for name in QUANTIZATIONS}
        except UnsupportedArchitecture as error:
            kind = entry.shape["model_type"]
            yield MissingModel(entry, f"architecture {kind}" if kind not in ARCHITECTURES else error.message)
            continue
        download = {name: weight_bytes(layout) for name, layout in layouts.items()}
        count, memory = parameters(model), memory_at(layouts["auto"], KV, USUAL_TOKENS).total
        if has_tower(entry.shape):
            tower, _ = read_tower(entry.name, entry.shape, Batch(WORTH))
            of_pictures = {name: weight_bytes(tower_layout(tower, name)) for name in QUANTIZATIONS}
            download = {name: size + of_pictures[name] for name, size in download.items()}
            count, memory = count + parameters(tower), memory + of_pictures["auto"]
        yield ListedModel(entry, count, model.context_length, download, memory)
