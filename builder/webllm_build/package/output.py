"""Writing a result folder so that an older result stays whole until the new one is complete."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from webllm_build.errors import DiskFullError, OutputFolderError, PackageError
from webllm_build.package.fields import Fields

MARKER = ".webllm-build.json"
MARKER_FORMAT = 1


@dataclass(frozen=True)
class Marker:
    """Says that a folder is ours and which files in it are. manifest: path of the model's manifest, relative like `files`."""

    kind: str  # "site" or "npm"
    generator: str
    manifest: str
    files: tuple[str, ...]
    format: int = MARKER_FORMAT


def read_marker(folder: Path) -> Marker | None:
    """The marker of a folder that this program wrote; None for any other folder."""
    try:
        fields = Fields(json.loads((folder / MARKER).read_text()), "marker")
        files = tuple(Fields({"item": item}, "files").text("item") for item in fields.items("files"))
        marker = Marker(fields.text("kind"), fields.text("generator"), fields.text("manifest"), files, fields.count("format"))
    except (OSError, ValueError):
        return None
    inside = all(_is_inside(name) for name in (*marker.files, marker.manifest))
    return marker if inside and marker.format == MARKER_FORMAT else None


def check_output(out: Path) -> None:
    """Raise OutputFolderError unless `out` is absent, empty or ours. Worth calling before a long build."""
    if out.is_dir():
        if any(out.iterdir()) and read_marker(out) is None:
            raise OutputFolderError(f"{out} is not empty and was not written by webllm-build", "Choose another --out, or empty the folder.")
    elif out.exists() or out.is_symlink():
        raise OutputFolderError(f"{out} is not a folder", "Choose another --out.")


def publish(out: Path, kind: str, generator: str, manifest: str, fill: Callable[[Path], None], entry_points: tuple[str, ...]) -> Marker:
    """Let `fill` write into a folder beside `out`, then move its files into `out`, entry points last.

    Whatever fails before the move leaves `out` as it was. Files are moved whole, one by one, and not the folder: it may be served at
    this moment, be a mount, or hold files that are not ours (a .git, a CNAME), which stay. Files with the hash of their content in
    the name meet no older ones, so the older result works until its entry points are replaced. A move that is interrupted leaves a
    marker that names all files of both results: the next one replaces them. Files that only the previous result has are deleted last.
    """
    out = out.resolve()
    check_output(out)
    previous = read_marker(out)
    stage = out.parent / f".{out.name}.partial"
    with disk_errors(out, "--out"):
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir(parents=True)
        try:
            fill(stage)
            files = {path.relative_to(stage).as_posix() for path in stage.rglob("*") if path.is_file()}
            gone = set(previous.files) - files if previous else set()
            out.mkdir(exist_ok=True)
            _write_marker(out, stage, Marker(kind, generator, manifest, tuple(sorted(files | gone))))
            for name in [*sorted(files - set(entry_points)), *entry_points]:
                (out / name).parent.mkdir(parents=True, exist_ok=True)
                (stage / name).replace(out / name)
            _remove(out, gone)
            marker = Marker(kind, generator, manifest, tuple(sorted(files)))
            _write_marker(out, stage, marker)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    return marker


def _write_marker(out: Path, stage: Path, marker: Marker) -> None:
    written = stage / MARKER
    written.write_text(json.dumps(asdict(marker), indent=1) + "\n")
    written.replace(out / MARKER)


@contextmanager
def disk_errors(folder: Path, option: str) -> Iterator[None]:
    """Turn the operating system's refusals to write below `folder` into errors that name the option to change."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(f"no space left while writing {folder}", f"Free some space, or name another disk with {option}.") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise PackageError(f"{folder} cannot be written: {error.strerror}", f"Name a folder you may write to with {option}.") from error
        raise


def _remove(folder: Path, names: set[str]) -> None:
    for name in names:
        path = folder / name
        path.unlink(missing_ok=True)
        for parent in path.parents:
            if parent == folder or any(parent.iterdir()):
                break
            parent.rmdir()


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts and "\\" not in name
