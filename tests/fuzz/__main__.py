"""Feeds readers with broken copies of what they read, and counts what they say.

    python tests/fuzz config --seconds 600 --seed 1        inputs 1, 2, 3, ... for ten minutes
    python tests/fuzz config --seed 4711 --inputs 1        one of them again, with its whole traceback
    python tests/fuzz                                      what there is

An input is its number: the same one is made of it each time. A reader may return, or raise a WebllmBuildError with words. All else is a
fault: another error, a warning that is not ours, more than 2 GiB, or 10 seconds of computing. Faults are told by where they arise, with a
number that shows each. Exit status 1: there are some.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent / "builder")]

from inputs import TARGETS, serve  # noqa: E402  # what it imports is found by the path above

ENVIRONMENT = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(TESTS.parent / "builder")}


@dataclass
class Found:
    """ends: how many inputs ended in which way. faults: by where they arise, the first input and what it shows."""

    inputs: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    faults: dict[str, tuple[int, str]] = field(default_factory=dict)

    def fault(self, number: int, where: str, shown: str) -> None:
        self.ends["FAULT"] += 1
        if where not in self.faults:
            self.faults[where] = (number, shown)
            print(f"input {number}: {where}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="?", choices=TARGETS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--inputs", type=int, default=1 << 60)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.target is None:
        print("\n".join(f"{name:14}{target.__doc__}" for name, target in TARGETS.items()))
        return 0
    if given.serve:
        serve(TARGETS[given.target])
        return 0
    found = campaign(given.target, given.seed, given.inputs, time.monotonic() + given.seconds)
    used = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF))
    print(f"{given.target}: {found.inputs} inputs from {given.seed} on, {used:.0f} s of a processor, {len(found.faults)} kinds of faults")
    print("".join(f"  {count:8} {end}\n" for end, count in found.ends.most_common()), end="")
    for where, (number, shown) in found.faults.items():
        print(f"\n{where}\n{shown}\nAgain: python tests/fuzz {given.target} --seed {number} --inputs 1")
    return 1 if found.faults else 0


def campaign(target: str, seed: int, inputs: int, until: float) -> Found:
    """Children play one input after the other; where one dies of an input, the next goes on behind it."""
    found, number = Found(), seed
    while number < seed + inputs and (time.monotonic() < until or number == seed):
        command = [sys.executable, __file__, target, "--serve"]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=ENVIRONMENT) as child:
            assert child.stdin and child.stdout and child.stderr
            while number < seed + inputs and (time.monotonic() < until or number == seed):
                answer = ask(child.stdin, child.stdout, number)
                found.inputs += 1
                number += 1
                if answer is None:
                    said = child.stderr.read().strip()
                    found.fault(number - 1, f"the process ends: {killer(said)}", said[-4000:])
                    break
                end, where, shown = answer
                if end == "FAULT":
                    found.fault(number - 1, where, shown)
                else:
                    found.ends[end] += 1
            child.kill()
    return found


def ask(stdin: IO[str], stdout: IO[str], number: int) -> tuple[str, str, str] | None:
    try:
        print(number, file=stdin, flush=True)
        end, where, shown = json.loads(stdout.readline())
    except (BrokenPipeError, ValueError):
        return None
    return end, where, shown


def killer(said: str) -> str:
    """Where a process was, by the first line of the builder's in what faulthandler wrote."""
    return next((line.strip() for line in said.splitlines() if "webllm_build" in line), said.splitlines()[-1] if said else "without a word")


if __name__ == "__main__":
    sys.exit(main())
