"""A GGUF file in parts that can be changed one by one. It has no check of what it reads: that is of valid files."""

from __future__ import annotations

import dataclasses
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from mutation import FLOATS, NUMBERS, TEXTS

from webllm_build.source.folder import LocalFile
from webllm_build.source.gguf_header import SCALARS, read_gguf

STRING, ARRAY = 8, 9
FORMATS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
assert FORMATS.keys() == SCALARS.keys()


@dataclass
class Key:
    name: bytes
    kind: int
    value: Any
    of: int = 0  # kind of an array's values


@dataclass
class Tensor:
    name: bytes
    extents: list[int]
    kind: int
    offset: int


@dataclass
class GGUFFile:
    keys: list[Key]
    tensors: list[Tensor]
    header: bytes  # as it was read
    data: bytes
    counts: tuple[int, int] = (0, 0)  # added to those of tensors and keys
    version: int = 3

    @staticmethod
    def read(path: Path) -> GGUFFile:
        raw = path.read_bytes()
        begin = min(info.begin for info in read_gguf(LocalFile(path)).tensors.values())
        reader = _Reader(raw, 8)
        tensors, keys = reader.number("Q"), reader.number("Q")
        return GGUFFile([reader.key() for _ in range(keys)], [reader.tensor() for _ in range(tensors)], raw[:begin], raw[begin:])

    @staticmethod
    def of_sums(widths: dict[str, int]) -> GGUFFile:
        """An importance matrix."""
        tensors, data = [], b""
        for name, width in widths.items():
            for end, count in ((".in_sum2", width), (".counts", 1)):
                tensors.append(Tensor((name + end).encode(), [count, 1], 0, len(data)))
                values = struct.pack(f"<{count}f", *(1.0 + i for i in range(count)))
                data += values + bytes(-len(values) % 32)
        return GGUFFile([Key(b"general.type", STRING, b"imatrix")], tensors, b"", data)

    @staticmethod
    def older_imatrix(widths: dict[str, int]) -> bytes:
        parts = [struct.pack("<i", len(widths))]
        for name, width in widths.items():
            parts += [struct.pack("<i", len(name)), name.encode(), struct.pack("<ii", 3, width), struct.pack(f"<{width}f", *range(width))]
        return b"".join(parts)

    def bytes(self) -> bytes:
        head = struct.pack("<4sIqq", b"GGUF", self.version, len(self.tensors) + self.counts[0], len(self.keys) + self.counts[1])
        head += b"".join(_text(key.name) + struct.pack("<I", key.kind) + _value(key) for key in self.keys)
        for tensor in self.tensors:
            extents = b"".join(struct.pack("<Q", extent % 2**64) for extent in tensor.extents)
            where = struct.pack("<IQ", tensor.kind % 2**32, tensor.offset % 2**64)
            head += _text(tensor.name) + struct.pack("<I", len(tensor.extents)) + extents + where
        return head + bytes(-len(head) % 32) + self.data

    def changed(self, random: Random) -> GGUFFile:
        file = dataclasses.replace(self, keys=[dataclasses.replace(key) for key in self.keys])
        file.tensors = [dataclasses.replace(tensor, extents=list(tensor.extents)) for tensor in self.tensors]
        for _ in range(1 + min(int(random.expovariate(0.7)), 8)):
            if random.random() < 0.7 and file.keys:
                file._change_key(random)
            else:
                file._change_tensor(random)
        return file

    def _change_key(self, random: Random) -> None:
        at = random.randrange(len(self.keys))
        key = self.keys[at]
        match random.randrange(6):
            case 0:
                del self.keys[at]
            case 1:
                self.keys.append(dataclasses.replace(random.choice(self.keys), name=random.choice((key.name, key.name + b"x"))))
            case 2:
                key.kind = random.choice((*FORMATS, STRING))
                key.value = _odd_text(random) if key.kind == STRING else 0
            case 3:
                key.kind, key.of = ARRAY, random.choice((4, 5, 6, 7))
                key.value = [random.choice((0, 1, 2**31 - 1))] * random.choice((0, 1, 5, 2000))
            case _:
                _change_value(random, key)

    def _change_tensor(self, random: Random) -> None:
        if not self.tensors:
            self.counts = (random.choice((0, 1, -1, 2**40)), 0)
            return
        at = random.randrange(len(self.tensors))
        tensor = self.tensors[at]
        match random.randrange(6):
            case 0:
                del self.tensors[at]
            case 1:
                tensor.name = random.choice((random.choice(self.tensors).name, tensor.name + b"x", _odd_text(random)))
            case 2 if tensor.extents:
                place = random.randrange(len(tensor.extents))
                extent = tensor.extents[place]
                tensor.extents[place] = random.choice((extent + 1, extent // 2, extent * 2, 0, 1, 2**31, 2**63, 32))
            case 3:
                tensor.extents = random.choice((tensor.extents[::-1], [*tensor.extents, 1], [1, *tensor.extents], tensor.extents[:1], []))
            case 4:
                tensor.kind = random.choice((*range(40), 2**31))
            case _:
                tensor.offset = random.choice((tensor.offset + 32, 0, 1, 2**40, 2**63, random.choice(self.tensors).offset))


def _change_value(random: Random, key: Key) -> None:
    if key.kind == STRING:
        key.value = random.choice((_odd_text(random), _odd_text(random), key.value * 2, key.value[:-1], b"\xff"))
    elif key.kind == ARRAY:
        values = list(key.value)
        at = random.randrange(len(values) + 1)
        other = _odd_text(random) if key.of == STRING else random.choice((0, 1, 2, 100))
        key.value = random.choice((values[:at], values[at:], values + values[:at], [*values[:at], other, *values[at + 1 :]], values[::-1]))
    else:
        near = key.value + 1, key.value - 1, key.value * 2, key.value / 2
        key.value = random.choice((*near, *near, *NUMBERS, *FLOATS))


def _odd_text(random: Random) -> bytes:
    return random.choice(TEXTS).encode("utf-8", "replace")


def _text(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def _value(key: Key) -> bytes:
    if key.kind == STRING:
        text: bytes = _text(key.value)
        return text
    if key.kind != ARRAY:
        return _scalar(key.kind, key.value)
    inner = b"".join(_text(value) if key.of == STRING else _scalar(key.of, value) for value in key.value)
    return struct.pack("<IQ", key.of, len(key.value)) + inner


def _scalar(kind: int, value: float) -> bytes:
    """As near to the value as the kind has one."""
    form = FORMATS[kind]
    if form in "fd":
        try:
            return struct.pack(f"<{form}", float(value))
        except OverflowError:
            return struct.pack(f"<{form}", math.inf)
    size = struct.calcsize(form)
    whole: int = value if isinstance(value, int) else int(value) if math.isfinite(value) else -1
    return (whole % (1 << 8 * size)).to_bytes(size, "little")


class _Reader:
    def __init__(self, raw: bytes, at: int) -> None:
        self._raw, self._at = raw, at

    def number(self, form: str) -> Any:
        (value,) = struct.unpack_from(f"<{form}", self._raw, self._at)
        self._at += struct.calcsize(form)
        return value

    def text(self) -> bytes:
        length = self.number("Q")
        self._at += length
        return self._raw[self._at - length : self._at]

    def _value(self, kind: int) -> Any:
        return self.text() if kind == STRING else self.number(FORMATS[kind])

    def key(self) -> Key:
        name, kind = self.text(), self.number("I")
        if kind != ARRAY:
            return Key(name, kind, self._value(kind))
        of, count = self.number("I"), self.number("Q")
        return Key(name, kind, [self._value(of) for _ in range(count)], of)

    def tensor(self) -> Tensor:
        name = self.text()
        extents = [self.number("Q") for _ in range(self.number("I"))]
        return Tensor(name, extents, self.number("I"), self.number("Q"))
