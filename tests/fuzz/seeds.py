"""What campaigns are asked by whose every draw is a number, and which numbers they draw."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence


def asked(says: str | None, draws: str, devices: Sequence[str] = ()) -> argparse.Namespace:
    """The command line: seed, seconds, most (as --DRAWS), and device, by default the first of those named."""
    parser = argparse.ArgumentParser(description=says, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=170)
    parser.add_argument(f"--{draws}", dest="most", type=int, default=1 << 60)
    if devices:
        parser.add_argument("--device", choices=devices, default=devices[0])
    return parser.parse_args()


def numbers(given: argparse.Namespace) -> Iterator[int]:
    """From the seed on, for so many seconds from the first one on, `most` at most: one at least."""
    until, number = time.monotonic() + given.seconds, int(given.seed)
    while number < given.seed + given.most and (time.monotonic() < until or number == given.seed):
        yield number
        number += 1
