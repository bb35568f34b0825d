"""Files that outlast a power cut, and what to say where the operating system refuses to write."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from webllm_build import platforms
from webllm_build.errors import DiskFullError, PackageError

PROBE = ".partial-"
PAUSES = (0.02, 0.1, 0.3, 1.0)  # seconds


@contextmanager
def disk_errors(folder: Path, option: str) -> Iterator[None]:
    """Turn the operating system's refusals to write below `folder` into errors that name the option to change. A network's pass."""
    try:
        yield
    except OSError as error:
        if isinstance(error, (ConnectionError, TimeoutError)) or (error.errno or -1) < 0:  # URLError has none, gaierror its own
            raise
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(f"no space left while writing {folder}", f"Free some space, or name another disk with {option}.") from error
        # A name that is too long is not worth repeating.
        shown = str(folder) if len(str(folder)) <= 200 else f"{str(folder)[:200]}..."
        where = str(error.filename or "")
        inside = f" ({where})" if where and where != str(folder) and len(where) <= 300 else ""
        reason = error.strerror or str(error)
        raise PackageError(f"{shown} cannot be written: {reason}{inside}", f"Name a folder you may write to with {option}.") from error


def is_file(path: Path) -> bool:
    """Whether a file is there, also for a name that no file can have, or a link to itself."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """As `is_file`."""
    try:
        return path.is_dir()
    except OSError:
        return False


def check_folder(folder: Path) -> None:
    """Make it where it is not there, and see that files can be written in it. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    Path(tempfile.mkdtemp(prefix=PROBE, dir=folder)).rmdir()


def size_of(count: int) -> str:
    """Bytes, for people."""
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def check_space(folder: Path, size: int, option: str) -> None:
    """Raise DiskFullError where less than `size` bytes are free for what will be written below `folder`."""
    free = shutil.disk_usage(folder).free
    if free < size:
        hint = f"Free some space, or name another disk with {option}."
        raise DiskFullError(f"{folder} needs {size_of(size)}, and its disk has {size_of(free)} left", hint)


def move(source: Path, target: Path) -> None:
    """Give a file or folder another name, in the place of a file that has it. Raises OSError.

    On Windows nobody can while somebody has it open, as scanners of viruses do for a moment with what is new.
    """
    for pause in PAUSES if platforms.WINDOWS else ():
        try:
            source.replace(target)
            return
        except PermissionError as error:  # noqa: PERF203
            if target.is_dir():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from error
            time.sleep(pause)
    source.replace(target)


def sync(path: Path) -> None:
    """Have a file's content, or a folder's list of names, on the disk, and not only on its way there."""
    if platforms.WINDOWS and path.is_dir():
        return  # cannot be opened there, and needs no such thing
    descriptor = os.open(path, os.O_RDWR if platforms.WINDOWS else os.O_RDONLY)
    try:
        with suppress(OSError):  # some file systems cannot do this with folders
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """`sync` of a folder and everything below it."""
    for path in folder.rglob("*"):
        if not path.is_symlink():
            sync(path)
    sync(folder)
