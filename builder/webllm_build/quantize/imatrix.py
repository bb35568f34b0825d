"""An importance matrix of llama.cpp (llama-imatrix): how large each input of each matrix is in a text, as a GGUF or in the older format.

GGUF: tensors NAME.in_sum2 (sums of squares, of each expert where there are several) and NAME.counts. Older: i32 count, then for each
matrix i32 length and its name, i32 calls, i32 number of values, that many float32; what follows is not needed. NAME is llama.cpp's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from webllm_build.errors import MalformedFile
from webllm_build.model.decoder import Decoder
from webllm_build.model.stacks import Stack
from webllm_build.model.weights import Source, Weight
from webllm_build.quantize.scheme import Importance
from webllm_build.source.checkpoint import decode_rows
from webllm_build.source.files import SourceFile, malformed
from webllm_build.source.folder import LocalFile
from webllm_build.source.gguf_header import read_gguf

SUMS, COUNTS = ".in_sum2", ".counts"
MAX_BYTES = 1 << 30
MAX_NAME = 256
Values = npt.NDArray[np.float32]


def read_imatrix(path: Path, model: Decoder) -> dict[str, Importance]:
    """The mean square of each input, by the weight's name, relative to the largest; weights that the file does not have are left out.

    Raises MissingFile, SourceError, MalformedFile for a file that is none, or that is another model's.
    """
    entries = _entries(path)
    found: dict[str, Importance] = {}
    for weight in model.weights:
        values = next((entries[name] for name in _names(weight) if name in entries), None) if weight.kind == "linear" else None
        if values is None:
            continue
        columns = weight.shape[1]
        if values.size not in (columns, columns * weight.experts):
            raise MalformedFile(
                f"{path}: {weight.name} has {values.size} values, and the model {columns} inputs there",
                "Give the imatrix of this model, or of one that it was fine-tuned from.",
            )
        squares = values.reshape(-1, columns).mean(0)
        found[weight.name] = (squares / max(float(squares.max()), np.finfo(np.float32).tiny)).astype(np.float32)
    if not found:
        others = ", ".join(sorted(entries)[:3])
        raise MalformedFile(f"{path} has none of the model's matrices, but {others}", "Give the imatrix of this model.")
    return found


def _names(weight: Weight) -> Iterator[str]:
    """What llama.cpp calls the matrices of a weight, which all have the same inputs."""
    for source in weight.sources:
        if isinstance(source, Source):
            yield from (source.in_files[format].name for format in ("gguf",) if format in source.in_files)
        elif isinstance(source, Stack):
            yield from (form.name for form in source.forms.get("gguf", ()))


def _entries(path: Path) -> Mapping[str, Values]:
    """Sums of squares by matrix, each expert's divided by how often it was used."""
    file = SourceFile(path)
    if file.size > MAX_BYTES:
        raise malformed(path, f"{file.size} bytes are more than any importance matrix has")
    is_gguf = file.read(0, min(4, file.size)).tobytes() == b"GGUF"
    entries = dict(_of_gguf(path) if is_gguf else _of_older(path, file.read(0, file.size).tobytes()))
    for name, values in entries.items():
        if not np.isfinite(values).all() or (values < 0).any():
            raise malformed(path, f"{name} has values that cannot be means of squares")
    return entries


def _of_gguf(path: Path) -> Iterator[tuple[str, Values]]:
    tensors = read_gguf(LocalFile(path)).tensors
    for name, info in tensors.items():
        if not name.endswith(SUMS):
            continue
        stem = name.removesuffix(SUMS)
        counts = tensors.get(stem + COUNTS)
        if counts is None or (info.encoding, counts.encoding) != ("f32", "f32"):
            raise malformed(path, f"{stem} has no counts, or not in float32")
        sums = decode_rows(info.read(0, info.rows), "f32", name).reshape(-1)
        used = decode_rows(counts.read(0, counts.rows), "f32", name).reshape(-1, 1)
        if sums.size % used.size:
            raise malformed(path, f"{stem} has {sums.size} sums and {used.size} counts")
        with np.errstate(all="ignore"):
            means: Values = (sums.reshape(used.size, -1) / np.maximum(used, np.float32(1))).astype(np.float32).reshape(-1)
        yield stem, means


def _of_older(path: Path, data: bytes) -> Iterator[tuple[str, Values]]:
    position = 0

    def take(count: int) -> bytes:
        nonlocal position
        if not 0 <= count <= len(data) - position:
            raise malformed(path, "not an importance matrix of llama.cpp, or truncated")
        position += count
        return data[position - count : position]

    def number(most: int) -> int:
        value = int.from_bytes(take(4), "little", signed=True)
        if not 0 < value <= most:
            raise malformed(path, "not an importance matrix of llama.cpp")
        return value

    for _ in range(number(1 << 20)):
        name = take(number(MAX_NAME)).decode("utf-8", "replace")
        calls = int.from_bytes(take(4), "little", signed=True)
        sums = np.frombuffer(take(4 * number(1 << 28)), "<f4")
        with np.errstate(all="ignore"):
            means: Values = (sums / np.float32(max(calls, 1))).astype(np.float32)
        yield name, means
