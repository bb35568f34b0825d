"""What differs between operating systems: what is only elsewhere is asked for by these, so that tests can take one for another."""

from __future__ import annotations

import sys

NAMES = ("linux", "darwin", "win32")  # where this program runs
WINDOWS: bool = sys.platform.startswith("win")
