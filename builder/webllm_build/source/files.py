"""Bounded reading of untrusted files, with errors that name the file."""

from __future__ import annotations

import hashlib
import json
import os
import re
import reprlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from webllm_build.errors import MalformedFile, MissingFile, SourceError
from webllm_build.threads import in_parallel

MAX_CONFIG_BYTES = 1 << 20
MAX_INDEX_BYTES = 16 << 20  # of what lists a model's tensors or tokens
MAX_DEPTH = 64
LONGEST_TENSOR_NAME = 1000
ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
LFS_POINTER, WEB_PAGES, LONGEST_BEGINNING = b"version https://git-lfs", (b"<!doctype html", b"<html"), 64
REDOWNLOAD = "The file is damaged or not what its name says: download it again from where it came."


def malformed(path: Path, what: str) -> MalformedFile:
    return MalformedFile(f"{path}: {what}", REDOWNLOAD)


def check_tensor_name(path: Path, name: str) -> None:
    """Names go into messages. Raises MalformedFile."""
    if not name.isprintable() or not 0 < len(name) <= LONGEST_TENSOR_NAME:
        raise malformed(path, f"the tensor {reprlib.repr(name)} has a name that is not one printable line")


class SourceFile:
    """A file of a model. It is read and not mapped into memory: a mapped file that somebody cuts short ends the process."""

    def __init__(self, path: Path) -> None:
        """Raises MissingFile, MalformedFile for an empty file, SourceError for one that cannot be read or stands in for another."""
        self.path = path
        with self._errors(), path.open("rb") as file:
            self._state = _state(file)
            self.size = self._state[-1]
            if self.size == 0:
                raise malformed(path, "the file is empty")
            check_stand_in(path, file.read(LONGEST_BEGINNING))

    @contextmanager
    def open(self) -> Iterator[BufferedReader]:
        """The file as it was found. Raises SourceError where it is another now."""
        with self._errors(), self.path.open("rb") as file:
            self._check(file)
            yield file

    def read(self, begin: int, end: int) -> npt.NDArray[np.uint8]:
        """uint8[end - begin], within its size. Raises SourceError where the file was changed since it was found."""
        data = np.empty(end - begin, np.uint8)
        with self.open() as file:
            file.seek(begin)
            file.readinto(data.data)
            self._check(file)
        return data

    def _check(self, file: BufferedReader) -> None:
        if _state(file) != self._state:
            raise SourceError(f"{self.path} was changed while the model was read", "Let what writes to it end, and build again.")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise MissingFile(f"{self.path} does not exist", "Check the spelling, or download the model again.") from error
        except OSError as error:
            reason = error.strerror or error
            raise SourceError(f"{self.path} cannot be read: {reason}", "Check that it is a file and that you may read it.") from error


def _state(file: BufferedReader) -> tuple[int, ...]:
    found = os.fstat(file.fileno())
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def check_stand_in(path: Path, begins: bytes) -> None:
    """Raise SourceError where a file begins as what hosts and clones give in the place of large files."""
    start = begins.lstrip().lower()
    if start.startswith(LFS_POINTER):
        raise SourceError(f"{path} is a pointer to a file that Git LFS keeps", "Get the file itself: git lfs pull, in the clone.")
    if start.startswith(WEB_PAGES):
        raise SourceError(f"{path} is a web page", "Delete it and download the file itself: a login or a proxy may have stood between.")


def read_bytes(path: Path, limit: int) -> bytes:
    file = SourceFile(path)
    if file.size > limit:
        raise malformed(path, f"{file.size} bytes are more than the {limit} expected of such a file at most")
    return file.read(0, file.size).tobytes()


def read_json(path: Path, limit: int = MAX_CONFIG_BYTES) -> dict[str, object]:
    return parse_json(path, read_bytes(path, limit))


def parse_json(path: Path, data: bytes) -> dict[str, object]:
    """A JSON object whose keys are unique. Nesting too deep and numbers too long are errors of the file, too."""
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_constant)
        if ESCAPED_SURROGATE.search(data):  # half of a pair is no character, and nothing can be written with it
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise malformed(path, f"not valid JSON ({error})") from error
    if not isinstance(value, dict):
        raise malformed(path, f"a JSON object was expected, not {type(value).__name__}")
    if _deeper_than(value, MAX_DEPTH):
        raise malformed(path, f"JSON nested deeper than {MAX_DEPTH} levels")
    return value


def sha256_files(files: Iterable[tuple[str, Path]]) -> str:
    """sha256 over the names and contents of files, in order of their names. Several are read at a time."""
    total, ordered = hashlib.sha256(), sorted(files)
    for (name, _), digest in zip(ordered, in_parallel(sha256_file, [path for _, path in ordered]), strict=True):
        total.update(name.encode() + b"\0" + digest.encode() + b"\n")
    return total.hexdigest()


def sha256_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _deeper_than(value: object, depth: int) -> bool:
    level: list[Any] = [value]
    for _ in range(depth):
        items = (item for inner in level for item in (inner.values() if isinstance(inner, dict) else inner))
        level = [item for item in items if isinstance(item, (dict, list))]
    return bool(level)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("an object has the same key twice")
    return result


def _constant(name: str) -> dict[str, str]:
    """Infinity as transformers spells it since it keeps to JSON; before that it wrote the word itself."""
    if name == "NaN":
        raise ValueError(f"{name} is not JSON")
    return {"__float__": name}
