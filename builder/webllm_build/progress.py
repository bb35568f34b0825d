"""How long work is reported: the builder says what it does and how far it is; who shows it is not its business."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Literal, Protocol

Unit = Literal["bytes", "steps"]


class Done(Protocol):
    """Told how much of a step is done so far, and the total where that has only become known."""

    def __call__(self, done: int, /, total: int | None = None) -> None: ...


class Progress(Protocol):
    """A view of the work. Steps follow one another and do not nest."""

    def step(self, label: str, total: int | None = None, unit: Unit = "bytes") -> AbstractContextManager[Done]:
        """One piece of work. total: None where there is nothing to count, 0 where it is not known yet."""
        ...


class Silent:
    """Shows nothing."""

    @contextmanager
    def step(self, label: str, total: int | None = None, unit: Unit = "bytes") -> Iterator[Done]:
        yield lambda done, total=None: None
