"""What the page does where something under it goes away, with a real model of two small layers. `tests/FAULTS.md` has all faults."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from site_visit import CHROMIUM, Visit, answered, ask, becomes, in_workers, stored_files, until, visiting

TOKENS = "120"
SAID = "document.querySelector('#messages > li:last-child .body:not(:has(.waiting))')?.textContent.length > 10"
# In front of the engine's script: a clock that now and then has gone on by a day, or back by a minute.
WILD_CLOCK = """{
  const [date, now] = [Date.now, performance.now.bind(performance)];
  let [looks, ahead] = [0, 0];
  const wild = () => (++looks % 40 === 0 ? ahead += [86_400_000, -60_000][looks / 40 % 2] : ahead);
  Date.now = () => date() + wild();
  performance.now = () => now() + wild();
}
"""
NO_MEMORY = "WebAssembly.Memory = class { constructor() { throw new RangeError('WebAssembly.Memory(): could not allocate memory'); } };\n"
COMPILES = """{
  const { createComputePipelineAsync: compile } = GPUDevice.prototype;
  GPUDevice.prototype.createComputePipelineAsync = function (descriptor) {
    globalThis.compiles = true;
    return compile.call(this, descriptor);
  };
}
"""
# It reads no more than so many results of the GPU, and waits then until that is lost.
STEPS = """{
  const [{ requestDevice }, { mapAsync }] = [GPUAdapter.prototype, GPUBuffer.prototype];
  let lost;
  GPUAdapter.prototype.requestDevice = async function (...asked) {
    const device = await requestDevice.apply(this, asked);
    [lost, globalThis.steps] = [device.lost, Infinity];
    return device;
  };
  GPUBuffer.prototype.mapAsync = async function (...asked) {
    if (globalThis.steps-- <= 0) await lost;
    return mapAsync.apply(this, asked);
  };
}
"""
FORGET = """async () => {
  for (const registration of await navigator.serviceWorker.getRegistrations()) await registration.unregister();
  for (const name of await caches.keys()) await caches.delete(name);
}"""
CANNOT_GROW = """() => {
  const { grow } = WebAssembly.Memory.prototype;
  globalThis.growAgain = () => { WebAssembly.Memory.prototype.grow = grow; };
  WebAssembly.Memory.prototype.grow = () => { throw new RangeError('WebAssembly.Memory.grow(): Unable to grow instance memory'); };
}"""


@pytest.fixture
def visit(browser: Browser, tiny_site: Path, tmp_path: Path) -> Iterator[Visit]:
    with visiting(browser, tiny_site, tmp_path) as visit:
        yield visit


@pytest.fixture
def another_browser(browser: Browser, chromium_path: Path, tiny_site: Path, tmp_path: Path) -> Iterator[Visit]:
    """After a GPU process has ended twice, a Chromium gives pages no GPU any more."""
    other = browser.browser_type.launch(executable_path=chromium_path, args=CHROMIUM)
    with visiting(other, tiny_site, tmp_path) as visit:
        yield visit
    other.close()


def opened(visit: Visit, device: str) -> Page:
    """The page before its model is loaded; it will answer greedily and at length."""
    page = visit.context.new_page()
    page.goto(f"{visit.server.url}?device={device}")
    page.wait_for_selector("#start:visible")
    page.click("#open-settings")
    page.fill("#max-tokens", TOKENS)
    page.fill("#temperature", "0")
    page.click("#save-settings")
    return page


def ready(page: Page) -> None:
    page.wait_for_selector("body[data-status=ready]")


def started(visit: Visit) -> Page:
    """The page with its model on the CPU."""
    page = opened(visit, "cpu")
    page.click("#start")
    ready(page)
    return page


def before_the_engine(visit: Visit, script: str, page: Page | None = None) -> None:
    """page: one whose service worker would serve what it has; it is closed."""
    if page is not None:
        page.evaluate(FORGET)
        visit.context.new_cdp_session(page).send("Network.clearBrowserCache")
        page.close()
    (worker,) = visit.server.folder.glob("assets/worker.*.js")
    worker.write_text(script + worker.read_text("utf-8"), "utf-8")


def kill_gpu_process() -> None:
    """Of the browsers that this process has started."""
    rows = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout.splitlines()
    processes = [(int(pid), int(parent), arguments) for pid, parent, arguments in (row.split(None, 2) for row in rows)]
    family = {os.getpid()}
    while more := {pid for pid, parent, _ in processes if parent in family} - family:
        family |= more
    killed = [pid for pid, _, arguments in processes if pid in family and "--type=gpu-process" in arguments]
    assert killed
    for pid in killed:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("phase", ["while it loads", "in an answer"])
def test_a_gpu_process_that_ends_costs_a_pause_and_no_word(another_browser: Visit, phase: str) -> None:
    visit = another_browser
    before_the_engine(visit, COMPILES + STEPS)
    page = opened(visit, "gpu")
    if phase == "while it loads":
        visit.server.held.add("weights-0000")
        page.click("#start")
        page.wait_for_selector("body[data-status=loading]")
        becomes(page, lambda: True in in_workers(page, "globalThis.compiles === true"), True)
        kill_gpu_process()
        visit.server.held.clear()
    else:
        page.click("#start")
    ready(page)
    ask(page, "One two")
    whole = answered(page, 2)
    if phase == "in an answer":
        page.click("#new-chat")
        assert True in in_workers(page, "globalThis.steps === Infinity && (globalThis.steps = 40) > 0")
        ask(page, "One two")
        until(page, SAID)
        kill_gpu_process()
        assert answered(page, 2) == whole
    assert whole
    expect(page.locator("#problem")).to_be_hidden()
    visit.told(page, "warning: The model is loaded again")


def test_storage_that_is_cleared_under_it_takes_nothing_from_the_page(visit: Visit) -> None:
    page = started(visit)
    ask(page, "One two")
    whole = answered(page, 2)
    page.click("#new-chat")
    ask(page, "One two")
    devtools = visit.context.new_cdp_session(page)
    devtools.send("Storage.clearDataForOrigin", {"origin": visit.server.url.split("/project")[0], "storageTypes": "all"})
    assert answered(page, 2) == whole
    page.reload()
    page.wait_for_selector("#start:visible")
    page.click("#start")
    ready(page)
    assert stored_files(page)


def test_memory_that_is_not_there_is_said_and_may_come_back(visit: Visit) -> None:
    visit.provokes("warning: ", "error: ")
    page = started(visit)
    engine = page.workers[0]
    engine.evaluate(CANNOT_GROW)
    ask(page, "word " * 120)  # more than the memory that is there
    page.wait_for_selector("#problem:visible")
    expect(page.locator("#problem-title")).to_have_text("There is no room for more")
    engine.evaluate("growAgain()")
    ask(page, "One two")
    assert answered(page, 4)
    before_the_engine(visit, NO_MEMORY, page)
    page = visit.context.new_page()
    page.goto(f"{visit.server.url}?device=cpu")
    page.wait_for_selector("#problem:visible")
    expect(page.locator("#problem-title")).to_contain_text("memory")


def test_a_clock_that_jumps_changes_nothing(visit: Visit) -> None:
    page = started(visit)
    ask(page, "One two")
    whole = answered(page, 2)
    before_the_engine(visit, WILD_CLOCK, page)
    visit.context.add_init_script(WILD_CLOCK)
    page = visit.context.new_page()
    page.goto(f"{visit.server.url}?device=cpu")
    ready(page)
    ask(page, "One two")
    assert answered(page, 2) == whole
