"""Ctrl+C and requests to end, for as long as nobody can be interrupted."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def held_back() -> Iterator[None]:
    """What would end the program waits until the block, or the function that this decorates, is left.

    TVM takes an exception in Python that it calls for an error of its own, which somebody may even survive.
    """
    if threading.current_thread() is not threading.main_thread():  # others get no signals
        yield
        return
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, frame: came.append(number)) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        if came:
            signal.raise_signal(came[0])
