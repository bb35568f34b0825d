"""A result replaces an older one without harming it on failure, and touches nothing that is not ours."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from package_sample import tree
from webllm_build.errors import DiskFullError, OutputFolderError, PackageError
from webllm_build.package.output import MARKER, Marker, check_output, publish, read_marker


def write(out: Path, files: dict[str, str]) -> Marker:
    def fill(stage: Path) -> None:
        for name, text in files.items():
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            (stage / name).write_text(text)

    return publish(out, "site", "test 1", "model/m.json", fill, ("index.html",))


OLD = {"index.html": "old", "assets/app.1.js": "1", "model/w.1.bin": "w"}
NEW = {"index.html": "new", "assets/app.2.js": "2"}


def test_a_new_result_replaces_the_old_one(tmp_path: Path) -> None:
    out = tmp_path / "dist"
    write(out, OLD)
    marker = write(out, NEW)
    assert set(tree(out)) == {*NEW, MARKER}
    assert marker == read_marker(out)
    assert marker.files == ("assets/app.2.js", "index.html")
    assert not (out / "model").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["dist"]


def test_files_that_are_not_ours_stay(tmp_path: Path) -> None:
    out = tmp_path / "dist"
    write(out, OLD)
    (out / "CNAME").write_text("example.org")
    (out / "model" / "notes.txt").write_text("mine")
    write(out, NEW)
    assert (out / "CNAME").read_text() == "example.org"
    assert (out / "model" / "notes.txt").read_text() == "mine"


def test_a_failure_leaves_the_old_result_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "dist"
    write(out, OLD)
    before = tree(out)

    def fail(stage: Path) -> None:
        (stage / "index.html").write_text("half")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        publish(out, "site", "test 1", "m", fail, ("index.html",))
    assert tree(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["dist"]


@pytest.mark.parametrize("old", [{}, OLD], ids=["first", "later"])
@pytest.mark.parametrize("moves", range(3))
def test_an_interrupted_move_is_mended_by_the_next_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: dict[str, str], moves: int
) -> None:
    """moves: files that are in place when it happens; the marker is the first."""
    out = tmp_path / "dist"
    if old:
        write(out, old)
    before = tree(out) if old else {}
    replace, done = Path.replace, 0

    def interrupted(self: Path, target: Path) -> Path:
        nonlocal done
        done += 1
        if done > moves:
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "replace", interrupted)
        write(out, NEW)
    after = tree(out)
    assert {name: after.get(name) for name in old} == {name: before[name] for name in old}  # the older result still works
    assert write(out, NEW) == read_marker(out)
    assert set(tree(out)) == {*NEW, MARKER}


def test_a_failed_first_build_leaves_nothing(tmp_path: Path) -> None:
    def fail(stage: Path) -> None:
        (stage / "index.html").write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskFullError, match="no space left"):
        publish(tmp_path / "dist", "site", "test 1", "m", fail, ("index.html",))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_may_not_be_written_is_an_error_of_its_own(tmp_path: Path) -> None:
    def fail(stage: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    with pytest.raises(PackageError, match="cannot be written"):
        publish(tmp_path / "dist", "site", "test 1", "m", fail, ())


@pytest.mark.parametrize("content", ["absent", "{}", "[1]", json.dumps({"format": 1, "kind": "site"})])
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    if content != "absent":
        (tmp_path / MARKER).write_text(content)
    with pytest.raises(OutputFolderError, match="not empty"):
        write(tmp_path, NEW)
    assert (tmp_path / "thesis.txt").read_text() == "precious"
    assert not (tmp_path / "index.html").exists()


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dist").write_text("a file")
    with pytest.raises(OutputFolderError, match="not a folder"):
        write(tmp_path / "dist", NEW)


def test_an_empty_folder_is_fine(tmp_path: Path) -> None:
    check_output(tmp_path)
    check_output(tmp_path / "absent")
    write(tmp_path, NEW)


@pytest.mark.parametrize("name", ["../victim", "/etc/passwd", "a/../../victim", "..\\victim", ""])
def test_a_marker_cannot_delete_outside(tmp_path: Path, name: str) -> None:
    out = tmp_path / "dist"
    write(out, OLD)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    marker = json.loads((out / MARKER).read_text())
    marker["files"].append(name)
    (out / MARKER).write_text(json.dumps(marker))
    with pytest.raises(OutputFolderError):
        write(out, NEW)
    assert victim.read_text() == "precious"
