"""Reads and extends the section list of a WebAssembly module (https://webassembly.github.io/spec/core/binary/modules.html).

The modules may come from anywhere: every length is checked against what is left before it is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from webllm_build.errors import MalformedFile

MAX_MODULE_BYTES = 64 << 20
MAX_SECTIONS = 256
HEADER = b"\0asm\1\0\0\0"
CUSTOM, IMPORT, EXPORT = 0, 2, 7
EXPORT_KINDS = ("function", "table", "memory", "global", "tag")


@dataclass(frozen=True)
class Section:
    """One section: `name` is empty but for custom sections; `content` excludes the name."""

    id: int
    name: str
    content: memoryview


class _Reader:
    """Reads values from the front of `data`."""

    def __init__(self, data: memoryview) -> None:
        self.data = data

    def take(self, count: int) -> memoryview:
        if count > len(self.data):
            raise _malformed(f"{count} bytes are announced and {len(self.data)} are left")
        head, self.data = self.data[:count], self.data[count:]
        return head

    def byte(self) -> int:
        return self.take(1)[0]

    def u32(self) -> int:
        """An unsigned LEB128 number below 2**32."""
        value = 0
        for shift in range(0, 35, 7):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if value >> 32:
                    break
                return value
        raise _malformed("a number has more than 32 bits")

    def name(self) -> str:
        try:
            return str(self.take(self.u32()), "utf-8")
        except UnicodeDecodeError:
            raise _malformed("a name is not UTF-8") from None


def _malformed(what: str) -> MalformedFile:
    return MalformedFile(f"This is not a well-formed WebAssembly module: {what}.", "Build or download model.wasm again.")


def sections(wasm: bytes) -> Iterator[Section]:
    """All sections in order. Raises MalformedFile."""
    if len(wasm) > MAX_MODULE_BYTES:
        raise _malformed(f"it has {len(wasm)} bytes, more than {MAX_MODULE_BYTES}")
    reader = _Reader(memoryview(wasm))
    if bytes(reader.data[: len(HEADER)]) != HEADER:
        raise _malformed("it does not begin with the magic number and version 1")
    reader.take(len(HEADER))
    count = 0
    while reader.data:
        count += 1
        if count > MAX_SECTIONS:
            raise _malformed(f"it has more than {MAX_SECTIONS} sections")
        section_id = reader.byte()
        body = _Reader(reader.take(reader.u32()))
        name = body.name() if section_id == CUSTOM else ""
        yield Section(section_id, name, body.data)


def read_custom_section(wasm: bytes, name: str) -> bytes:
    """Content of the one custom section of this name. Raises MalformedFile where there is none, or more than one."""
    found = [section.content for section in sections(wasm) if section.id == CUSTOM and section.name == name]
    if len(found) != 1:
        raise _malformed(f"it has {len(found)} custom sections {name!r} where one is needed")
    return bytes(found[0])


def import_count(wasm: bytes) -> int:
    """Number of imports. Raises MalformedFile."""
    return sum(_Reader(section.content).u32() for section in sections(wasm) if section.id == IMPORT)


def exports(wasm: bytes) -> dict[str, str]:
    """Name and kind (one of EXPORT_KINDS) of every export. Raises MalformedFile."""
    found: dict[str, str] = {}
    for section in sections(wasm):
        if section.id != EXPORT:
            continue
        reader = _Reader(section.content)
        for _ in range(reader.u32()):
            name, kind = reader.name(), reader.byte()
            reader.u32()
            if kind >= len(EXPORT_KINDS) or name in found:
                raise _malformed(f"export {name!r} is repeated or of unknown kind {kind}")
            found[name] = EXPORT_KINDS[kind]
    return found


def custom_section(name: str, content: bytes) -> bytes:
    """The bytes of a custom section; appended to a module they make it part of that."""
    encoded = name.encode()
    body = _leb128(len(encoded)) + encoded + content
    return bytes([CUSTOM]) + _leb128(len(body)) + body


def _leb128(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
