"""The command `chat`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from webllm_build import platforms
from webllm_build.errors import WebllmBuildError


def chat(
    folder: Annotated[Path, typer.Argument(help="A folder that `site` or `npm` wrote.")] = Path("dist"),
    system: Annotated[str | None, typer.Option(help="A system message.")] = None,
    prompt: Annotated[str | None, typer.Option(help="Answer this and end. Without it, text from a pipe is the prompt.")] = None,
    model: Annotated[str | None, typer.Option(help="The id of the model, where the folder has several.")] = None,
) -> None:
    """Talk to a built model in the terminal, on this machine's CPU. Needs Node. Ctrl+C stops an answer, or ends the chat where none runs.
    /image PATH shows the model a picture, a PNG file, with what is written next; /sound PATH lets it hear a WAV file.

    Examples:

      webllm-build chat dist

      webllm-build chat dist --prompt "Why is the sky blue?"
    """
    from webllm_build.chat import chat_command

    command = chat_command(folder, system, prompt, model)
    sys.stdout.flush()
    try:
        if platforms.WINDOWS:  # where a program that becomes another one has ended for its console
            sys.exit(subprocess.call(command))
        os.execv(command[0], command)
    except OSError as error:
        raise WebllmBuildError(f"{command[0]} does not start: {error.strerror}", "Give a shorter prompt, or install Node again.") from error
