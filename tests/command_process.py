"""The command line in a process of its own that runs many commands: it loads the compiler once, and its catalog is of tiny models."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from webllm_build import catalog


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


class CommandProcess:
    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def run(self, folder: Path, arguments: Sequence[str]) -> Done:
        """Of `webllm-build ARGUMENTS` in that folder."""
        return self._pool.submit(_run, folder, arguments).result()


@contextmanager
def start(environment: Mapping[str, str], sources: Mapping[str, str]) -> Iterator[CommandProcess]:
    """environment: beside what is set here. sources: what models of the catalog are, by their kind."""
    with ProcessPoolExecutor(1, get_context("spawn"), _prepare, (environment, sources)) as pool:
        yield CommandProcess(pool)


def _prepare(environment: Mapping[str, str], sources: Mapping[str, str]) -> None:
    """Before anything is imported that reads either."""
    os.environ.update(environment)
    catalog.CATALOG = catalog.Catalog(tuple(replace(entry, source=sources[entry.kind]) for entry in catalog.CATALOG.entries))


def _run(folder: Path, arguments: Sequence[str]) -> Done:
    from webllm_build import cli

    os.chdir(folder)
    sys.argv = ["webllm-build", *arguments]
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        try:
            cli.main()
        except SystemExit as left:
            return Done(int(left.code or 0), out.getvalue(), err.getvalue())
