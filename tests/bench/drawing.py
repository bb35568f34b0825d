"""What drawing answers costs the page's thread a frame, by Chromium's trace of bench/drawing.html.

Its times are the processor's, so that other programs count little.

    python tests/bench/drawing.py [--cases table,list] [--kilobytes 64] [--parts]

A row is a kind of answer and when it was drawn: while it grew, at its end, or at once. Milliseconds: median / 99 % / worst of the frames.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
import chromium
from open_page import RUNTIME, TESTS, DevTools, console_line, serve

CATEGORIES = "toplevel,devtools.timeline,blink.user_timing"
TASK = "ThreadControllerImpl::RunTask"
FRAME = "Layerize"  # the last of what a frame costs this thread
PARTS = ("TimerFire", "FireAnimationFrame", "UpdateLayoutTree", "Layout", "PrePaint", "Paint", "Layerize", "MinorGC", "MajorGC")

Event = dict[str, Any]


def trace(query: str) -> list[Event]:
    """The events of the page's main thread, by time."""
    program = chromium.find()
    if program is None:
        raise FileNotFoundError("there is no Chromium: run `make test` once, or name one in the variable CHROMIUM")
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        (Path(profile) / "log").open("wb") as log,
        serve({"tests": TESTS, "runtime": RUNTIME}) as origin,
    ):
        tools = DevTools(program, [*chromium.COMMON, *chromium.FLAGS["test"]], Path(profile) / "profile", log)
        try:
            target = tools.call("Target.createTarget", url="about:blank")["targetId"]
            session = tools.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            tools.call("Runtime.enable", session)
            tools.call("Tracing.start", transferMode="ReportEvents", traceConfig={"includedCategories": CATEGORIES.split(",")})
            tools.send("Page.navigate", session, url=f"{origin}/tests/bench/drawing.html?{query}")
            for message in tools.messages():
                line = console_line(message)
                if line is not None and line.startswith(("FAIL", "EXCEPTION")):
                    print(line, file=sys.stderr)
                if line is not None and line.startswith("DONE"):
                    break
            tools.send("Tracing.end")
            events: list[Event] = []
            for message in tools.messages():
                if message.get("method") == "Tracing.dataCollected":
                    events += message["params"]["value"]
                if message.get("method") == "Tracing.tracingComplete":
                    break
        finally:
            tools.close()
    thread = next((event["pid"], event["tid"]) for event in events if event["name"].startswith("drawing "))
    return sorted((event for event in events if (event["pid"], event["tid"]) == thread), key=lambda event: float(event["ts"]))


def frames(events: list[Event]) -> Iterator[dict[str, float]]:
    """Milliseconds of each frame in which something was drawn: of all tasks up to its commit ("all"), and of their parts."""
    spent: dict[str, float] = defaultdict(float)
    end_of_task, is_frame = 0.0, False
    for event in events:
        if event["ph"] != "X":
            continue
        if event["name"] == TASK:
            if event["ts"] < end_of_task:  # a task within a task
                continue
            if is_frame:
                yield spent
                spent, is_frame = defaultdict(float), False
            end_of_task = event["ts"] + event["dur"]
            spent["all"] += event.get("tdur", 0) / 1000
        elif event["name"] in PARTS:
            spent[event["name"]] += event.get("tdur", 0) / 1000
            is_frame |= event["name"] == FRAME


def at(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", help="default: all")
    parser.add_argument("--kilobytes", type=int, default=64)
    parser.add_argument("--parts", action="store_true", help="also what the parts of the dearest frames took")
    arguments = parser.parse_args()
    query = f"kilobytes={arguments.kilobytes}" + (f"&cases={arguments.cases}" if arguments.cases else "")
    events = trace(query)
    marks = [(index, event["name"].split()[1:]) for index, event in enumerate(events) if event["name"].startswith("drawing ")]
    for (begin, (case, phase)), (end, _) in pairwise(marks):
        if phase == "over":
            continue
        each = list(frames(events[begin:end]))
        costs = [frame["all"] for frame in each]
        if not costs:
            continue
        told = " / ".join(f"{at(costs, part):6.1f}" for part in (0.5, 0.99, 1))
        print(f"{case:10}{phase:8} {told} ms in {len(costs)} frames", flush=True)
        if arguments.parts:
            for frame in sorted(each, key=lambda frame: -frame["all"])[:4]:
                print(" " * 20 + ", ".join(f"{name} {frame[name]:.1f}" for name in ("all", *PARTS) if frame[name] >= 0.1))


if __name__ == "__main__":
    main()
