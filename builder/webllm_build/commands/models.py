"""The command `models`."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from webllm_build.terminal import console


def models(
    words: Annotated[str, typer.Argument(metavar="[FILTER]", help="Words to find in a model's names, kind, licence or architecture.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")] = False,
) -> None:
    """List the models that --model knows by name, with their sizes.

    Examples:

      webllm-build models "llama 3.2"

      webllm-build models embed --json
    """
    from webllm_build.listing import ListedModel, MissingModel, list_models

    listed = [*list_models(words)]
    known = [item for item in listed if isinstance(item, ListedModel)]
    if as_json:
        print(json.dumps([item.to_json() for item in known], indent=1))
        return
    table = Table(box=SIMPLE)
    for column, name in enumerate(("Name", "Kind", "Takes", "Parameters", "Download", "At 4k", "Context", "Licence", "From")):
        table.add_column(name, justify="right" if 3 <= column <= 6 else "left", overflow="fold")
    for item in known:
        sizes = (f"{item.parameters / 1e9:.2f} B", f"{item.download['auto'] / 1e9:.2f} GB", f"{item.memory / 1e9:.2f} GB")
        entry = item.entry
        origin = entry.source.partition("@")[0].partition("==")[0] + (" (a copy)" if entry.original else "")
        table.add_row(entry.name, entry.kind, ", ".join(item.takes), *sizes, f"{item.context_length:,}", entry.license, escape(origin))
    Console(highlight=False, width=None if sys.stdout.isatty() else 140).print(table)
    missing: dict[str, list[str]] = {}
    for each in listed:
        if isinstance(each, MissingModel):
            missing.setdefault(each.why, []).append(each.entry.name)
    for why, names in missing.items():
        console.print(f"Not in this version: {', '.join(names)} ({escape(why)})", soft_wrap=True)
