"""The command line: its commands, and how errors, notes and signals end."""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NoReturn, TextIO

import typer
from rich.markup import escape

from webllm_build import __version__, platforms
from webllm_build.commands.bench import bench
from webllm_build.commands.build import npm, site
from webllm_build.commands.chat import chat
from webllm_build.commands.check import check
from webllm_build.commands.doctor import doctor
from webllm_build.commands.init import init
from webllm_build.commands.inspect import inspect_command
from webllm_build.commands.models import models
from webllm_build.commands.publish import publish
from webllm_build.commands.serve import serve
from webllm_build.commands.upload import upload
from webllm_build.errors import ModelWarning, WebllmBuildError
from webllm_build.signals import OTHERS, handled
from webllm_build.terminal import console

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

INTERRUPTED, TERMINATED, HUNG_UP = 130, 143, 129  # 128 and the number of the signal, as shells have it


def main() -> NoReturn:
    """The `webllm-build` command: exit code 0, 1 for an error that says what to do, 2 for wrong usage, 128 + number for a signal."""
    warnings.showwarning = _show_warning
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a model's name may have letters that the terminal has not
    try:
        if sys.platform not in platforms.NAMES:
            raise WebllmBuildError(f"webllm-build does not run on {sys.platform}", "It runs on Linux, macOS and Windows.")
        _check_place()
        with handled(OTHERS, _end):
            app()
    except WebllmBuildError as error:
        console.print(f"[bold red]Error:[/] {escape(error.message)}", soft_wrap=True)
        if error.hint:
            console.print(escape(error.hint), soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        _say_interrupted(INTERRUPTED)
    except SystemExit as left:
        if left.code in (INTERRUPTED, TERMINATED, HUNG_UP):  # what typer makes of a KeyboardInterrupt, and _end of a signal
            _say_interrupted(int(left.code))
        raise
    sys.exit(0)


def _check_place() -> None:
    """Raises WebllmBuildError where relative paths lead nowhere."""
    try:
        Path.cwd()
    except OSError as error:
        raise WebllmBuildError("the folder that this is run in is gone", "Go to another one, or to the new one of its name: cd.") from error


def _end(number: int, frame: object) -> None:
    """Unwind as from Ctrl+C, so that unfinished files go."""
    sys.exit(128 + number)


def _say_interrupted(code: int) -> NoReturn:
    console.print("Interrupted.")
    sys.exit(code)


_show_others = warnings.showwarning


def _show_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: TextIO | None = None, line: str | None = None
) -> None:
    if issubclass(category, ModelWarning):
        console.print(f"[bold yellow]Note:[/] {escape(str(message))}", soft_wrap=True)
    else:
        _show_others(message, category, filename, lineno, file, line)


COMMANDS: dict[str, Callable[..., None]] = {
    "site": site,
    "npm": npm,
    "init": init,
    "serve": serve,
    "chat": chat,
    "bench": bench,
    "upload": upload,
    "publish": publish,
    "models": models,
    "inspect": inspect_command,
    "check": check,
    "doctor": doctor,
}
for name, command in COMMANDS.items():
    app.command(name)(command)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"webllm-build {__version__}")
        raise typer.Exit


@app.callback()
def callback(
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Compile a language model to WebGPU and WebAssembly and write a chat site or an npm package."""
