"""Uses one chat page at random for as long as is wanted, and tells whether its memory levels off and its answers stay what they were.

    python tests/fuzz/soak.py --seconds 3600 --seed 1

Questions, new chats, stops, edits, other answers, lists of chats. A line of each round: what was done, JavaScript's heap of the page after
a collection, and what the browser's renderers have in memory. Exit status 1: an answer changed, or the last quarter of the rounds has
a tenth and 16 MB more than the second.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

import fuzz_site  # finds what follows
from playwright.sync_api import CDPSession, Error, sync_playwright
from site_server import SiteServer
from site_visit import launch

ACTIONS = 15  # of a round
MB = 1 << 20


def act(life: fuzz_site.Life, random: Random) -> str:
    page, has = life.page, life.page.locator("#messages > li").count()
    what = random.choice(("ask", "ask", "new", "stop", "again", "edit", "delete")) if has else "ask"
    match what:
        case "new":
            life.ask(random.choice(fuzz_site.QUESTIONS))
        case "ask" | "stop":
            page.fill("#prompt", "one two " * random.randrange(1, 15))
            page.press("#prompt", "Enter")
            if what == "stop":
                page.wait_for_timeout(random.randrange(300))
                if page.locator("#stop").is_visible():
                    page.click("#stop", timeout=2000)
        case "again":
            page.locator("#messages > li.assistant .tools button").last.click(timeout=5000)
        case "edit":
            page.locator("#messages > li.user .tools button").last.click(timeout=5000)
            page.fill("#prompt", random.choice(fuzz_site.QUESTIONS))
            page.press("#prompt", "Enter")
        case "delete":
            page.click("#open-chats")
            page.wait_for_timeout(200)
            page.press("body", "Escape")
    return what


def resident(browser_pid: int) -> int:
    """Bytes of the renderers that this browser has."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words, lines = status.read_bytes(), (status.parent / "status").read_text()
        except OSError:
            continue
        parent = next(int(line.split()[1]) for line in lines.splitlines() if line.startswith("PPid"))
        if b"--type=renderer" in words and browser_pid in (parent, *ancestors(parent)):
            total += next((int(line.split()[1]) for line in lines.splitlines() if line.startswith("VmRSS")), 0) << 10
    return total


def ancestors(pid: int) -> list[int]:
    found: list[int] = []
    while pid > 1:
        try:
            pid = int(next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("PPid")).split()[1])
        except OSError:
            break
        found.append(pid)
    return found


def heap(tools: CDPSession) -> int:
    tools.send("HeapProfiler.collectGarbage")
    return int(next(one["value"] for one in tools.send("Performance.getMetrics")["metrics"] if one["name"] == "JSHeapUsedSize"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=170)
    given = parser.parse_args()
    random, done, memory = Random(given.seed), Counter[str](), list[tuple[int, int]]()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        root = Path(folder)
        builds = fuzz_site.build(root / "builds", 1)
        builds[0].rename(root / "root")
        with SiteServer(root, "root") as server, launch(playwright) as browser:
            life = fuzz_site.Life(browser.new_context(), server, random, "cpu", builds)
            life.settle()
            life.settings()
            before = {question: life.answer(question) for question in fuzz_site.QUESTIONS}
            tools, until = life.tools(), time.monotonic() + given.seconds
            tools.send("Performance.enable")
            while time.monotonic() < until:
                for _ in range(ACTIONS):
                    try:
                        done[act(life, random)] += 1
                    except Error as error:
                        done[f"not possible: {str(error).splitlines()[0][:60]}"] += 1
                    life.settle()
                memory.append((heap(tools), resident(os.getpid())))
                heaped, held = (size / MB for size in memory[-1])
                print(f"{sum(done.values()):6} actions: {heaped:6.1f} MB of heap, {held:6.1f} MB resident", flush=True)
            after = {question: life.answer(question) for question in fuzz_site.QUESTIONS}
    quarter = max(1, len(memory) // 4)
    grown = [statistics.median(part) for kind in zip(*memory, strict=True) for part in (kind[quarter : 2 * quarter], kind[-quarter:])]
    levels = all(late <= early * 1.1 or late - early < 16 * MB for early, late in zip(grown[::2], grown[1::2], strict=True))
    answers, sizes = "are the same" if before == after else f"changed: {before} {after}", "levels off" if levels else "grows"
    print(f"{dict(done)}; answers {answers}; memory {sizes}")
    return 0 if before == after and levels else 1


if __name__ == "__main__":
    sys.exit(main())
