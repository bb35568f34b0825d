"""What a contributor runs between two edits (`make quick`): lint, and as many tests of tests/null and of the runtime as fit into SECONDS.

python tests/quick.py             takes the quickest files, by the times in times.json, and those that are not in it
python tests/quick.py --measure   writes times.json: what each file takes of a processor, whatever else this machine does. `make test` takes
                                  all files in an order by it (order.py)
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from order import TIMES, measured

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 34
BESIDE = 15  # seconds of a processor for lint, when mypy knows what did not change, and for what starts tests
NODE = 0.2  # those that Node takes to begin with a file, which times.json leaves out
KINDS = ("browser", "gpu", "cpu", "tvm", "peer", "null")  # folders that `make test` runs
NPM = (sys.executable, "hatch_build.py", "npm")
CHILD_SUBREAPER = 36  # of prctl.h


@dataclass(frozen=True)
class Job:
    """A command, and what it is called."""

    name: str
    command: Sequence[str]


def files_of_tests() -> tuple[list[str], list[str]]:
    """Of the builder and of the runtime, by their paths here."""
    runtime = [*(ROOT / "runtime_js" / "test").glob("*.test.*"), *(ROOT / "sites").glob("*/test/*.test.*")]
    return _names((ROOT / "tests" / "null").glob("test_*.py")), _names(runtime)


def all_files_of_pytest() -> list[str]:
    return _names(path for kind in KINDS for path in (ROOT / "tests" / kind).glob("test_*.py"))


def _names(paths: Iterable[Path]) -> list[str]:
    return sorted(path.relative_to(ROOT).as_posix() for path in paths)


def chosen(times: Mapping[str, float], files: Sequence[str], seconds: float) -> set[str]:
    """The quickest files that take so many seconds together. What was never measured is among them."""

    def seconds_of(file: str) -> float:
        return times.get(file, 0.0) + (0.0 if file.endswith(".py") else NODE)

    taken, total = set(), 0.0
    for file in sorted(files, key=seconds_of):
        total += seconds_of(file)
        if total <= seconds:
            taken.add(file)
    return taken


def runtime_name(file: str) -> str:
    """As runtime_js/test/run.mjs calls it."""
    path = Path(file)
    name = path.name.rpartition(".")[0]
    return f"{path.parts[1]}_{name}" if path.parts[0] == "sites" else name


def pytest(files: Sequence[str], *options: str) -> Job:
    return Job("pytest", (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, *files))


def runtime(files: Sequence[str]) -> Job:
    return Job("runtime_js", (*NPM, "test", "--", *map(runtime_name, files)))


def run(job: Job) -> tuple[Job, int, str, float]:
    begun = time.monotonic()
    done = subprocess.run(job.command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False)
    return job, done.returncode, done.stdout + done.stderr, time.monotonic() - begun


def quick() -> int:
    cores = os.cpu_count() or 1
    times = measured()
    builder, scripts = files_of_tests()
    taken = chosen(times, [*builder, *scripts], SECONDS * cores - BESIDE)
    jobs = [
        runtime([file for file in scripts if file in taken]),
        pytest([file for file in builder if file in taken], "-n", str(cores), "--dist", "loadfile"),
        Job("mypy", (sys.executable, "-m", "mypy")),
        Job("TypeScript", (*NPM, "run", "check")),
        Job("ruff", (sys.executable, "-m", "ruff", "check")),
    ]
    begun, failed = time.monotonic(), 0
    with ThreadPoolExecutor(len(jobs)) as pool:
        for job, status, said, seconds in pool.map(run, jobs):
            print(f"{job.name}: {'passed' if status == 0 else 'FAILED'} in {seconds:.0f} s")
            if status:
                failed = 1
                print(said)
    left = len(builder) + len(scripts) - len(taken)
    print(f"{time.monotonic() - begun:.0f} seconds; {left} of {len(builder) + len(scripts)} files of tests were left to `make test`")
    return failed


def measure() -> int:
    """What all files of a kind take, as they are started alone here, is left out."""
    times: dict[str, float] = {}
    if platform.system() == "Linux":  # what a browser leaves behind is waited for here, and counts; elsewhere it does not
        ctypes.CDLL(None).prctl(CHILD_SUBREAPER, 1, 0, 0, 0)
    _, scripts = files_of_tests()
    for files, job_of in ((all_files_of_pytest(), pytest), (scripts, runtime)):
        times |= _measured(files, job_of)
        TIMES.write_text(json.dumps(times, indent=1) + "\n", "utf-8")
    return 0


def _measured(files: Sequence[str], job_of: Callable[[Sequence[str]], Job]) -> dict[str, float]:
    times = {}
    for file in files:
        before = os.times()
        _, status, said, _ = run(job_of([file]))
        with suppress(ChildProcessError):
            while platform.system() == "Linux":
                os.wait()
        after = os.times()
        times[file] = after.children_user + after.children_system - before.children_user - before.children_system
        print(f"{times[file]:6.1f} {file}{'' if status == 0 else ' FAILED'}", flush=True)
        if status:
            print(said[-2000:])
    alone = min(times.values(), default=0.0)
    return {file: round(seconds - alone, 1) for file, seconds in times.items()}


if __name__ == "__main__":
    sys.exit(measure() if "--measure" in sys.argv[1:] else quick())
