"""A result replaces an older one without harming it on failure, and touches nothing that is not ours."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from package_sample import tree
from webllm_build.errors import DiskFullError, OutputFolderError, PackageError
from webllm_build.package.output import MARKER, STAGE, MarkedModel, Marker, Stage, open_output, read_marker


def write(out: Path, files: dict[str, str]) -> Marker:
    def fill(stage: Stage) -> None:
        for name, text in files.items():
            stage.write(name, text.encode())

    with open_output(out) as output:
        return output.publish("site", (MarkedModel("model/m.json"),), fill, ("index.html",))


def fail_with(error: BaseException, out: Path) -> None:
    def fail(stage: Stage) -> None:
        stage.write("index.html", b"half")
        raise error

    with open_output(out) as output:
        output.publish("site", (MarkedModel("m"),), fill=fail, entry_points=("index.html",))


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

    with pytest.raises(RuntimeError):
        fail_with(RuntimeError("no"), out)
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


@pytest.mark.parametrize("out", ["dist", "new/dist"])
def test_a_failed_first_build_leaves_nothing(tmp_path: Path, out: str) -> None:
    with pytest.raises(DiskFullError, match="no space left"):
        fail_with(OSError(errno.ENOSPC, "No space left on device"), tmp_path / out)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.EXDEV, errno.EROFS])
def test_what_the_system_refuses_names_the_option(tmp_path: Path, number: int) -> None:
    with pytest.raises(PackageError, match="cannot be written") as caught:
        fail_with(OSError(number, os.strerror(number)), tmp_path / "dist")
    assert "--out" in caught.value.hint


@pytest.mark.parametrize("out", ["file/dist", "x" * 300, "file", "loop", "loop/dist"])
def test_an_output_that_cannot_be_a_folder_is_told_at_once(tmp_path: Path, out: str) -> None:
    (tmp_path / "file").write_text("a file")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(PackageError) as caught, open_output(tmp_path / out):
        pytest.fail("opened")
    assert "--out" in caught.value.hint
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "loop"]


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
    write(tmp_path, NEW)
    assert set(tree(tmp_path)) == {*NEW, MARKER}


@pytest.mark.parametrize("name", ["../victim", "/etc/passwd", "a/../../victim", "..\\victim", "", ".", "a/.", "./a", "a//b", "a\0b"])
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


def test_a_marker_nested_without_end_is_no_marker(tmp_path: Path) -> None:
    (tmp_path / MARKER).write_text('{"files": ' + "[" * 100_000)
    assert read_marker(tmp_path) is None


def test_a_second_build_into_the_same_folder_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "dist"
    with open_output(out) as first:
        with pytest.raises(OutputFolderError, match="another build is writing to"), open_output(tmp_path / "x" / ".." / "dist"):
            pytest.fail("opened")
        code = "import pathlib, sys; from webllm_build.package.output import open_output as o\nwith o(pathlib.Path(sys.argv[1])): pass"
        other = subprocess.run([sys.executable, "-c", code, str(out)], capture_output=True, text=True, check=False)
        assert "another build is writing to" in other.stderr
        first.publish("site", (MarkedModel("m"),), lambda stage: stage.write("index.html", b"1"), ("index.html",))
    write(out, NEW)


def test_what_is_moved_is_what_was_written(tmp_path: Path) -> None:
    out = tmp_path / "dist"
    write(out, OLD)
    before = tree(out)

    def meddle(stage: Stage) -> None:
        stage.write("index.html", b"new")
        stage.write("a.js", b"1")
        (stage.folder / "a.js").unlink()

    with pytest.raises(OutputFolderError, match=r"changed while it was written: a\.js"), open_output(out) as output:
        output.publish("site", (MarkedModel("m"),), meddle, ("index.html",))
    assert tree(out) == before


def test_what_a_killed_build_left_does_not_matter(tmp_path: Path) -> None:
    out = tmp_path / "dist"
    (out / f"{STAGE}x" / "model").mkdir(parents=True)
    (out / f"{STAGE}x" / "model" / "w.bin").write_text("w")
    write(out, NEW)
    assert set(tree(out)) == {*NEW, MARKER}


def test_a_folder_that_was_deleted_is_not_missed(tmp_path: Path) -> None:
    out = tmp_path / "dist"
    write(out, {**OLD, "weights/a/b.bin": "w"})
    shutil.rmtree(out / "weights")
    write(out, NEW)
    assert set(tree(out)) == {*NEW, MARKER}


def test_files_behind_a_link_are_not_deleted(tmp_path: Path) -> None:
    out = tmp_path / "dist"
    write(out, OLD)
    (out / "model").rename(tmp_path / "elsewhere")
    (out / "model").symlink_to(tmp_path / "elsewhere")
    write(out, NEW)
    assert (tmp_path / "elsewhere" / "w.1.bin").read_text() == "w"


@pytest.mark.parametrize("taken", ["assets/app.2.js", "assets"])
def test_what_is_in_the_way_is_told_before_anything_is_moved(tmp_path: Path, taken: str) -> None:
    out = tmp_path / "dist"
    write(out, {"index.html": "old"})
    if taken == "assets":
        (out / taken).write_text("mine")
    else:
        (out / taken).mkdir(parents=True)
    before = tree(out)
    with pytest.raises(OutputFolderError, match="belongs"):
        write(out, NEW)
    assert tree(out) == before


MOUNTED = """
import subprocess, sys
from pathlib import Path
from webllm_build.errors import PackageError
from webllm_build.package.output import MarkedModel, open_output

parent, out = Path(sys.argv[1]), Path(sys.argv[1]) / "dist"

def mount(folder):
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", str(folder)], check=True)

mount(parent)
mount(out)
mount(parent / "sealed")
for folder in (parent / "sealed", parent):
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
for folder in (parent / "sealed", parent / "sealed" / "new"):
    try:
        with open_output(folder):
            sys.exit("opened, to fail at the end of a long build")
    except PackageError as error:
        assert "--out" in error.hint, error
for text in (b"old", b"new"):
    with open_output(out) as output:
        def fill(stage):
            stage.write("index.html", text)
            stage.write("model/w.bin", text)
        output.publish("site", (MarkedModel("m"),), fill, ("index.html",))
    assert [(out / name).read_bytes() for name in ("index.html", "model/w.bin")] == [text, text]
    assert not list(out.rglob("*partial*"))
    mount(out / "model")
"""


def test_the_folder_and_one_in_it_may_be_mounts_and_its_parent_read_only(tmp_path: Path) -> None:
    own = ["unshare", "-rm"]
    if shutil.which("unshare") is None or subprocess.run([*own, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount in a namespace of their own")
    done = subprocess.run([*own, sys.executable, "-c", MOUNTED, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
