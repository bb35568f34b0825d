"""Locks on folders and files. The operating system gives them back when their holder ends, however it ends, and they leave no file behind.

They hold the folder itself, whatever it is called. Windows has no such thing: there it is the name that is locked.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType

if sys.platform == "win32":
    from webllm_build.locks_by_name import PathLock, lock, lock_shared, lock_when_free
else:
    import fcntl

    class PathLock:
        """A lock that is held until it is released, or until the process ends."""

        def __init__(self, descriptor: int) -> None:
            self._descriptor: int | None = descriptor

        def release(self) -> None:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

        def share(self, path: Path) -> None:
            """Go on as one of several. path: what it has come to be called. Raises FileNotFoundError where it is gone again."""
            assert self._descriptor is not None
            _flock(self._descriptor, fcntl.LOCK_SH)  # gives the lock back before it takes the other one
            if not self.holds(path):
                raise FileNotFoundError(f"{path} was removed meanwhile")

        def holds(self, path: Path) -> bool:
            """Whether the path is what is locked, and nothing that was put in its place."""
            assert self._descriptor is not None
            try:
                return os.path.samestat(os.fstat(self._descriptor), path.stat())  # pathlib has no samestat
            except FileNotFoundError:
                return False

        def __enter__(self) -> PathLock:
            return self

        def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
            self.release()

    def lock(path: Path) -> PathLock | None:
        """The path for this holder alone; None where somebody else has it. Raises FileNotFoundError where it is not there."""
        return _lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def lock_when_free(path: Path) -> PathLock:
        """As `lock`; waits for those who have it."""
        held = _lock(path, fcntl.LOCK_EX)
        assert held is not None  # it has waited
        return held

    def lock_shared(path: Path) -> PathLock:
        """The path for this and other sharing holders; waits for one that has it alone. Raises FileNotFoundError where it is not there."""
        held = _lock(path, fcntl.LOCK_SH)
        assert held is not None  # it has waited
        return held

    def _lock(path: Path, how: int) -> PathLock | None:
        descriptor = _open(path)
        held = PathLock(descriptor)
        try:
            _flock(descriptor, how)
            if not held.holds(path):
                raise FileNotFoundError(f"{path} was replaced meanwhile")
        except BlockingIOError:
            held.release()
            return None
        except BaseException:
            held.release()
            raise
        return held

    def _open(path: Path) -> int:
        """To read and write, as network file systems want of a file's lock; a folder can be opened to read alone."""
        try:
            return os.open(path, os.O_RDWR)
        except IsADirectoryError:  # to look before would be too early: others may put a folder there meanwhile
            return os.open(path, os.O_RDONLY)

    def _flock(descriptor: int, how: int) -> None:
        try:
            fcntl.flock(descriptor, how)
        except BlockingIOError:
            raise
        except OSError:
            pass  # some network file systems have no locks: builds there are the user's to keep apart


__all__ = ["PathLock", "lock", "lock_shared", "lock_when_free"]
