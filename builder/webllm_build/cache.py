"""Finished work, kept for the next build. An entry is a folder named by the digest of everything that its content depends on.

Entries appear whole or not at all. Several builds may run at once: an entry that one of them uses is locked, and stays. What an interrupted
build has done of an entry that resumes waits for the next one. The folder may be deleted whenever no build runs.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from webllm_build.disk import check_folder, disk_errors, move, sync, sync_tree
from webllm_build.errors import PackageError
from webllm_build.locks import PathLock, lock, lock_shared, lock_when_free

MAX_BYTES = 16 << 30
PARTIAL = ".partial-"
ENTRY = r"[a-z]+-[0-9a-f]{32}"
OURS = re.compile(rf"{ENTRY}|{re.escape(PARTIAL)}({ENTRY}|\w+)")
TAKEN = (errno.EEXIST, errno.ENOTEMPTY)  # what is said of a folder that is to have the name of another
ATTEMPTS = 5  # others may make or remove the same entry meanwhile
PARTIAL_SECONDS = 3600  # an unfinished entry that is older and that nobody holds belongs to a build that was killed


class Cache:
    """Used in a `with`: what its entries hold stays until then, and what is too much is removed at the end.

    max_bytes: what entries may take together; the ones not used for longest go first.
    """

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self._pins: list[PathLock] = []

    def __enter__(self) -> Cache:
        with disk_errors(self.folder, "--cache-dir"):
            check_folder(self.folder)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            with suppress(OSError):  # tidying up is never worth failing for
                self._evict()
        finally:
            for pin in self._pins:
                pin.release()
            self._pins.clear()

    def entry(
        self,
        kind: str,
        inputs: Mapping[str, object],
        make: Callable[[Path], None],
        intact: Callable[[Path], bool],
        *,
        resumes: bool = False,
    ) -> Path:
        """The folder for these inputs. `make` fills it where it is not there yet; what it raises leaves no entry behind.

        inputs: JSON values that determine the content, versions of the tools included.
        resumes: whether `make` goes on with what it left in the folder when it was interrupted.
        intact: whether an entry's files are as they were made; where they are not, it is made again.
        Raises DiskFullError or PackageError where the folder cannot be written.
        """
        digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
        target = self.folder / f"{kind}-{digest[:32]}"
        with disk_errors(self.folder, "--cache-dir"):
            self.folder.mkdir(parents=True, exist_ok=True)
            for _ in range(ATTEMPTS):
                if self._take(target, intact) or self._make(target, make, resumes):
                    return target
        hint = "Does another program use this folder? Name one with --cache-dir."
        raise PackageError(f"{target} is removed or changed again and again", hint)

    def has(self, kind: str) -> bool:
        """Whether there is an entry of this kind, or a part of one."""
        names = [path.name.removeprefix(PARTIAL) for path in self.folder.iterdir()]
        return any(re.fullmatch(ENTRY, name) and name.startswith(f"{kind}-") for name in names)

    def remove(self, entry: Path) -> None:
        """Have an entry that was taken made again: its content turned out to be damaged."""
        with disk_errors(self.folder, "--cache-dir"):
            self._remove(entry, self._pins)

    def _remove(self, entry: Path, held: Sequence[PathLock]) -> None:
        """Remove an entry that one of these holds. Another one in its place is what others have made anew, and use."""
        doomed = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=self.folder))
        with suppress(FileNotFoundError), lock_when_free(self.folder):  # so that nobody else removes it after the look
            if any(pin.holds(entry) for pin in held):
                move(entry, doomed / "entry")  # at once, so that nobody meets half of it
        shutil.rmtree(doomed, ignore_errors=True)

    def _take(self, target: Path, intact: Callable[[Path], bool]) -> bool:
        """Pin an entry that is there and as it was made."""
        try:
            pin = lock_shared(target)
        except FileNotFoundError:
            if target.is_symlink():  # to nothing
                target.unlink(missing_ok=True)
            return False
        if intact(target):
            with suppress(OSError):
                os.utime(target)
            self._pins.append(pin)
            return True
        with pin:
            self._remove(target, [pin])
        return False

    def _make(self, target: Path, make: Callable[[Path], None], resumes: bool) -> bool:
        """Make and pin an entry. False where another build made it meanwhile: that one is as good."""
        left = self._left(target) if resumes else None
        partial, pin = left or self._new()
        interrupted = False
        try:
            make(partial)
            sync_tree(partial)
            try:
                move(partial, target)
            except OSError as error:
                if error.errno in TAKEN:
                    return False
                raise
            sync(self.folder)
            try:
                pin.share(target)
            except FileNotFoundError:  # another build has removed it at once
                return False
            self._pins.append(pin)
            return True
        except (KeyboardInterrupt, SystemExit):
            interrupted = True
            raise
        finally:
            if pin not in self._pins:
                pin.release()
                if not (interrupted and left):
                    shutil.rmtree(partial, ignore_errors=True)

    def _new(self) -> tuple[Path, PathLock]:
        partial = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=self.folder))
        return partial, lock_shared(partial)

    def _left(self, target: Path) -> tuple[Path, PathLock] | None:
        """What was done of an entry, or a folder for it, for this build alone; None where another one works there."""
        partial = self.folder / f"{PARTIAL}{target.name}"
        with suppress(FileExistsError):  # exist_ok would look again, and another build may have renamed it by then
            partial.mkdir()
        try:
            pin = lock(partial)
        except FileNotFoundError:  # renamed meanwhile
            return None
        return None if pin is None else (partial, pin)

    def _evict(self) -> None:
        entries: list[tuple[float, Path]] = []
        for path in self.folder.iterdir():
            if OURS.fullmatch(path.name):  # the user may have named a folder with other things in it
                with suppress(FileNotFoundError):
                    entries.append((path.stat().st_mtime, path))
        total = 0
        for used, path in sorted(entries, reverse=True):
            if path.name.startswith(PARTIAL) and not re.fullmatch(ENTRY, path.name.removeprefix(PARTIAL)):
                if time.time() - used > PARTIAL_SECONDS:
                    self._remove_unless_used(path)
                continue
            total += _bytes(path)
            if total > self.max_bytes:
                self._remove_unless_used(path)

    def _remove_unless_used(self, path: Path) -> None:
        with suppress(FileNotFoundError):
            held = lock(path)
            if held is not None:
                with held:
                    self._remove(path, [held])


def _bytes(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):  # skips what is removed meanwhile
        for name in names:
            with suppress(FileNotFoundError):
                total += Path(parent, name).stat().st_size
    return total
