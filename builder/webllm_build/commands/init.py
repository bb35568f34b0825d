"""The command `init`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from webllm_build.hosts import HOST_NAMES
from webllm_build.terminal import console


def init(
    folder: Annotated[Path, typer.Argument(help="Where the site will be built; made if it is not there.")] = Path(),
    model: Annotated[str | None, typer.Option(help="A name, hf:org/name, a folder or a .gguf file.")] = None,
    title: Annotated[str | None, typer.Option(help="Title of the page.")] = None,
    accent: Annotated[str | None, typer.Option(help="Color of buttons and links, as #rrggbb.")] = None,
    host: Annotated[str | None, typer.Option(help=f"Where it will be served: {', '.join(HOST_NAMES)}.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: take the defaults where no option is given.")] = False,
) -> None:
    """Begin a site: asks four questions and writes webllm.toml with comments, a README and what the host reads. Overwrites nothing.

    Examples:

      webllm-build init my-site

      webllm-build init my-site --yes --model qwen3-0.6b --title "Ask Ada" --accent "#7a1fa2" --host github-pages
    """
    from webllm_build.init import init as begin

    def ask(text: str, otherwise: str) -> str:
        try:
            answer: str = typer.prompt(text, default=otherwise, show_default=otherwise != "", err=True)
        except typer.Abort as aborted:  # Ctrl+C or the end of what is read
            console.print()
            raise KeyboardInterrupt from aborted
        return answer

    can_ask = not yes and sys.stdin is not None and sys.stdin.isatty()
    given = {"model": model, "title": title, "accent": accent, "host": host}
    begin(folder, given, ask if can_ask else None, lambda line: console.print(escape(line), soft_wrap=True))
    console.print(f"Then:  {'' if folder == Path() else f'cd {escape(shlex.quote(str(folder)))} && '}webllm-build site", soft_wrap=True)
