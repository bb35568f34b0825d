"""What another build does between two steps of this one: the worst moment is made by hand, and comes each time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

import pytest

from webllm_build import cache as caches, disk, locks
from webllm_build.cache import Cache
from webllm_build.package import output
from webllm_build.serve import SiteHandler, make_server


def writer(content: bytes) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / "file").write_bytes(content)

    return make


def intact(folder: Path) -> bool:
    return (folder / "file").is_file()


@pytest.mark.parametrize("turn", [1, 2])
@pytest.mark.parametrize("becomes", ["a folder", "a file"])
def test_a_path_may_become_a_folder_or_a_file_while_it_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, becomes: str, turn: int
) -> None:
    path, opens, opened = tmp_path / "path", os.open, list[int]()
    if becomes == "a folder":
        path.write_text("")
    else:
        path.mkdir()

    def change_and_open(name: Path, flags: int) -> int:
        opened.append(flags)
        if len(opened) == turn and becomes == "a folder":
            path.unlink()
            path.mkdir()
        elif len(opened) == turn:
            path.rmdir()
            path.write_text("")
        return opens(name, flags)

    monkeypatch.setattr(os, "open", change_and_open)
    with locks.lock_shared(path) as held:
        assert held.holds(path)


def test_what_is_gone_when_its_lock_is_shared_is_not_held(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with locks.lock_shared(tmp_path / "a") as held:
        (tmp_path / "a").rmdir()
        with pytest.raises(FileNotFoundError):
            held.share(tmp_path / "a")


def test_a_damaged_entry_that_another_build_has_made_anew_is_taken(tmp_path: Path) -> None:
    """Also where that happens between the look at it and its removal."""
    with Cache(tmp_path) as cache, Cache(tmp_path) as other:
        entry = cache.entry("thing", {}, writer(b"old"), intact)
        (entry / "file").unlink()

        def look(folder: Path) -> bool:
            found = intact(folder)
            if not found:
                other.entry("thing", {}, writer(b"theirs"), intact)
            return found

        cache.entry("thing", {}, writer(b"mine"), look)
        assert (entry / "file").read_bytes() == b"theirs"


def test_damage_that_two_builds_have_met_is_removed_once(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache, Cache(tmp_path) as other:
        for each in (cache, other):
            entry = each.entry("thing", {}, writer(b"old"), intact)
        other.remove(entry)
        other.entry("thing", {}, writer(b"theirs"), intact)
        cache.remove(entry)
        assert (entry / "file").read_bytes() == b"theirs"
        other.remove(entry)
        assert not entry.exists()


def test_an_entry_may_be_gone_again_when_its_name_was_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moves = disk.move

    def move(source: Path, target: Path) -> None:
        monkeypatch.setattr(caches, "move", moves)
        with Cache(tmp_path, max_bytes=0) as other:
            other.entry("thing", {}, writer(b"theirs"), intact)
            try:
                moves(source, target)
            finally:
                other.remove(target)

    monkeypatch.setattr(caches, "move", move)
    with Cache(tmp_path) as cache:
        entry = cache.entry("thing", {}, writer(b"mine"), intact)
        assert (entry / "file").read_bytes() == b"mine"


def test_a_folder_that_another_build_made_and_removes_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check = disk.check_folder

    def check_folder(folder: Path) -> None:
        monkeypatch.setattr(output, "check_folder", check)
        raise FileNotFoundError(folder)  # it was there, and its probe could not be made

    monkeypatch.setattr(output, "check_folder", check_folder)
    with output.open_output(tmp_path / "out") as opened:
        assert opened.folder.is_dir()


def test_a_folder_is_removed_while_nobody_can_have_begun_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remove, found = output._remove_empty, list[object]()

    def removed(folders: list[Path]) -> None:
        found.append(locks.lock(tmp_path / "out"))
        remove(folders)

    monkeypatch.setattr(output, "_remove_empty", removed)
    with output.open_output(tmp_path / "out"):
        pass
    assert found == [None]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("change", ["removed", "replaced"])
def test_a_site_may_be_built_again_while_it_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    page, find, send = tmp_path / "index.html", SiteHandler._file, SiteHandler._send
    page.write_text("old")

    def found(self: SiteHandler) -> Path | None:
        path = find(self)
        if change == "removed":
            page.unlink()
        return path

    def sent(self: SiteHandler, path: Path, *rest: object) -> None:
        (tmp_path / "new").write_text("newer")
        (tmp_path / "new").replace(page)
        send(self, path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(SiteHandler, "_file", found)
    monkeypatch.setattr(SiteHandler, "_send", sent)
    with make_server(tmp_path, 0) as server:
        threading.Thread(target=server.handle_request).start()
        connection = HTTPConnection("127.0.0.1", server.server_port, timeout=60)
        connection.request("GET", "/")
        response = connection.getresponse()
        assert (response.status, response.read()) == ((404, b"404 Not Found\n") if change == "removed" else (200, b"old"))
        connection.close()
