"""The command `bench`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from webllm_build.chromium import Gpu
from webllm_build.terminal import console


def bench(
    folder: Annotated[Path, typer.Argument(help="A folder that `site` wrote.")] = Path("dist"),
    prompt_tokens: Annotated[int, typer.Option(min=1, help="Length of the prompt.")] = 512,
    output_tokens: Annotated[int, typer.Option(min=2, help="Length of an answer.")] = 256,
    runs: Annotated[int, typer.Option(min=0, help="Answers to take the median of, after one to warm up; 0 with --kernels: none.")] = 5,
    context: Annotated[list[int] | None, typer.Option(min=1, help="Also measure decoding after this many tokens; repeatable.")] = None,
    kernels: Annotated[bool, typer.Option("--kernels", help="Also profile each kernel.")] = False,
    variant: Annotated[str | None, typer.Option(help="Run this variant; default: the one that the browser would.")] = None,
    calibrate: Annotated[bool, typer.Option(help="Choose the fastest kernels for this GPU; else defaults by vendor.")] = True,
    gpu: Annotated[Gpu | None, typer.Option(help="How Chromium gets at the GPU; default: what suits this machine.")] = None,
    chromium: Annotated[Path | None, typer.Option(help="The browser's program; default: a Chromium or Chrome on PATH.")] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds that all of it may take.")] = 3600,
    json_file: Annotated[Path, typer.Option("--json", help="Where to save what was measured.")] = Path("bench.json"),
) -> None:
    """Measure a site's speed in a Chromium: load, answers, decoding, memory, kernels. Needs the extra [bench].

    Examples:

      webllm-build bench dist --runs 3

      webllm-build bench dist --kernels
    """
    from webllm_build.bench import BenchRequest, bench
    from webllm_build.disk import disk_errors

    request = BenchRequest(
        folder, prompt_tokens, output_tokens, runs, tuple(context or ()), kernels, variant, calibrate, gpu, chromium, timeout
    )
    with console.status("Starting the browser") as status:
        measured = bench(request, lambda line: status.update(escape(line)))
    report = measured.report
    out = Console(highlight=False)
    out.print(f"[bold]{escape(report['model'])}[/] ({report['quantization']}), variant {report['variant']}, on {escape(report['gpu'])}")
    for title, head, rows in measured.tables:
        table = Table(title=title, title_justify="left", box=SIMPLE)
        for column, name in enumerate(head):
            table.add_column(name, justify="right" if column else "left", overflow="fold")
        for row in rows:
            table.add_row(*map(escape, row))
        out.print(table)
    with disk_errors(json_file, "--json"):
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")
    console.print(f"Saved {escape(str(json_file))}")
