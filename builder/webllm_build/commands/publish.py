"""The command `publish`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from webllm_build.terminal import console


def publish(
    folder: Annotated[Path, typer.Argument(help="A folder that `npm` wrote.")] = Path("package"),
    tag: Annotated[str | None, typer.Option(help="npm's tag of this version, for `npm install NAME@TAG`; default: latest.")] = None,
    access: Annotated[Literal["public", "restricted"] | None, typer.Option(help="Who may install it; default: as npm does.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything except publishing.")] = False,
) -> None:
    """Publish a package on npm, after publint has looked at it; with provenance where a workflow can prove it. Needs Node.

    Example:

      webllm-build publish package --access public
    """
    from webllm_build.publish import publish as send

    named = send(folder, tag=tag, access=access, dry_run=dry_run)
    console.print(f"[bold green]{'Would publish' if dry_run else 'Published'}:[/] {escape(named)}")
