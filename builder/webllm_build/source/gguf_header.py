"""The header of a GGUF file, read with every length bounded before any weight is touched.

Format (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md): "GGUF", u32 version, u64 tensor count, u64 key count, the keys
(string, u32 type, value), the tensors (string, u32 dimensions, u64 extents with the fastest first, u32 type, u64 offset), padding to
`general.alignment`, data. The gguf package's own reader trusts these numbers, so it is not used here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType

from webllm_build.errors import SourceError, UnsupportedEncoding
from webllm_build.limits_generated import MAX_TOKENIZER_BYTES
from webllm_build.source.checkpoint import ENCODINGS
from webllm_build.source.files import LONGEST_BEGINNING, check_stand_in, check_tensor_name, malformed
from webllm_build.source.folder import WeightFile

MAX_HEADER_BYTES = 256 << 20  # all of it; vocabularies with merges take a tenth. A file may be sparse and claim any size
MAX_KEYS = 1 << 16
MAX_TENSORS = 1 << 16
MAX_STRING = MAX_TOKENIZER_BYTES  # which a file may hold as it was, beside what is made of it
MAX_STRINGS = 1 << 22  # in one array: vocabularies and merge lists stay below a million
MAX_ALIGNMENT = 1 << 16
DEFAULT_ALIGNMENT = 32
FIRST_BYTES = 1 << 20  # what is read at once; a header with a vocabulary takes 2 to 16 MiB

# GGUF value types: number -> NumPy dtype; 8 is a string, 9 an array.
SCALARS = {0: "<u1", 1: "<i1", 2: "<u2", 3: "<i2", 4: "<u4", 5: "<i4", 6: "<f4", 7: "?", 10: "<u8", 11: "<i8", 12: "<f8"}
STRING, ARRAY = 8, 9

Scalar = int | float | bool | str
Value = Scalar | list[str] | npt.NDArray[np.generic]


@dataclass(frozen=True)
class TensorInfo:
    """shape: rows first (GGUF's order reversed). encoding: a key of ENCODINGS. It lies at byte `begin` of its file."""

    shape: tuple[int, ...]
    encoding: str
    file: WeightFile
    begin: int
    rows: int
    row_bytes: int

    def read(self, first: int, end: int) -> npt.NDArray[np.uint8]:
        """Rows, uint8[end - first, row_bytes]. Raises SourceError where the file was changed."""
        read = self.file.read(self.begin + first * self.row_bytes, self.begin + end * self.row_bytes)
        return read.reshape(end - first, self.row_bytes)


class Metadata:
    """A GGUF's key-value pairs. A getter gives None for an absent key and raises MalformedFile for a value of another type."""

    def __init__(self, path: Path, values: Mapping[str, Value]) -> None:
        self.path = path
        self._values = values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def values(self) -> dict[str, object]:
        """All but the tokenizer's, floats as `number` gives them."""
        plain = {key: value for key, value in self._values.items() if not key.startswith("tokenizer.")}
        return {key: _shortest(value) if isinstance(value, float) else value for key, value in plain.items()}

    def text(self, key: str) -> str | None:
        value = self._values.get(key)
        return value if value is None or isinstance(value, str) else self._wrong(key, "a string")

    def label(self, key: str) -> str | None:
        """As `text`, for what only people read: None for a value of another type."""
        value = self._values.get(key)
        return value if isinstance(value, str) else None

    def flag(self, key: str) -> bool | None:
        """Also one that is written as the number 0 or 1."""
        value = self._values.get(key)
        if isinstance(value, int) and value in (0, 1):
            return bool(value)
        return value if value is None else self._wrong(key, "true or false")

    def integer(self, key: str) -> int | None:
        value = self._values.get(key)
        return value if value is None or type(value) is int else self._wrong(key, "a whole number")

    def natural(self, key: str) -> int | None:
        value = self.integer(key)
        return value if value is None or value >= 0 else self._wrong(key, "0 or more")

    def number(self, key: str) -> float | None:
        """A finite number, a float32 as the shortest decimal that means it: 9.99999974e-06 is 1e-05."""
        value = self._values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            return self._wrong(key, "a finite number")
        return _shortest(value)

    def texts(self, key: str) -> list[str] | None:
        value = self._values.get(key)
        return value if value is None or isinstance(value, list) else self._wrong(key, "an array of strings")

    def numbers(self, key: str) -> npt.NDArray[np.generic] | None:
        value = self._values.get(key)
        return value if value is None or isinstance(value, np.ndarray) else self._wrong(key, "an array of numbers")

    def _wrong(self, key: str, expected: str) -> NoReturn:
        raise malformed(self.path, f"{key} is not {expected}")


def _shortest(value: float) -> float:
    """The shortest decimal that is this float32; a number that is none, as float64 has, is itself."""
    with np.errstate(over="ignore"):
        narrow = np.float32(value)
    return float(str(narrow)) if float(narrow) == value else value


@dataclass(frozen=True)
class GGUFHeader:
    metadata: Metadata
    tensors: Mapping[str, TensorInfo]


def read_gguf(file: WeightFile) -> GGUFHeader:
    """Metadata and tensors of a GGUF file. Raises MalformedFile, UnsupportedEncoding, SourceError for another version of the format."""
    path, cursor = file.path, _Cursor(file)
    if cursor.take(4) != b"GGUF":
        raise malformed(path, "not a GGUF file (it does not begin with GGUF)")
    version = cursor.u32()
    if version not in (2, 3):
        kind = "big-endian GGUF" if version and version & 0xFFFF == 0 else f"version {version} of GGUF"
        raise SourceError(f"{path}: {kind} is not supported", "Convert the model again with a current llama.cpp: little-endian, version 3.")
    tensor_count, key_count = cursor.u64(), cursor.u64()
    if tensor_count > MAX_TENSORS or key_count > MAX_KEYS:
        raise malformed(path, f"{tensor_count} tensors and {key_count} keys are more than any model has")
    values: dict[str, Value] = {}
    for _ in range(key_count):
        key = cursor.string()
        if key in values:
            raise malformed(path, f"the key {key!r} is there twice")
        # What only people read need not be UTF-8: llama.cpp passes it on as it is.
        values[key] = cursor.value(cursor.u32(), "strict" if key.startswith("tokenizer.") else "replace")
    metadata = Metadata(path, values)
    return GGUFHeader(metadata, _read_tensors(cursor, file, tensor_count, _alignment(metadata)))


def _alignment(metadata: Metadata) -> int:
    value = metadata.natural("general.alignment")
    if value is None:
        return DEFAULT_ALIGNMENT
    if not 0 < value <= MAX_ALIGNMENT or value & (value - 1):
        raise malformed(metadata.path, f"general.alignment is {value}, not a power of two up to {MAX_ALIGNMENT}")
    return value


def _read_tensors(cursor: _Cursor, file: WeightFile, count: int, alignment: int) -> dict[str, TensorInfo]:
    path = file.path
    entries: dict[str, tuple[tuple[int, ...], str, int]] = {}
    for _ in range(count):
        name = cursor.string()
        check_tensor_name(path, name)
        if name in entries:
            raise malformed(path, f"tensor {name!r} is there twice")
        dimensions = cursor.u32()
        if not 1 <= dimensions <= 4:
            raise malformed(path, f"tensor {name!r} has {dimensions} dimensions")
        shape = _without_ones(tuple(reversed([cursor.u64() for _ in range(dimensions)])))
        entries[name] = (shape, _encoding(path, name, cursor.u32()), cursor.u64())
    start = -(-cursor.position // alignment) * alignment
    size = cursor.size - start

    tensors: dict[str, TensorInfo] = {}
    end_before, name_before = 0, ""
    for name, (shape, encoding, offset) in sorted(entries.items(), key=lambda item: item[1][2]):
        block = ENCODINGS[encoding]
        rows, rest = 1, shape[-1] % block.block
        for extent in shape[:-1]:
            rows *= extent
        if rows == 0 or shape[-1] == 0 or rest:
            raise malformed(path, f"tensor {name!r}: shape {list(shape)} does not fit {encoding}, which has blocks of {block.block}")
        row_bytes = shape[-1] // block.block * block.block_bytes
        if offset % alignment:
            raise malformed(path, f"tensor {name!r} begins at byte {offset}, which is not a multiple of {alignment}")
        if offset < end_before:
            raise malformed(path, f"tensors {name_before!r} and {name!r} overlap")
        end_before, name_before = offset + rows * row_bytes, name
        if end_before > size:
            raise malformed(path, f"tensor {name!r} ends at byte {end_before} of {size}: the file is truncated")
        tensors[name] = TensorInfo(shape, encoding, file, start + offset, rows, row_bytes)
    return tensors


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Extents of 1 before a matrix say nothing, and are not there in what GGML writes."""
    while len(shape) > 2 and shape[0] == 1:
        shape = shape[1:]
    return shape


def _encoding(path: Path, tensor: str, number: int) -> str:
    try:
        name: str = GGMLQuantizationType(number).name
    except ValueError as error:
        raise UnsupportedEncoding(
            f"{path}: tensor {tensor!r} has the unknown GGML type {number}",
            "The file is damaged, or newer than the installed gguf package: try pip install --upgrade gguf.",
        ) from error
    return name.lower()


class _Cursor:
    """Reads forward and never past the end: pieces of the file, each larger than the one before, as a request may cost a round trip."""

    def __init__(self, file: WeightFile) -> None:
        self.path = file.path
        self.position = 0
        self._file = file
        self._piece, self.size = file.peek(0, FIRST_BYTES)
        self._begin = 0  # of the piece
        check_stand_in(self.path, self._piece[:LONGEST_BEGINNING])

    def take(self, count: int) -> bytes:
        end = self.position + count
        if end > self.size:
            raise malformed(self.path, f"{count} bytes are wanted at byte {self.position}, but the file ends at {self.size}")
        if end > MAX_HEADER_BYTES:
            raise malformed(self.path, f"the header takes more than {MAX_HEADER_BYTES >> 20} MiB")
        if end > self._begin + len(self._piece):
            more, _ = self._file.peek(self._begin + len(self._piece), max(end - self._begin - len(self._piece), 3 * self.position))
            self._begin, self._piece = self.position, self._piece[self.position - self._begin :] + more
        taken = self._piece[self.position - self._begin : end - self._begin]
        if len(taken) < count:
            raise malformed(self.path, "the file became shorter while it was read")
        self.position = end
        return taken

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def u64(self) -> int:
        return int.from_bytes(self.take(8), "little")

    def string(self, errors: str = "strict") -> str:
        """errors: what becomes of bytes that are not UTF-8, as bytes.decode takes it."""
        length = self.u64()
        if length > MAX_STRING:
            raise malformed(self.path, f"a string of {length} bytes at byte {self.position}")
        try:
            return str(self.take(length), "utf-8", errors)
        except UnicodeDecodeError as error:
            raise malformed(self.path, f"a string at byte {self.position} is not UTF-8") from error

    def value(self, kind: int, errors: str) -> Value:
        if kind == STRING:
            return self.string(errors)
        if kind == ARRAY:
            return self._array(self.u32(), self.u64(), errors)
        scalar: Scalar = self._numbers(kind, 1).tolist()[0]
        return scalar

    def _array(self, kind: int, count: int, errors: str) -> list[str] | npt.NDArray[np.generic]:
        if kind != STRING:
            return self._numbers(kind, count)
        if count > MAX_STRINGS:
            raise malformed(self.path, f"an array of {count} strings at byte {self.position}")
        return [self.string(errors) for _ in range(count)]

    def _numbers(self, kind: int, count: int) -> npt.NDArray[np.generic]:
        if kind not in SCALARS:
            raise malformed(self.path, f"unknown value type {kind} at byte {self.position}")
        dtype: np.dtype[np.generic] = np.dtype(SCALARS[kind])
        raw = self.take(count * dtype.itemsize)
        if kind == 7:  # any byte but zero is true; NumPy must not see other bytes as bool
            return np.frombuffer(raw, np.uint8).astype(np.bool_)
        return np.frombuffer(raw, dtype)
