"""Work on several cores at once. NumPy and C work outside of Python's lock."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """That this process may run on: a container or taskset may leave it few of the machine's, which more threads would only make slower."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def in_parallel(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """What `work` gives for each item, in their order. What it raises is raised, and what has not begun by then is not begun."""
    pool = ThreadPoolExecutor(cores())
    try:
        return list(pool.map(work, items))
    finally:
        pool.shutdown(cancel_futures=True)
