"""Writing a result folder so that an older result stays whole until the new one is complete.

with open_output(out) as output:
    ...                             # the long work: nobody else writes there meanwhile
    output.publish("site", ...)
"""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from webllm_build import __version__
from webllm_build.disk import check_folder, disk_errors, move, sync_tree
from webllm_build.errors import DamagedEntry, OutputFolderError
from webllm_build.fields import Fields
from webllm_build.locks import PathLock, lock
from webllm_build.package.manifest import FileEntry

GENERATOR = f"webllm-build {__version__}"
MARKER = ".webllm-build.json"
MARKER_FORMAT = 1
MAX_MARKER_BYTES = 16 << 20
STAGE = ".webllm-build.partial-"
ATTEMPTS = 5  # others may make and remove the same folder meanwhile


@dataclass(frozen=True)
class MarkedModel:
    """A model of a result. manifest: path of its manifest in the folder. names: other names than its id."""

    manifest: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Marker:
    """Says that a folder is ours, which models are in it, and which files are ours, by their paths in it."""

    kind: str  # "site" or "npm"
    generator: str
    models: tuple[MarkedModel, ...]
    files: tuple[str, ...]
    format: int = MARKER_FORMAT


class Stage:
    """Where a result is put together. It remembers what was written, to be compared with what is there in the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, int] = {}
        self.digests: dict[str, str] = {}  # sha256, in hex

    def write(self, name: str, data: bytes) -> None:
        """A file of the result. name: its path, with slashes."""
        self._target(name).write_bytes(data)
        self.files[name] = len(data)
        self.digests[name] = hashlib.sha256(data).hexdigest()

    def copy(self, source: Path, name: str, entry: FileEntry) -> None:
        """A file that was made before. Raises DamagedEntry where its content is not that of `entry` any more."""
        digest = hashlib.sha256()
        with self._target(name).open("wb") as target:
            for chunk in _chunks(source):
                digest.update(chunk)
                target.write(chunk)
        if digest.hexdigest() != entry.sha256:
            raise DamagedEntry(
                f"{source} is damaged: its content is not what was written there",
                "Its disk or this machine's memory is faulty.",
                source.parent,
            )
        self.files[name], self.digests[name] = entry.bytes, entry.sha256

    def _target(self, name: str) -> Path:
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def check(self) -> None:
        """Raise OutputFolderError where files are not those that were written: somebody else writes there."""
        found = {path.relative_to(self.folder).as_posix(): path.stat().st_size for path in self.folder.rglob("*") if path.is_file()}
        if odd := sorted(name for name in found.keys() | self.files.keys() if found.get(name) != self.files.get(name)):
            raise OutputFolderError(
                f"{self.folder} was changed while it was written: {odd[0]}", "Build again, and let nothing else write there."
            )


@dataclass(frozen=True)
class Output:
    """A result's folder, locked. previous: the marker of the result in it, if any."""

    folder: Path
    previous: Marker | None

    def publish(self, kind: str, models: tuple[MarkedModel, ...], fill: Callable[[Stage], None], entry_points: tuple[str, ...]) -> Marker:
        """Let `fill` write into a folder of its own, then move its files into place, entry points last.

        Whatever fails before the move leaves the folder as it was. Files are moved whole, one by one, and not the folder: it may be
        served at this moment, be a mount, or hold files that are not ours (a .git, a CNAME), which stay. The stage lies inside, so that
        it is on the same disk and needs no permission elsewhere. Files with the hash of their content in the name meet no older ones, so
        the older result works until its entry points are replaced. A move that is interrupted leaves a marker that names all files of
        both results: the next one replaces them. Files that only the previous result has are deleted last.
        Raises OutputFolderError, DiskFullError, PackageError, DamagedEntry, and what `fill` raises.
        """
        with disk_errors(self.folder, "--out"):
            stage = Stage(Path(tempfile.mkdtemp(prefix=STAGE, dir=self.folder)))
            try:
                fill(stage)
                stage.check()
                _check_room(self.folder, stage.files)
                sync_tree(stage.folder)
                gone = set(self.previous.files) - set(stage.files) if self.previous else set()
                self._mark(stage, Marker(kind, GENERATOR, models, tuple(sorted({*stage.files, *gone}))))
                for name in [*sorted(set(stage.files) - set(entry_points)), *entry_points]:
                    (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                    _move(stage.folder / name, self.folder / name)
                _remove(self.folder, gone)
                marker = Marker(kind, GENERATOR, models, tuple(sorted(stage.files)))
                self._mark(stage, marker)
            finally:
                shutil.rmtree(stage.folder, ignore_errors=True)
        return marker

    def _mark(self, stage: Stage, marker: Marker) -> None:
        written = stage.folder / MARKER
        written.write_text(json.dumps(asdict(marker), indent=1) + "\n", "utf-8")
        move(written, self.folder / MARKER)


@contextmanager
def open_output(out: Path) -> Iterator[Output]:
    """The folder `out` for this build alone; it is made where it is not there, and goes again where it stays empty.

    Raises OutputFolderError where another build writes there, or where it holds what is not ours.
    """
    try:
        out = out.resolve()
    except (OSError, RuntimeError) as error:
        raise OutputFolderError(f"{out} leads nowhere: {error}", "Choose another --out.") from error
    with disk_errors(out, "--out"):
        if out.exists() and not out.is_dir():
            raise OutputFolderError(f"{out} is not a folder", "Choose another --out.")
        made = [folder for folder in (out, *out.parents) if not folder.exists()]
        try:
            held = _lock(out)
        except OSError:
            _remove_empty(made)
            raise
    if held is None:
        raise OutputFolderError(f"another build is writing to {out}", "Wait until it is done, or choose another --out.")
    with held:
        try:
            for left in out.glob(f"{STAGE}*"):  # of a build that was killed: nobody else holds the lock
                shutil.rmtree(left, ignore_errors=True)
            previous = read_marker(out)
            if previous is None and any(out.iterdir()):
                hint = "Choose another --out, or empty the folder."
                raise OutputFolderError(f"{out} is not empty and was not written by webllm-build", hint)
            yield Output(out, previous)
        finally:
            _remove_empty(made)  # while it is locked, so that nobody has begun to use it


def _lock(out: Path) -> PathLock | None:
    for _ in range(ATTEMPTS - 1):
        with suppress(FileNotFoundError, FileExistsError):  # another build had made it, failed, and removes it again
            check_folder(out)
            return lock(out)
    check_folder(out)
    return lock(out)


def _remove_empty(folders: Iterable[Path]) -> None:
    with suppress(OSError):  # not empty, or not there
        for folder in folders:
            folder.rmdir()


def read_marker(folder: Path) -> Marker | None:
    """The marker of a folder that this program wrote; None for any other folder."""
    try:
        with (folder / MARKER).open("rb") as file:
            fields = Fields(json.loads(file.read(MAX_MARKER_BYTES)), "marker")
        models = tuple(MarkedModel(model.text("manifest"), model.texts("names")) for model in fields.objects("models"))
        marker = Marker(fields.text("kind"), fields.text("generator"), models, fields.texts("files"), fields.count("format"))
    except (OSError, ValueError, RecursionError):
        return None
    inside = all(_is_inside(name) for name in (*marker.files, *(model.manifest for model in models)))
    return marker if inside and models and marker.format == MARKER_FORMAT else None


def own_marker(folder: Path, fix: str) -> Marker:
    """As `read_marker`; raises OutputFolderError, which says `fix`, for a folder of others."""
    marker = read_marker(folder)
    if marker is None:
        raise OutputFolderError(f"{folder} was not written by webllm-build", fix)
    return marker


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                yield chunk
    except OSError as error:
        raise DamagedEntry(f"{path} cannot be read: {error.strerror}", "Its disk may be faulty.", path.parent) from error


def _check_room(out: Path, files: Mapping[str, int]) -> None:
    """Raise OutputFolderError where something that is not ours has the place of a file of the result, or of one of its folders."""
    for name in files:
        if (out / name).is_dir():
            raise OutputFolderError(
                f"{out / name} is a folder, where a file of the result belongs", "Move it away, or choose another --out."
            )
        for parent in PurePosixPath(name).parents:
            if (out / parent).exists() and not (out / parent).is_dir():
                raise OutputFolderError(f"{out / parent} is a file, where a folder belongs", "Move it away, or choose another --out.")


def _move(source: Path, target: Path) -> None:
    try:
        move(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # A folder of the result is another disk, or a link to one.
        near = Path(tempfile.mkdtemp(prefix=STAGE, dir=target.parent))
        try:
            shutil.copyfile(source, near / "copy")
            sync_tree(near)
            move(near / "copy", target)
        finally:
            shutil.rmtree(near, ignore_errors=True)


def _remove(out: Path, names: set[str]) -> None:
    """Delete files, and folders that are then empty. Links are not followed: what lies behind them is not ours."""
    for name in names:
        parents = [out / parent for parent in PurePosixPath(name).parents][:-1]
        if any(parent.is_symlink() for parent in parents):
            continue
        with suppress(OSError):  # it is gone already, or has become a folder
            (out / name).unlink()
        with suppress(OSError):  # not empty, or gone
            for parent in parents:
                parent.rmdir()


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    plain = bool(path.parts) and not path.is_absolute() and ".." not in path.parts and str(path) == name
    return plain and "\\" not in name and "\0" not in name
