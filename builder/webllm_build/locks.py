"""Locks on folders. The operating system gives them back when their holder ends, however it ends, and they leave no file behind."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType


class FolderLock:
    """A lock that is held until it is released, or until the process ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def share(self) -> None:
        """Go on as one of several."""
        assert self._descriptor is not None
        _flock(self._descriptor, fcntl.LOCK_SH)

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()


def lock(folder: Path) -> FolderLock | None:
    """The folder for this holder alone; None where somebody else has it. Raises FileNotFoundError where it is not there."""
    return _lock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)


def lock_shared(folder: Path) -> FolderLock:
    """The folder for this and other sharing holders; waits for one that has it alone. Raises FileNotFoundError where it is not there."""
    held = _lock(folder, fcntl.LOCK_SH)
    assert held is not None  # it has waited
    return held


def _lock(folder: Path, how: int) -> FolderLock | None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    held = FolderLock(descriptor)
    try:
        _flock(descriptor, how)
        if not os.path.samestat(os.fstat(descriptor), folder.stat()):  # pathlib has no samestat
            raise FileNotFoundError(f"{folder} was replaced meanwhile")
    except BlockingIOError:
        held.release()
        return None
    except BaseException:
        held.release()
        raise
    return held


def _flock(descriptor: int, how: int) -> None:
    try:
        fcntl.flock(descriptor, how)
    except BlockingIOError:
        raise
    except OSError:
        pass  # some network file systems have no locks: builds there are the user's to keep apart
