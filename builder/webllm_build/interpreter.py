"""Other Pythons. By `-m` and `-c` they would import first from the folder that one is in: a model's, or anybody's repository."""

from __future__ import annotations

import sys
from pathlib import Path

START = (
    "import sys; sys.path[:] = filter(None, sys.path); import runpy; name = sys.argv.pop(1); "
    "(runpy.run_path if name.endswith('.py') else runpy.run_module)(name, run_name='__main__')"
)


def python(program: Path | str, *arguments: str) -> list[str]:
    """The command that runs a file, whose folder is not on the path of imports either, or a module that is installed."""
    return [sys.executable, "-c", START, str(program), *arguments]
