"""Locks on folders and files. The operating system gives them back when their holder ends, however it ends, and they leave no file behind.

They hold the folder itself, whatever it is called. Windows has no such thing: there it is the name that is locked.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType

if sys.platform == "win32":
    from webllm_build.locks_by_name import PathLock, lock, lock_shared
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
            """Go on as one of several. path: what it has come to be called."""
            assert self._descriptor is not None
            _flock(self._descriptor, fcntl.LOCK_SH)

        def __enter__(self) -> PathLock:
            return self

        def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
            self.release()

    def lock(path: Path) -> PathLock | None:
        """The path for this holder alone; None where somebody else has it. Raises FileNotFoundError where it is not there."""
        return _lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def lock_shared(path: Path) -> PathLock:
        """The path for this and other sharing holders; waits for one that has it alone. Raises FileNotFoundError where it is not there."""
        held = _lock(path, fcntl.LOCK_SH)
        assert held is not None  # it has waited
        return held

    def _lock(path: Path, how: int) -> PathLock | None:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY if path.is_dir() else os.O_RDWR)
        held = PathLock(descriptor)
        try:
            _flock(descriptor, how)
            if not os.path.samestat(os.fstat(descriptor), path.stat()):  # pathlib has no samestat
                raise FileNotFoundError(f"{path} was replaced meanwhile")
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


__all__ = ["PathLock", "lock", "lock_shared"]
