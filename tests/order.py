"""In which order the processes of `make test` take files of tests: so that they end together, and none of the cores waits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

TIMES: Path = Path(__file__).with_name("times.json")
BROWSERS = "tests/browser/"


def measured() -> dict[str, float]:
    """Seconds of a processor that each file takes, by its path in the repository: what `python tests/quick.py --measure` wrote."""
    times: dict[str, float] = json.loads(TIMES.read_text("utf-8"))
    return times


def in_order(files: Sequence[str], times: Mapping[str, float]) -> list[str]:
    """The longest first. Browsers often wait, kernels and compilers never: both kinds go on side by side, from the first file to the last.
    What was never measured may be long."""
    longest = sorted(files, key=lambda file: -times.get(file, float("inf")))
    kinds = [[file for file in longest if file.startswith(BROWSERS) == browser] for browser in (True, False)]
    placed: dict[str, float] = {}
    for kind in kinds:
        whole, taken = sum(times.get(file, 1.0) for file in kind), 0.0
        for file in kind:
            placed[file] = taken / max(whole, 1e-9)
            taken += times.get(file, 1.0)
    return sorted(longest, key=placed.__getitem__)
