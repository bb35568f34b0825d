"""The header of a safetensors file, checked before any weight is touched.

Format (https://github.com/huggingface/safetensors#format): u64 little-endian length n, then n bytes of JSON
{"name": {"dtype", "shape", "data_offsets": [begin, end]}, "__metadata__": {...}}, then the data; tensors cover it without gap or overlap.
The safetensors package opens whole files only; a header is also read where nothing else of its file has been fetched.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from webllm_build.errors import UnsupportedEncoding
from webllm_build.source.files import LONGEST_BEGINNING, check_stand_in, check_tensor_name, malformed, parse_json
from webllm_build.source.folder import WeightFile

MAX_HEADER_BYTES = 32 << 20  # of the 100 MB that the safetensors library allows: 200,000 tensors
USUAL_HEADER_BYTES = 256 << 10
MAX_DIMENSIONS = 8
ITEM_BYTES: Mapping[str, int] = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1,
    "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One tensor: dtype as the file spells it, shape, and the bytes from `begin` to `end` of its file."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int
    file: WeightFile

    def read(self, first: int, end: int) -> npt.NDArray[np.uint8]:
        """Rows, uint8[end - first, bytes of a row]."""
        row = (self.end - self.begin) // max(math.prod(self.shape[:-1]), 1)
        return self.file.read(self.begin + first * row, self.begin + end * row).reshape(end - first, row)


def read_safetensors(file: WeightFile) -> dict[str, Entry]:
    """All tensors by name; reads no weight. Raises MalformedFile, UnsupportedEncoding."""
    path = file.path
    head, file_size = file.peek(0, USUAL_HEADER_BYTES)
    check_stand_in(path, head[:LONGEST_BEGINNING])
    if file_size < 8:
        raise malformed(path, f"{file_size} bytes are too few for a safetensors file")
    length = int.from_bytes(head[:8], "little")
    if length > min(MAX_HEADER_BYTES, file_size - 8):
        raise malformed(path, f"the header claims {length} bytes, the file has {file_size}")
    if 8 + length > len(head):
        head += file.peek(len(head), 8 + length - len(head))[0]
    header = parse_json(path, head[8 : 8 + length])
    header.pop("__metadata__", None)
    start, size = 8 + length, file_size - 8 - length
    entries: dict[str, Entry] = {}
    ranges: list[tuple[int, int, str]] = []
    for name, value in header.items():
        check_tensor_name(path, name)
        dtype, shape, begin, end = _fields(path, name, value)
        count = 1
        for extent in shape:
            count *= extent
        if end - begin != count * ITEM_BYTES[dtype]:
            raise malformed(path, f"tensor {name}: {dtype} of shape {list(shape)} does not take the {end - begin} bytes it claims")
        if end > size:
            raise malformed(path, f"tensor {name} ends at byte {end} of {size}: the file is truncated")
        entries[name] = Entry(dtype, shape, start + begin, start + end, file)
        ranges.append((begin, end, name))
    position = 0
    for begin, end, name in sorted(ranges):
        if begin != position:
            raise malformed(path, f"tensor {name} begins at byte {begin}, but the tensor before it ends at {position}")
        position = end
    if position != size:
        raise malformed(path, f"{size - position} bytes after the last tensor belong to none")
    return entries


def _fields(path: Path, name: str, value: object) -> tuple[str, tuple[int, ...], int, int]:
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise malformed(path, f"tensor {name}: dtype, shape and data_offsets were expected")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str):
        raise malformed(path, f"tensor {name}: a dtype that is not text")
    if dtype not in ITEM_BYTES:
        raise UnsupportedEncoding(
            f"{path}: tensor {name} is stored as {dtype[:40]}, which is not known", "Use a checkpoint in f32, f16 or bf16."
        )
    if not _naturals(shape) or len(shape) > MAX_DIMENSIONS:
        raise malformed(path, f"tensor {name}: impossible shape")
    if not _naturals(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise malformed(path, f"tensor {name}: impossible data_offsets")
    return dtype, tuple(shape), offsets[0], offsets[1]


def _naturals(value: object) -> bool:
    return isinstance(value, list) and all(type(item) is int and 0 <= item < 1 << 62 for item in value)
