"""Locks where folders have none, as on Windows: on files that are named after the path that is meant, in the folder for temporary files.

The operating system gives these back, too, when their holder ends. The files stay; they are empty.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import portalocker
from portalocker import LockFlags

FOLDER = "webllm-build-locks"


class PathLock:
    """As locks.PathLock."""

    def __init__(self, file: IO[Any]) -> None:
        self._file: IO[Any] | None = file

    def release(self) -> None:
        if self._file is not None:
            portalocker.unlock(self._file)
            self._file.close()
            self._file = None

    def share(self, path: Path) -> None:
        shared = lock_shared(path)
        self.release()
        self._file = shared._file

    def holds(self, path: Path) -> bool:
        return self._file is not None and Path(self._file.name) == _lock_file(path)

    def __enter__(self) -> PathLock:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()


def lock(path: Path) -> PathLock | None:
    """As locks.lock."""
    return _lock(path, LockFlags.EXCLUSIVE | LockFlags.NON_BLOCKING)


def lock_shared(path: Path) -> PathLock:
    """As locks.lock_shared."""
    held = _lock(path, LockFlags.SHARED)
    assert held is not None  # it has waited
    return held


def lock_when_free(path: Path) -> PathLock:
    """As locks.lock_when_free."""
    held = _lock(path, LockFlags.EXCLUSIVE)
    assert held is not None  # it has waited
    return held


def _lock_file(path: Path) -> Path:
    name = hashlib.sha256(os.path.normcase(path.resolve()).encode("utf-8", "surrogatepass")).hexdigest()
    return Path(tempfile.gettempdir(), FOLDER, f"{name[:32]}.lock")


def _lock(path: Path, how: LockFlags) -> PathLock | None:
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there")
    name = _lock_file(path)
    name.parent.mkdir(exist_ok=True)
    file = name.open("ab")
    held = PathLock(file)
    try:
        portalocker.lock(file, how)
        if not path.exists():
            raise FileNotFoundError(f"{path} was removed meanwhile")
    except portalocker.AlreadyLocked:
        file.close()
        return None
    except BaseException:
        held.release()
        raise
    return held
