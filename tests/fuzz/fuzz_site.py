"""Lives of a chat page in a real Chromium, in which something ends, lies, jumps or is full at a random moment.

    python tests/fuzz/fuzz_site.py --seconds 1200 --seed 1 [--device gpu]
    python tests/fuzz/fuzz_site.py --seed 4711 --lives 1

A life is its number: the same faults in the same order, at moments that the machine decides. After each fault the page comes back within
two minutes, what its buttons offer taken; what it answered until then is the beginning of what a page that nothing befalls answers; asked
again, it answers that; and every chat is there whose storage nobody cleared. Exit status 1: there was a life in which it was not so.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "browser"), str(TESTS), str(TESTS.parent / "builder")]

from fuzz_storage import FLIP  # noqa: E402  # what it imports is found by the path above
from playwright.sync_api import Browser, BrowserContext, Error, sync_playwright  # noqa: E402
from seeds import asked, numbers  # noqa: E402
from site_server import SiteServer  # noqa: E402
from site_visit import STORED, WHOLE, launch  # noqa: E402
from test_site_faults import WILD_CLOCK, kill_gpu_process  # noqa: E402

from tiny_site import TINY_OPTIONS, write_greedy  # noqa: E402

QUESTIONS = ("One two", "Three four five", "What is the sky?")
TOKENS = "40"
MOST_SECONDS = 120
STATE = """() => {
  const seen = (one) => one !== null && one.checkVisibility();
  const [start, way] = ["#start", "#problem-ways button"].map((one) => document.querySelector(one));
  const isReady = document.body.dataset.status === "ready" && document.querySelector("#messages > li[data-open]") === null;
  return seen(way) ? "problem" : seen(start) ? "start" : isReady ? "ready" : `${document.body.dataset.status}`;
}"""
CHATS = """async () => {
  const names = (await indexedDB.databases()).map(({ name }) => name);
  const open = (name) => new Promise((resolve, reject) => {
    const request = indexedDB.open(name);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  let count = 0;
  for (const name of names) {
    const database = await open(name);
    if (database.objectStoreNames.contains("chats")) {
      const request = database.transaction("chats").objectStore("chats").count();
      count += await new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
    }
    database.close();
  }
  return count;
}"""


class Broken(AssertionError):
    """A promise that was not kept."""


class Life:
    """One person's browser, and what it was told. kept: how many chats must be there."""

    def __init__(self, context: BrowserContext, server: SiteServer, random: Random, device: str, builds: list[Path]) -> None:
        self.context, self.server, self.random, self.device, self.builds = context, server, random, device, builds
        self.kept, self.uncaught, self.befallen, self.page = 0, list[str](), list[str](), context.new_page()
        context.set_default_timeout(20_000)
        context.on("weberror", lambda error: self.uncaught.append(str(error.error)))
        self.visit()

    def visit(self) -> None:
        self.page.goto(f"{self.server.url}?device={self.device}", wait_until="commit")

    def renewed(self) -> None:
        """Another tab in this one's place."""
        old, self.page = self.page, self.context.new_page()
        old.close()
        self.visit()

    def tools(self) -> Any:
        return self.context.new_cdp_session(self.page)

    def settle(self) -> bool:
        """Take what the page offers until it is ready; whether nothing had to be taken."""
        until, state, calm = time.monotonic() + MOST_SECONDS, "", True
        while time.monotonic() < until:
            try:
                state = self.page.evaluate(STATE)
                if state == "ready":
                    return calm
                if state in ("start", "problem"):
                    calm = False
                    self.page.click("#start" if state == "start" else "#problem-ways button >> nth=0", timeout=3000)
            except Error as error:  # it is being loaded, or has ended
                calm = False
                if "crash" in str(error).lower() or "closed" in str(error).lower():
                    self.renewed()
            time.sleep(0.1)
        shown = f"{self.page.url}: {self.page.inner_text('body')[:1500]}"
        raise Broken(f"it is not ready after {MOST_SECONDS} seconds and {self.befallen}, but {state} at {shown}")

    def settings(self) -> None:
        self.page.click("#open-settings")
        self.page.fill("#max-tokens", TOKENS)
        self.page.click("#save-settings")

    def ask(self, question: str) -> None:
        """In a chat of its own."""
        if self.page.locator("#new-chat").is_enabled():
            self.page.click("#new-chat")
        self.page.fill("#prompt", question)
        self.page.press("#prompt", "Enter")
        self.page.wait_for_selector("#messages > li")

    def said(self) -> str:
        self.page.wait_for_selector("#messages:not([aria-busy])", state="attached")
        last = self.page.locator("#messages > li.assistant .body")
        return str(last.last.evaluate(WHOLE)) if last.count() else ""

    def answer(self, question: str) -> str:
        """Asked again where what befell the page before reached it only now."""
        for _ in range(3):
            self.ask(question)
            if self.settle():
                break
        self.kept += 1
        return self.said()


def nothing(life: Life) -> None:
    pass


def engine_throws(life: Life) -> None:
    with suppress(Error, IndexError):  # it has ended
        life.page.workers[0].evaluate("void setTimeout(() => { throw new Error('made to fail'); })")


def engine_ends(life: Life) -> None:
    with suppress(Error, IndexError):
        life.page.workers[0].evaluate("void setTimeout(() => self.close())")


def service_worker_ends(life: Life) -> None:
    tools = life.tools()
    tools.send("ServiceWorker.enable")
    tools.send("ServiceWorker.stopAllWorkers")


def tab_crashes(life: Life) -> None:
    try:
        life.page.goto("chrome://crash", wait_until="commit", timeout=3000)
    except Error:
        life.renewed()


def tab_is_closed(life: Life) -> None:
    life.renewed()


def tab_is_loaded_again(life: Life) -> None:
    life.page.reload(wait_until="commit")


def gpu_process_ends(life: Life) -> None:
    kill_gpu_process()


def stored_bits_flip(life: Life) -> None:
    address = f"{life.server.url}model/"
    names = sorted(life.page.evaluate(STORED, address))
    for name in life.random.sample(names, min(len(names), life.random.randrange(1, 4))):
        with suppress(Error):  # it is being read, or gone
            life.page.evaluate(FLIP, [address, name, life.random.random(), life.random.randrange(8)])
    life.page.reload(wait_until="commit")


def storage_is_cleared(life: Life) -> None:
    origin = life.server.url.split("/", 3)
    life.tools().send("Storage.clearDataForOrigin", {"origin": "/".join(origin[:3]), "storageTypes": "all"})
    life.kept = -100


def storage_is_full(life: Life) -> None:
    origin, tools = "/".join(life.server.url.split("/", 3)[:3]), life.tools()
    tools.send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": 1})
    life.page.wait_for_timeout(life.random.randrange(1500))
    tools.send("Storage.overrideQuotaForOrigin", {"origin": origin})


def network_ends(life: Life) -> None:
    life.context.set_offline(True)
    life.page.wait_for_timeout(life.random.randrange(1500))
    life.context.set_offline(False)


def server_ends(life: Life) -> None:
    life.server.stop()
    life.page.wait_for_timeout(life.random.randrange(1500))
    life.server.start()


def another_tab_asks(life: Life) -> None:
    page, first = life.context.new_page(), life.page
    life.page = page
    life.visit()
    life.settle()
    life.answer(life.random.choice(QUESTIONS))
    life.page = first
    page.close()


def newer_build(life: Life) -> None:
    shutil.rmtree(life.server.folder)
    life.builds.append(life.builds.pop(0))
    shutil.copytree(life.builds[0], life.server.folder)
    if life.random.random() < 0.5:
        life.page.evaluate("navigator.serviceWorker.getRegistration().then((one) => one?.update()).catch(() => undefined)")
    if life.random.random() < 0.5:
        life.page.reload(wait_until="commit")


FAULTS: tuple[Callable[[Life], None], ...] = (
    *(nothing, engine_throws, engine_ends, service_worker_ends, tab_crashes, tab_is_closed, tab_is_loaded_again, stored_bits_flip),
    *(storage_is_cleared, storage_is_full, network_ends, server_ends, another_tab_asks, newer_build),
)

IN_A_LOAD = (tab_crashes, tab_is_closed, tab_is_loaded_again, network_ends, server_ends, newer_build, service_worker_ends)


def live(life: Life, wholes: dict[str, str], ends: Counter[str]) -> None:
    """A first load, with faults of its own, and some rounds of a question, a fault and a question."""
    random = life.random
    life.page.wait_for_timeout(random.randrange(1000))
    if random.random() < 0.5:
        first = random.choice(IN_A_LOAD)
        life.befallen.append(first.__name__)
        first(life)
        ends[f"{first.__name__} in a load"] += 1
    life.settle()
    life.settings()
    for _ in range(random.randrange(2, 6)):
        fault = random.choice([*FAULTS, gpu_process_ends] if life.device == "gpu" else FAULTS)
        question = random.choice(QUESTIONS)
        life.ask(question)
        life.page.wait_for_timeout(random.choice((0, random.randrange(200), random.randrange(1500))))
        before = life.kept
        life.befallen.append(fault.__name__)
        fault(life)
        life.settle()
        partly = life.said()
        if fault is not another_tab_asks and not wholes[question].startswith(partly[: max(0, len(partly) - 12)]):
            raise Broken(f"after {fault.__name__}: {partly!r} does not begin as {wholes[question]!r}")
        if life.kept == -100:
            life.settings()
        if (whole := life.answer(question)) != wholes[question]:
            raise Broken(f"after {fault.__name__}: {whole!r} is not {wholes[question]!r}")
        if before >= 0 <= life.kept and (there := life.page.evaluate(CHATS)) < life.kept:
            raise Broken(f"after {fault.__name__}: {there} of {life.kept} chats are there")
        life.kept = max(life.kept, 0)
        ends[fault.__name__] += 1
    if uncaught := [message for message in life.uncaught if "made to fail" not in message]:
        raise Broken(f"uncaught: {uncaught}")


def build(folder: Path, count: int = 2) -> list[Path]:
    """Sites of the same model, by the public command."""
    model = write_greedy(folder / "model")
    builds = [folder / str(number) for number in range(count)]
    for out in builds:
        command = [sys.executable, "-m", "webllm_build", "site", "--model", str(model), "--out", str(out), *TINY_OPTIONS]
        subprocess.run([*command, "--title", f"Chat {out.name}"], check=True, capture_output=True)
    return builds


def campaign(browser: Callable[[], Browser], given: argparse.Namespace, root: Path) -> int:
    builds, ends, broken = build(root / "builds"), Counter[str](), 0
    wholes: dict[str, str] = {}
    for number in numbers(given):
        random, server = Random(number), SiteServer(root / "root", f"{number}/chat")
        shutil.copytree(builds[0], server.folder)
        opened = browser()
        with server:
            context = opened.new_context()
            try:
                if not wholes:
                    life = Life(context, server, random, given.device, builds)
                    life.settle()
                    life.settings()
                    wholes = {question: life.answer(question) for question in QUESTIONS}
                    print(wholes, flush=True)
                    context.close()
                    context = opened.new_context()
                if random.random() < 0.2:
                    context.add_init_script(WILD_CLOCK)
                live(Life(context, server, random, given.device, builds), wholes, ends)
            except Exception:
                broken += 1
                print(f"\nlife {number}:\n{traceback.format_exc()[-3500:]}", flush=True)
            context.close()
        opened.close()
        shutil.rmtree(server.folder.parent)
    counts = ", ".join(f"{end} {count}" for end, count in sorted(ends.items()))
    print(f"{number + 1 - given.seed} lives from {given.seed} on, {given.device}: {broken} broken; {sum(ends.values())} faults: {counts}")
    return 1 if broken else 0


def main() -> int:
    given = asked(__doc__, "lives", ("cpu", "gpu"))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        return campaign(lambda: launch(playwright), given, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
