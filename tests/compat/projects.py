"""A project that uses the package: its programs' ways to ask, what runs its tools, and what serves its pages."""

from __future__ import annotations

import contextlib
import os
import runpy
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
NPM = runpy.run_path(str(TESTS.parent / "hatch_build.py"))["npm"]
# Under both names: its own, and that of WebLLM, whose place it takes.
NAMES = ("tiny", "@mlc-ai/web-llm")
ENGINES = ("the package's worker", "this thread", "WebLLM in this thread", "WebLLM in a worker of the program's", "the AI SDK")
FORMS = ("the Prompt API", "the element")


def answers(text: str) -> dict[str, str]:
    """What the programs are answered, by their ways to ask, where the model says this."""
    return {**dict.fromkeys(ENGINES, text), **dict.fromkeys(FORMS, "yes")}


Project = Callable[..., Path]
Ask = Callable[..., dict[str, str]]


@contextlib.contextmanager
def command(folder: Path, *words: str) -> Iterator[str]:
    """The address of a tool's server, whose command ends with its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen([*words, str(port)], cwd=folder, env=environment(folder), stdout=log, stderr=log, start_new_session=True)
        try:
            for _ in range(300):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                assert process.poll() is None, (folder / "server.log").read_text("utf-8", "replace")
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}/"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def run(folder: Path, *words: str) -> str:
    """Runs one of the project's programs; its output."""
    done = subprocess.run(words, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def environment(folder: Path) -> dict[str, str]:
    """Where the project's programs are found first."""
    programs = folder / "node_modules" / ".bin"
    return {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "NEXT_TELEMETRY_DISABLED": "1"}
