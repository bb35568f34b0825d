"""Where a model's files lie: a folder of this machine, or a repository of which files come when they are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from webllm_build.errors import MissingFile, SourceError
from webllm_build.source.files import SourceFile, sha256_files


def is_gguf(path: Path) -> bool:
    """By its name."""
    return path.suffix.lower() == ".gguf"


class WeightFile(Protocol):
    """A large file, of which only the header is read until its data is asked for.

    path: what errors call it.
    """

    path: Path

    def peek(self, begin: int, count: int) -> tuple[bytes, int]:
        """(`count` bytes from `begin` on, or as many as there are; its size). The file need not be on this machine, and does not come."""
        ...

    def read(self, begin: int, end: int) -> npt.NDArray[np.uint8]:
        """uint8[end - begin]. Raises SourceError where it was changed."""
        ...


class LocalFile(SourceFile):
    def peek(self, begin: int, count: int) -> tuple[bytes, int]:
        return self.read(begin, min(begin + count, self.size)).tobytes(), self.size


class Folder:
    """A folder's files by name. A link that leads out of it is refused: what it leads to might end up in a published site."""

    def __init__(self, path: Path, blobs: Path | None = None) -> None:
        """blobs: where links may lead beside, of a cache that this machine's library has made."""
        self.path = path
        real = path.resolve()
        # The hub's cache, wherever it was moved: models--org--name/snapshots/<commit>/file is a link into models--org--name/blobs.
        cached = [real.parent.parent / "blobs"] if real.parent.name == "snapshots" else []
        self._roots = (real, *cached, *([] if blobs is None else [blobs.resolve()]))

    def __str__(self) -> str:
        """What a user would call it."""
        return str(self.path)

    def ggufs(self) -> list[str]:
        """The GGUF files in it, as --model takes them; none where it may not be listed: who opens it says so."""
        return sorted(map(str, filter(is_gguf, self.path.glob("*"))))

    def find(self, name: str) -> Path | None:
        """A file's path, or None where there is no such file. Raises SourceError for a link out of the folder."""
        path = self.path / name
        if not path.is_file():
            return None
        if not any(path.resolve().is_relative_to(root) for root in self._roots):
            raise SourceError(f"{path} is a link that leads out of the model's folder", "Put a copy of the file there.")
        return path

    def existing(self, name: str, otherwise: str) -> Path:
        """As `find`, but MissingFile, with that hint, where there is none."""
        path = self.find(name)
        if path is None:
            raise MissingFile(f"{self.path} has no {name}", otherwise)
        return path

    def weights(self, name: str, otherwise: str) -> WeightFile:
        """Raises MissingFile."""
        return LocalFile(self.existing(name, otherwise))

    def fetch(self, names: list[str]) -> None:
        """Has these files' data on this machine."""

    @property
    def origin(self) -> str | None:
        """Where others find the same files."""
        return None

    def identity(self, names: Sequence[str]) -> str:
        """Hexadecimal digits that change with the content of these files, of those that are there."""
        found = ((name, self.find(name)) for name in names)
        return sha256_files((name, path) for name, path in found if path is not None)
