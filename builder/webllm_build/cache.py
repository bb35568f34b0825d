"""Finished work, kept for the next build. An entry is a folder named by the digest of everything that its content depends on.

Entries appear whole or not at all, two builds may run at once, and the folder can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 16 << 30
PARTIAL = ".partial-"
PARTIAL_SECONDS = 24 * 3600  # an unfinished entry older than this belongs to a build that was killed


@dataclass(frozen=True)
class Cache:
    """max_bytes: what entries may take together; the ones not used for longest go first."""

    folder: Path
    max_bytes: int = MAX_BYTES

    def entry(self, kind: str, inputs: Mapping[str, object], make: Callable[[Path], None], intact: Callable[[Path], bool]) -> Path:
        """The folder for these inputs. `make` fills it where it is not there yet; what it raises leaves no entry behind.

        inputs: JSON values that determine the content, versions of the tools included.
        intact: whether an entry's files are as they were made; where they are not, it is made again.
        """
        digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
        target = self.folder / f"{kind}-{digest[:32]}"
        if target.is_dir() and intact(target):
            os.utime(target)
            return target
        shutil.rmtree(target, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=self.folder))
        try:
            make(partial)
            try:
                partial.rename(target)
            except OSError:
                if not target.is_dir():  # else another build was quicker, and its entry is as good
                    raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        self._evict(keep=target)
        return target

    def _evict(self, keep: Path) -> None:
        entries = [(path.stat().st_mtime, path) for path in self.folder.iterdir() if path.is_dir()]
        newest = max(time for time, _ in entries)
        total = 0
        for time, path in sorted(entries, reverse=True):
            if path.name.startswith(PARTIAL):
                doomed = newest - time > PARTIAL_SECONDS
            else:
                total += sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
                doomed = total > self.max_bytes and path != keep
            if doomed:
                shutil.rmtree(path, ignore_errors=True)
