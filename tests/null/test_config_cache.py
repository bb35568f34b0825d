"""The cache: entries are whole or absent, keyed by content, and bounded."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from socket import gaierror
from types import SimpleNamespace
from urllib.error import URLError

import pytest

from tiny_site import TINY
from webllm_build import build as building, disk, versions
from webllm_build.cache import PARTIAL, Cache
from webllm_build.config import BuildRequest
from webllm_build.errors import DiskFullError, PackageError


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


def test_a_link_to_nothing_in_an_entrys_place_gives_way(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    entry = cache.entry("thing", {}, writer(b"x", []), intact)
    entry.rename(tmp_path / "elsewhere")
    entry.symlink_to("nowhere")
    assert (cache.entry("thing", {}, writer(b"y", []), intact) / "file").read_bytes() == b"y"
    assert not entry.is_symlink()


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit, ValueError])
def test_what_an_interrupted_build_left_is_gone_on_with(tmp_path: Path, end: type[BaseException]) -> None:
    found: list[str] = []

    def stop(folder: Path) -> None:
        (folder / "half").write_bytes(b"x")
        raise end

    def make(folder: Path) -> None:
        found.extend(path.name for path in folder.iterdir())
        (folder / "file").write_bytes(b"x")

    with pytest.raises(end), Cache(tmp_path) as cache:
        cache.entry("thing", {}, stop, intact, resumes=True)
    with Cache(tmp_path) as cache:
        entry = cache.entry("thing", {}, make, intact, resumes=True)
        assert found == ([] if end is ValueError else ["half"])
        with Cache(tmp_path) as other:  # which need not wait for the first
            assert other.entry("thing", {}, make, intact, resumes=True) == entry
    assert [*tmp_path.iterdir()] == [entry]


def test_two_builds_do_not_go_on_with_the_same(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    def slow(folder: Path) -> None:
        (folder / "file").write_bytes(b"slow")
        cache.entry("thing", {}, writer(b"quick", []), intact, resumes=True)

    assert (cache.entry("thing", {}, slow, intact, resumes=True) / "file").read_bytes() == b"quick"
    assert len(list(tmp_path.iterdir())) == 1


def test_what_was_interrupted_goes_where_it_is_too_much(tmp_path: Path) -> None:
    def stop(folder: Path) -> None:
        (folder / "half").write_bytes(bytes(100))
        raise KeyboardInterrupt

    for most in (100, 99):
        with suppress(KeyboardInterrupt), Cache(tmp_path, max_bytes=most) as cache:
            cache.entry("thing", {}, stop, intact, resumes=True)
        assert len(list(tmp_path.iterdir())) == (1 if most == 100 else 0)


def test_an_entry_that_never_stays_intact_ends_with_an_error(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        entry = cache.entry("thing", {}, writer(b"x", []), intact)
        with pytest.raises(PackageError, match="again and again"):

            def meddle(folder: Path) -> None:
                (folder / "file").write_bytes(b"mine")
                entry.mkdir(exist_ok=True)
                (entry / "theirs").write_bytes(b"theirs")

            cache.entry("thing", {}, meddle, lambda folder: False)


def test_what_another_build_finished_meanwhile_is_taken(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    def slow(folder: Path) -> None:
        (folder / "file").write_bytes(b"slow")
        cache.entry("thing", {}, writer(b"quick", []), intact)

    assert (cache.entry("thing", {}, slow, intact) / "file").read_bytes() == b"quick"
    assert len(list(tmp_path.iterdir())) == 1


def test_the_longest_unused_entries_go_first(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        made = [cache.entry("thing", {"n": n}, writer(bytes(100), []), intact) for n in range(2)]
    for age, entry in zip((500, 900), made, strict=True):
        os.utime(entry, (1e9 - age, 1e9 - age))
    with Cache(tmp_path) as cache:
        cache.entry("thing", {"n": 1}, writer(b"", []), intact)  # used now, so entry 0 is the oldest
    with Cache(tmp_path, max_bytes=250) as cache:
        cache.entry("thing", {"n": 2}, writer(bytes(100), []), intact)
    assert [entry.is_dir() for entry in made] == [False, True]


def test_what_a_build_uses_stays_until_its_end(tmp_path: Path) -> None:
    """However much it takes, and whoever else tidies up meanwhile."""
    with Cache(tmp_path, max_bytes=10) as cache:
        mine = [cache.entry(kind, {}, writer(bytes(100), []), intact) for kind in ("weights", "library")]
        with Cache(tmp_path, max_bytes=10) as other:
            theirs = other.entry("package", {}, writer(bytes(100), []), intact)
        tidy = "import sys; from pathlib import Path; from webllm_build.cache import Cache\nwith Cache(Path(sys.argv[1]), 10): pass"
        subprocess.run([sys.executable, "-c", tidy, str(tmp_path)], check=True)
        assert [(entry / "file").is_file() for entry in mine] == [True, True]
        assert not theirs.exists()
    with Cache(tmp_path, max_bytes=10):
        pass
    assert list(tmp_path.iterdir()) == []


def test_only_entries_are_ever_removed(tmp_path: Path) -> None:
    """The user may name a folder that holds other things."""
    for name in ("thesis", "photos-2024", ".partial", "weights-1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(bytes(100))
        os.utime(tmp_path / name, (1e9, 1e9))
    with Cache(tmp_path, max_bytes=10) as cache:
        cache.entry("thing", {}, writer(bytes(100), []), intact)
    assert len(list(tmp_path.iterdir())) == 5


MANY = """
import sys
from pathlib import Path
from webllm_build.cache import Cache

