"""A GGUF that llama-gguf-split cut into files name-00001-of-00003.gguf: the first has the metadata, each some of the tensors."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from webllm_build.errors import MissingFile, SourceError
from webllm_build.source.files import malformed
from webllm_build.source.folder import LocalFile, WeightFile
from webllm_build.source.gguf_header import GGUFHeader, TensorInfo, read_gguf

PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.DOTALL)
COUNT, NUMBER, TENSORS = "split.count", "split.no", "split.tensors.count"
MAX_PARTS = 1024
SHOWN = 8  # of the parts that are missing


def read_parts(path: Path, open_file: Callable[[Path], WeightFile] = LocalFile) -> tuple[GGUFHeader, tuple[Path, ...]]:
    """(metadata and all tensors, the files) of a GGUF: the one at `path`, or all parts where it is any of them.

    open_file: gives a part. Raises MissingFile that names what is missing, MalformedFile where parts do not fit together, and the errors
    of read_gguf.
    """
    named = read_gguf(open_file(path))
    count = named.metadata.natural(COUNT) or 1
    if count == 1:
        return named, (path,)
    match = PART.fullmatch(path.name)
    if count > MAX_PARTS or match is None or int(match["count"]) != count:
        shape = f"NAME-00001-of-{min(count, 99999):05}.gguf"
        raise SourceError(
            f"{path} is one part of {count}, by whose name the others cannot be found",
            f"Call the parts as llama.cpp does: {shape} and so on.",
        )
    paths = tuple(path.with_name(f"{match['stem']}-{number:05}-of-{count:05}.gguf") for number in range(1, count + 1))
    found = [named if part == path else _read(part, open_file) for part in paths]
    missing = [part.name for part, header in zip(paths, found, strict=True) if header is None]
    if missing:
        rest = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        raise MissingFile(f"{path.parent} lacks {', '.join(missing[:SHOWN])}{rest}", "Download all parts of the model into one folder.")
    headers = [header for header in found if header is not None]
    return GGUFHeader(headers[0].metadata, _join(headers, paths, count)), paths


def _read(part: Path, open_file: Callable[[Path], WeightFile]) -> GGUFHeader | None:
    try:
        return read_gguf(open_file(part))
    except MissingFile:
        return None


def _join(headers: list[GGUFHeader], paths: tuple[Path, ...], count: int) -> dict[str, TensorInfo]:
    tensors: dict[str, TensorInfo] = {}
    for index, (header, path) in enumerate(zip(headers, paths, strict=True)):
        number = header.metadata.natural(NUMBER)
        if (number, header.metadata.natural(COUNT)) != (index, count):
            raise malformed(path, f"it is part {number} by its metadata, counted from 0, and {index} by its name")
        twice = tensors.keys() & header.tensors.keys()
        if twice:
            raise malformed(path, f"tensor {min(twice)!r} is in an earlier part, too")
        tensors |= header.tensors
    expected = headers[0].metadata.natural(TENSORS)
    if expected is not None and expected != len(tensors):
        raise malformed(paths[0], f"its parts have {len(tensors)} tensors, and not {expected}: they are of different files")
    return tensors
