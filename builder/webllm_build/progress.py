"""How long work is reported: the builder says what it does and how far it is; who shows it is not its business."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Literal, Protocol

Unit = Literal["bytes", "steps"]


class Progress(Protocol):
    """A view of the work."""

    def step(self, label: str, total: int | None = None, unit: Unit = "bytes") -> AbstractContextManager[Callable[[int], None]]:
        """One piece of work that takes a while. The context gives a function that is told how much is done so far, of `total`."""
        ...


class Silent:
    """Shows nothing."""

    @contextmanager
    def step(self, label: str, total: int | None = None, unit: Unit = "bytes") -> Iterator[Callable[[int], None]]:
        yield lambda done: None
