"""The cache: entries are whole or absent, keyed by content, and bounded."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from webllm_build import versions
from webllm_build.cache import PARTIAL, Cache
from webllm_build.errors import DiskFullError
from webllm_build.package.output import disk_errors
from webllm_build.versions import tool_versions


def writer(content: bytes, calls: list[bytes]) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        calls.append(content)
        (folder / "file").write_bytes(content)

    return make


def intact(folder: Path) -> bool:
    return (folder / "file").is_file()


def test_an_entry_is_made_once(tmp_path: Path) -> None:
    cache, calls = Cache(tmp_path / "cache"), list[bytes]()
    first = cache.entry("thing", {"a": 1, "b": [2]}, writer(b"x", calls), intact)
    again = cache.entry("thing", {"b": [2], "a": 1}, writer(b"y", calls), intact)
    assert first == again
    assert (first / "file").read_bytes() == b"x"
    assert calls == [b"x"]


@pytest.mark.parametrize(("kind", "inputs"), [("thing", {"a": 2}), ("thing", {"a": "1"}), ("other", {"a": 1}), ("thing", {})])
def test_other_inputs_are_another_entry(tmp_path: Path, kind: str, inputs: dict[str, object]) -> None:
    cache, calls = Cache(tmp_path), list[bytes]()
    first = cache.entry("thing", {"a": 1}, writer(b"x", calls), intact)
    assert cache.entry(kind, inputs, writer(b"y", calls), intact) != first
    assert calls == [b"x", b"y"]


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "file").write_bytes(b"half")
        raise ValueError("stop")

    cache = Cache(tmp_path)
    with pytest.raises(ValueError, match="stop"):
        cache.entry("thing", {}, fail, intact)
    assert list(tmp_path.iterdir()) == []
    assert (cache.entry("thing", {}, writer(b"x", []), intact) / "file").read_bytes() == b"x"


def test_a_damaged_entry_is_made_again(tmp_path: Path) -> None:
    cache, calls = Cache(tmp_path), list[bytes]()
    entry = cache.entry("thing", {}, writer(b"x", calls), intact)
    (entry / "file").unlink()
    assert (cache.entry("thing", {}, writer(b"x", calls), intact) / "file").read_bytes() == b"x"
    assert len(calls) == 2


def test_what_another_build_finished_meanwhile_is_taken(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    def slow(folder: Path) -> None:
        (folder / "file").write_bytes(b"slow")
        cache.entry("thing", {}, writer(b"quick", []), intact)

    assert (cache.entry("thing", {}, slow, intact) / "file").read_bytes() == b"quick"
    assert len(list(tmp_path.iterdir())) == 1


def test_the_longest_unused_entries_go_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, max_bytes=250)
    made = [cache.entry("thing", {"n": n}, writer(bytes(100), []), intact) for n in range(2)]
    for age, entry in zip((500, 900), made, strict=True):
        os.utime(entry, (1e9 - age, 1e9 - age))
    cache.entry("thing", {"n": 1}, writer(b"", []), intact)  # used now, so entry 0 is the oldest
    cache.entry("thing", {"n": 2}, writer(bytes(100), []), intact)
    assert [entry.is_dir() for entry in made] == [False, True]


def test_an_entry_larger_than_the_cache_is_still_usable(tmp_path: Path) -> None:
    assert (Cache(tmp_path, max_bytes=10).entry("thing", {}, writer(bytes(100), []), intact) / "file").is_file()


def test_a_full_disk_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "file").write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(DiskFullError, match="no space left") as caught, disk_errors(tmp_path, "--cache-dir"):
        Cache(tmp_path).entry("thing", {}, fill, intact)
    assert "with --cache-dir" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_leftovers_of_killed_builds_are_removed(tmp_path: Path) -> None:
    old, young = tmp_path / f"{PARTIAL}old", tmp_path / f"{PARTIAL}young"
    old.mkdir()
    young.mkdir()
    os.utime(old, (1e9, 1e9))
    Cache(tmp_path).entry("thing", {}, writer(b"x", []), intact)
    assert not old.exists()
    assert young.exists()


def test_versions_name_the_tools_and_cover_the_sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    known = tool_versions()
    assert known["gguf"] != "none"
    assert known["ziglang"] != "none"
    package = tmp_path / "builder" / "webllm_build"
    package.mkdir(parents=True)
    (package / "a.py").write_text("1")
    monkeypatch.setattr(versions, "PACKAGE", package)
    monkeypatch.setattr(versions, "WASM_SUPPORT", tmp_path / "wasm_support")
    first = tool_versions.__wrapped__()["sources"]
    (package / "a.py").write_text("2")
    assert tool_versions.__wrapped__()["sources"] != first
