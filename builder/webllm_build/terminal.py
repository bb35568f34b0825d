"""How a build shows on a terminal what it does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress as Bars,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from webllm_build.progress import Done, Unit

console = Console(stderr=True, highlight=False)

BAR_COLUMNS: dict[Unit, ProgressColumn] = {"bytes": DownloadColumn(), "steps": MofNCompleteColumn()}


class RichProgress:
    """A line per piece of work, with bytes or steps, the time that is left and the time it took."""

    @contextmanager
    def step(self, label: str, total: int | None = None, unit: Unit = "bytes") -> Iterator[Done]:
        left = () if total is None else (TimeRemainingColumn(),)
        amount = () if total is None else (BarColumn(bar_width=24), BAR_COLUMNS[unit])
        columns = (SpinnerColumn(finished_text=" "), TextColumn("{task.description}"), *amount, *left, TimeElapsedColumn())
        with Bars(*columns, console=console) as bars:
            task = bars.add_task(escape(label), total=total or None)  # shown as "?" until it is known
            yield lambda done, total=None: bars.update(task, completed=done, total=total)
            whole = bars.tasks[task].total or bars.tasks[task].completed or 1
            bars.update(task, total=whole, completed=whole)
