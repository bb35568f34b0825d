"""What MLC LLM's shards hold: numbers, or codes and scales of groups of them, as python/mlc_llm/quantization/group_quantization.py packs
them: in 32-bit words, the lowest bits first, one scale for a group, w = (code - most) * scale with codes from 0 to 2 * most."""

from __future__ import annotations

import functools
import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from webllm_build.errors import UnsupportedEncoding
from webllm_build.source.checkpoint import Raw, Tensor, decode_rows
from webllm_build.source.files import malformed
from webllm_build.source.folder import Folder, LocalFile

BLOCK_BYTES = 18  # of Q4_0
ENCODINGS = {"float32": "f32", "float16": "f16", "bfloat16": "bf16"}
HINT = "Build from the model that they were made of: --model with WebLLM's id of it, a name of `webllm-build models`, or hf:org/name."


@dataclass(frozen=True)
class Record:
    """One tensor of a shard: `encoding` as it is written there, by MLC's name."""

    shape: tuple[int, ...]
    encoding: str
    file: str
    begin: int
    end: int


@dataclass(frozen=True)
class Groups:
    """How many numbers have one scale, bits of a code, and codes in a word."""

    size: int
    bits: int
    codes: int

    @property
    def most(self) -> int:
        return (1 << (self.bits - 1)) - 1


FOUR_BITS, THREE_BITS = Groups(32, 4, 8), Groups(40, 3, 10)


def plain(folder: Folder, name: str, record: Record) -> Tensor:
    """Raises UnsupportedEncoding."""
    if record.encoding not in ENCODINGS:
        raise UnsupportedEncoding(f"{folder}: tensor {name} is stored as {record.encoding}", HINT)
    return Tensor(name, record.shape, ENCODINGS[record.encoding], functools.partial(_read, folder, record))


def grouped(folder: Folder, name: str, words: Record, scales: Record | None, groups: Groups, sizes: Collection[int]) -> Tensor:
    """sizes: what rows may have where groups do not divide them, of which the last one is filled with nothing. Raises MalformedFile."""
    a_group, count = groups.size // groups.codes, words.shape[-1]
    if words.encoding != "uint32" or scales is None or scales.encoding not in ENCODINGS or count % a_group:
        raise malformed(folder.path / words.file, f"{name} is not {groups.bits} bits in groups of {groups.size}")
    if scales.shape != (*words.shape[:-1], count // a_group):
        raise malformed(folder.path / words.file, f"{name} has scales of the shape {list(scales.shape)}, and codes of {list(words.shape)}")
    columns = count * groups.codes
    if groups is FOUR_BITS:
        return Tensor(name, (*words.shape[:-1], columns), "q4_0", functools.partial(_as_q4_0, folder, words, scales))
    columns = max((size for size in sizes if columns - groups.size < size <= columns), default=columns)
    return Tensor(name, (*words.shape[:-1], columns), "f32", functools.partial(_as_numbers, folder, words, scales, groups, columns))


def _read(folder: Folder, record: Record, first: int, end: int) -> Raw:
    folder.fetch([record.file])
    file = LocalFile(folder.existing(record.file, HINT))
    if record.end > file.size:
        raise malformed(file.path, f"it has {file.size} bytes: the file is truncated")
    row = (record.end - record.begin) // math.prod(record.shape[:-1])
    return file.read(record.begin + first * row, record.begin + end * row).reshape(end - first, row)


def _as_q4_0(folder: Folder, words: Record, scales: Record, first: int, end: int) -> Raw:
    """Rows of Q4_0 blocks, (code + 1 - 8) * scale: a float16 scale, and 16 bytes, each with code i below and code i + 16 above.

    q4f32_1's scales are float32, mostly written as bfloat16; float16 has all of their bits where they are not below its normal numbers.
    """
    packed = _read(folder, words, first, end)
    nibbles = np.stack([packed & 15, packed >> 4], axis=-1).reshape(-1, FOUR_BITS.size) + 1
    if (nibbles > 15).any():
        raise malformed(folder.path / words.file, "a code is 15: those of MLC go up to 14")
    halves = decode_rows(_read(folder, scales, first, end), ENCODINGS[scales.encoding], "")
    blocks = np.empty((len(nibbles), BLOCK_BYTES), np.uint8)
    with np.errstate(over="ignore"):  # what is not finite is told when it is packed
        blocks[:, :2] = halves.astype("<f2").reshape(-1, 1).view(np.uint8)
    blocks[:, 2:] = nibbles[:, : FOUR_BITS.size // 2] | nibbles[:, FOUR_BITS.size // 2 :] << 4
    return blocks.reshape(len(packed), -1)


def _as_numbers(folder: Folder, words: Record, scales: Record, groups: Groups, columns: int, first: int, end: int) -> Raw:
    packed = _read(folder, words, first, end).view("<u4")
    codes = packed[..., None] >> (groups.bits * np.arange(groups.codes, dtype=np.uint32)) & (1 << groups.bits) - 1
    if (codes > 2 * groups.most).any():
        raise malformed(folder.path / words.file, f"a code is {int(codes.max())}: those of MLC go up to {2 * groups.most}")
    factors = decode_rows(_read(folder, scales, first, end), ENCODINGS[scales.encoding], "")
    values = (codes.reshape(end - first, -1, groups.size).astype(np.float32) - groups.most) * factors[..., None]
    return np.ascontiguousarray(values.reshape(end - first, -1)[:, :columns]).view(np.uint8)
