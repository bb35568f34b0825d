"""Reading sections: well-formed modules give their content, hostile ones give MalformedFile and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings, strategies as st

from webllm_build.compile.wasm_sections import (
    EXPORT,
    HEADER,
    IMPORT,
    MAX_SECTIONS,
    custom_section,
    exports,
    import_count,
    read_custom_section,
)
from webllm_build.errors import MalformedFile

# One function import, then exports "f" (function 0) and "m" (memory 0), by the core specification.
IMPORTS = bytes([IMPORT, 7, 1, 1, ord("a"), 1, ord("b"), 0, 0])
EXPORTS = bytes([EXPORT, 9, 2, 1, ord("f"), 0, 0, 1, ord("m"), 2, 0])


def test_custom_sections_come_back() -> None:
    long = bytes(range(256)) * 300  # lengths of one, two and three LEB128 bytes
    wasm = HEADER + EXPORTS + custom_section("one", b"x") + custom_section("two", b"y" * 200) + custom_section("long", long)
    assert read_custom_section(wasm, "one") == b"x"
    assert read_custom_section(wasm, "two") == b"y" * 200
    assert read_custom_section(wasm, "long") == long


def test_imports_and_exports() -> None:
    assert import_count(HEADER + IMPORTS) == 1 and import_count(HEADER + EXPORTS) == 0
    assert exports(HEADER + IMPORTS + EXPORTS) == {"f": "function", "m": "memory"}


@pytest.mark.parametrize(
    ("wasm", "why"),
    [
        (b"", "magic number"),
        (b"\0asm\2\0\0\0", "magic number"),
        (b"\0asm\1\0", "magic number"),
        (HEADER, "0 custom sections"),
        (HEADER + custom_section("plan", b"") * 2, "2 custom sections"),
        (HEADER + custom_section("plan", b"abc")[:-1], "bytes are announced"),
        (HEADER + b"\0\xff\xff\xff\xff\x0f", "4294967295 bytes are announced"),
        (HEADER + b"\0\xff\xff\xff\xff\x7f", "32 bits"),
        (HEADER + b"\0\x80\x80\x80\x80\x80\x80\x00", "32 bits"),
        (HEADER + b"\0", "bytes are announced"),
        (HEADER + b"\0\x02\x09x", "9 bytes are announced"),
        (HEADER + b"\0\x02\x01\xff", "not UTF-8"),
        (HEADER + custom_section("", b"") * (MAX_SECTIONS + 1), "sections"),
    ],
)
def test_malformed_module(wasm: bytes, why: str) -> None:
    with pytest.raises(MalformedFile, match=why):
        read_custom_section(wasm, "plan")


@pytest.mark.parametrize(
    "section",
    [
        bytes([EXPORT, 5, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]),
        bytes([EXPORT, 5, 1, 1, ord("f"), 9, 0]),
        bytes([EXPORT, 9, 2, 1, ord("f"), 0, 0, 1, ord("f"), 0, 0]),
    ],
    ids=["count", "kind", "repeated"],
)
def test_malformed_exports(section: bytes) -> None:
    with pytest.raises(MalformedFile):
        exports(HEADER + section)


@pytest.mark.parametrize("read", [lambda wasm: read_custom_section(wasm, "plan"), exports, import_count])
@settings(max_examples=300)
@given(body=st.binary(max_size=64))
def test_any_bytes_give_a_result_or_malformed_file(read: Callable[[bytes], object], body: bytes) -> None:
    try:
        read(HEADER + body)
    except MalformedFile as error:
        assert "WebAssembly" in error.message
