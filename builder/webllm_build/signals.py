"""Ctrl+C and requests to end, for as long as nobody can be interrupted."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# What ends a program beside Ctrl+C, where there is such.
OTHERS = tuple(number for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if (number := getattr(signal, name, None)))
ENDING = (signal.SIGINT, *OTHERS)


@contextmanager
def handled(numbers: tuple[signal.Signals, ...], handler: Callable[[int, object], None]) -> Iterator[None]:
    """Signals go to the handler; afterwards they are whose they were."""
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, owner in before.items():
            signal.signal(number, signal.SIG_DFL if owner is None else owner)


@contextmanager
def held_back() -> Iterator[None]:
    """What would end the program waits until the block, or the function that this decorates, is left.

    TVM takes an exception in Python that it calls for an error of its own, which somebody may even survive.
    """
    if threading.current_thread() is not threading.main_thread():  # others get no signals
        yield
        return
    came: list[int] = []
    try:
        with handled(ENDING, lambda number, frame: came.append(number)):
            yield
    finally:
        if came:
            signal.raise_signal(came[0])