def make(folder):
    (folder / "file").write_bytes(bytes(100))

for n in range(60):
    with Cache(Path(sys.argv[1]), 500) as cache:
        entry = cache.entry("thing", {"n": n * int(sys.argv[2]) % 20}, make, lambda folder: (folder / "file").is_file())
        assert (entry / "file").stat().st_size == 100
"""


def test_builds_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    started = [subprocess.Popen([sys.executable, "-c", MANY, str(tmp_path), step], stderr=subprocess.PIPE, text=True) for step in "137"]
    for process in started:
        _, said = process.communicate()
        assert process.returncode == 0, said


def test_a_full_disk_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "file").write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(DiskFullError, match="no space left") as caught:
        Cache(tmp_path).entry("thing", {}, fill, intact)
    assert "with --cache-dir" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "failure",
    [URLError(gaierror(-2, "unknown")), gaierror(-3, "try again"), ConnectionResetError(errno.ECONNRESET, "reset"), TimeoutError("silent")],
)
def test_a_network_that_fails_is_no_folder_that_cannot_be_written(tmp_path: Path, failure: OSError) -> None:
    def fetch(folder: Path) -> None:
        raise failure

    with pytest.raises(type(failure)) as caught:
        Cache(tmp_path).entry("thing", {}, fetch, intact)
    assert caught.value is failure
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", ["file", "file/below", "x" * 300])
def test_a_folder_that_cannot_be_is_an_error_that_names_the_option(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").write_text("a file")
    with pytest.raises(PackageError, match="cannot be written") as caught:
        Cache(tmp_path / folder).entry("thing", {}, writer(b"x", []), intact)
    assert "--cache-dir" in caught.value.hint


def test_a_folder_that_cannot_be_written_is_told_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    with pytest.raises(PackageError, match="cannot be written") as caught, Cache(tmp_path / "cache"):
        pytest.fail("opened")
    assert "--cache-dir" in caught.value.hint


def test_too_little_space_is_told_with_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=2_000_000_000))
    disk.check_space(tmp_path, 2_000_000_000, "--out")
    with pytest.raises(DiskFullError, match=r"needs 4\.50 GB, and its disk has 2\.00 GB") as caught:
        disk.check_space(tmp_path, 4_500_000_000, "--out")
    assert "--out" in caught.value.hint
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=12_000))
    with pytest.raises(DiskFullError, match=r"needs 2\.9 MB, and its disk has 12\.0 kB left"):
        disk.check_space(tmp_path, 2_900_000, "--out")


def test_a_full_disk_of_the_cache_is_told_before_the_long_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def compiles(*arguments: object) -> None:
        raise AssertionError("the long work has begun")

    cache = tmp_path / "cache"
    monkeypatch.setattr(building, "_compile", compiles)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000 if Path(folder) == cache else 10**9))
    request = BuildRequest("site", models=(str(TINY),), out=tmp_path / "dist", cache_dir=cache)
    with pytest.raises(DiskFullError, match="cache needs") as caught:
        building.build(request)
    assert "--cache-dir" in caught.value.hint
    (cache / f".partial-weights-{'0' * 32}").mkdir()  # they may be there, at least in part
    with pytest.raises(AssertionError, match="has begun"):
        building.build(request)


def test_leftovers_of_killed_builds_are_removed(tmp_path: Path) -> None:
    old, young = tmp_path / f"{PARTIAL}old", tmp_path / f"{PARTIAL}young"
    old.mkdir()
    young.mkdir()
    os.utime(old, (1e9, 1e9))
    with Cache(tmp_path) as cache:
        cache.entry("thing", {}, writer(b"x", []), intact)
    assert not old.exists()
    assert young.exists()


def test_versions_name_the_tools_and_cover_the_sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    known = versions.made_by(versions.LIBRARY_SOURCES, versions.LIBRARY_TOOLS)
    assert set(known) == {"sources", *versions.LIBRARY_TOOLS}
    assert "none" not in known.values()
    package = tmp_path / "builder" / "webllm_build"
    for folder in ("compile", "source"):
        (package / folder).mkdir(parents=True)
        (package / folder / "a.py").write_text("1")
    monkeypatch.setattr(versions, "PACKAGE", package)
    monkeypatch.setattr(versions, "WASM_SUPPORT", tmp_path / "wasm_support")

    def sources(*folders: str) -> str:
        return versions.made_by.__wrapped__(folders, ())["sources"]

    before = {folder: sources(folder) for folder in ("compile", "source")}
    (package / "compile" / "a.py").write_text("2")
    assert sources("compile") != before["compile"]
    assert sources("source") == before["source"], "what an entry does not depend on does not matter"
    changed = sources("compile")
    (tmp_path / "wasm_support").mkdir()
    (tmp_path / "wasm_support" / "a.cc").write_text("3")
    assert sources("compile") != changed
