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


def _lock(path: Path, how: LockFlags) -> PathLock | None:
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there")
    folder = Path(tempfile.gettempdir(), FOLDER)
    folder.mkdir(exist_ok=True)
    name = hashlib.sha256(os.path.normcase(path.resolve()).encode("utf-8", "surrogatepass")).hexdigest()
    file = Path(folder, f"{name[:32]}.lock").open("ab")  # noqa: SIM115  open for as long as it is held
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
