"""A newer build at moments when a page is only half there."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, Response, Worker, expect
from site_server import Instead
from site_visit import TITLE, UNINSTALLED, UNMEASURED, Visit, answered, ask, becomes, build_site, installed, unloaded, until

NEWER = "Newer chat"
ANOTHER = '<link rel="icon" href="data:,"><title>Another page</title>'  # browsers ask for an icon where a page names none
# The page is asked for, and the thread that would show it waits for the server.
RELOAD_HELD = """() => {
  setTimeout(() => {
    location.reload();
    const request = new XMLHttpRequest();
    request.open("GET", "held.txt", false);
    request.send();
  });
}"""


# Chromium has it wait for five minutes where the one before it has something under way, as now and then with a thread that stands still.
ACTIVATED_OR_LATE = """() => new Promise((resolve) => {
  const look = () => { if (self.serviceWorker.state === "activated") resolve(); };
  setTimeout(resolve, 10_000);
  self.serviceWorker.addEventListener("statechange", look);
  look();
})"""
REMEMBER_NOTHING = "Object.defineProperty(window, 'sessionStorage', { get: () => { throw new DOMException('no', 'SecurityError'); } })"


def without_service_worker(visit: Visit, name: str = "") -> Page:
    """A page of a browser that has none, or has not got it yet, and keeps all else."""
    visit.server.failing |= {"sw.js"}
    visit.server.max_age = 600
    page = visit.context.new_page()
    page.goto(visit.server.url + name)
    return page


def asked_for(visit: Visit, name: str = "") -> int:
    return visit.server.requests.count(f"/{visit.server.path}/{name}")


def waiting_worker(visit: Visit, tmp_path: Path) -> Worker:
    """Deploys a newer build, which the browser installs."""
    page = visit.open()
    installed(page)
    build_site(visit.server.folder, tmp_path / "build-1", seed=1, title=NEWER)
    with visit.context.expect_event("serviceworker") as found:
        page.evaluate("navigator.serviceWorker.getRegistration().then((one) => one.update())")
    until(page, "navigator.serviceWorker.getRegistration().then((one) => one.waiting !== null)")
    page.close()
    worker: Worker = found.value
    return worker


def test_a_page_on_its_way_while_a_newer_build_takes_over_stays_whole(visit: Visit, tmp_path: Path) -> None:
    page = visit.start()
    (late,) = visit.server.folder.glob("assets/highlight.*.js")
    worker = waiting_worker(visit, tmp_path)
    visit.server.held = {"held.txt"}
    missed: list[Response] = []

    def note(response: Response) -> None:
        if response.status == 404:
            missed.append(response)

    page.on("response", note)
    visit.provokes(unloaded("assets/"), "uncaught: Failed to fetch dynamically imported module")
    with page.expect_event("framenavigated"):
        with page.expect_response(visit.server.url):
            page.evaluate(RELOAD_HELD)
        worker.evaluate("self.skipWaiting()")
        worker.evaluate(ACTIVATED_OR_LATE)
        visit.server.held = set()
    page.wait_for_selector("body[data-status=ready], body[data-status=offer]")
    if missed:  # a slow Chromium once gave a page that began in this moment no service worker: it becomes the newer one by itself
        assert not [response.url for response in missed if response.from_service_worker]
        expect(page).to_have_title(NEWER)
        expect(page.locator("#incomplete")).to_be_hidden()
        return
    expect(page).to_have_title(TITLE)
    until(page, "navigator.serviceWorker.controller?.state === 'activated'")
    for _ in range(3):
        assert page.evaluate("async (url) => (await fetch(url)).status", f"assets/{late.name}") == 200
    page.click("#notice button")  # nobody told it while it was on its way
    expect(page).to_have_title(NEWER)
    assert not missed


def test_a_newer_build_comes_though_the_older_ones_service_worker_waits_for_an_answer(visit: Visit, tmp_path: Path) -> None:
    page = visit.open()
    installed(page)
    build_site(visit.server.folder, tmp_path / "build-1", seed=1, title=NEWER)
    visit.server.held = {"assets/silent"}
    with visit.context.expect_event("request", lambda request: "assets/silent" in request.url):
        page.evaluate("void fetch('assets/silent').catch(() => undefined)")
    another = visit.open()
    another.evaluate("navigator.serviceWorker.getRegistration().then((one) => one.update())")
    another.click("#notice button")
    expect(another).to_have_title(NEWER, timeout=60_000)
    page.close()  # it would say that the file is not there
    visit.server.held = set()


def test_a_build_that_comes_while_a_first_visit_is_being_kept(visit: Visit, tmp_path: Path) -> None:
    visit.server.held = {"assets/highlight."}
    page = visit.start()
    until(page, "navigator.serviceWorker.getRegistration().then((one) => Boolean(one?.installing))")
    build_site(visit.server.folder, tmp_path / "build-1", seed=1, title=NEWER)
    visit.server.held = set()
    until(page, "navigator.serviceWorker.getRegistration().then((one) => one === undefined)")
    ask(page, "one")
    assert answered(page, 2) == "1 messages: user."
    page.reload()
    expect(page).to_have_title(NEWER)
    installed(page)


def test_a_page_of_another_build_than_its_first_service_worker_is_told(visit: Visit, tmp_path: Path) -> None:
    old = visit.server.folder.joinpath("index.html").read_bytes()
    assets = {file: file.read_bytes() for file in visit.server.folder.glob("assets/*")}
    build_site(visit.server.folder, tmp_path / "build-1", title=NEWER)
    for file, data in assets.items():
        file.write_bytes(data)  # both builds' files are there for a while
    visit.server.instead = {visit.server.path: [Instead(old, content_type="text/html")]}
    page = visit.open()
    page.click("#notice button")
    expect(page).to_have_title(NEWER)


@pytest.mark.parametrize("sends_a_page", [False, True])
def test_a_site_that_was_taken_away_gives_way_to_what_has_come_in_its_place(visit: Visit, sends_a_page: bool) -> None:
    page = visit.open()
    installed(page)
    if sends_a_page:
        visit.server.instead["sw.js"] = [Instead(ANOTHER.encode(), content_type="text/html; charset=utf-8")] * 100
    else:
        visit.server.failing = {"sw.js"}
    visit.server.folder.joinpath("index.html").write_text(ANOTHER)
    page.reload()
    until(page, "caches.match(location.href).then((page) => page === undefined)")
    page.reload()
    expect(page).to_have_title("Another page")
    # The page before it may have registered the worker again, a moment after it had gone: it goes with the next visit.
    while page.evaluate("navigator.serviceWorker.getRegistration().then((one) => one !== undefined)"):
        page.reload()


def test_another_sites_service_worker_comes_when_it_is_asked_for(visit: Visit) -> None:
    page = visit.open()
    installed(page)
    visit.server.folder.joinpath("index.html").write_text(ANOTHER)
    visit.server.folder.joinpath("sw.js").write_text("addEventListener('fetch', () => undefined);")
    page.reload()
    page.click("#notice button")
    expect(page).to_have_title("Another page")


def test_a_page_from_a_cache_whose_files_are_gone_loads_the_newer_build(visit: Visit, tmp_path: Path) -> None:
    visit.provokes(UNINSTALLED, unloaded("assets/app."), unloaded("assets/style."))
    old = visit.server.folder.joinpath("index.html").read_bytes()
    build_site(visit.server.folder, tmp_path / "build-1", title=NEWER)
    visit.server.instead = {visit.server.path: [Instead(old, content_type="text/html")]}
    page = without_service_worker(visit)
    expect(page).to_have_title(NEWER)
    page.wait_for_selector("#start:visible")
    expect(page.locator("#incomplete")).to_be_hidden()


@pytest.mark.parametrize("name", ["", "bench.html"], ids=["chat", "bench"])
@pytest.mark.parametrize("part", [".js", ".css"])
def test_a_page_whose_part_does_not_come_says_so_and_comes_later(visit: Visit, name: str, part: str) -> None:
    visit.provokes(*UNMEASURED, UNINSTALLED, unloaded(f"assets/*{part}"))
    files = {file.name for file in visit.server.folder.glob("assets/*") if file.name.startswith(("app.", "bench.", "style."))}
    visit.server.failing = {file for file in files if file.endswith(part)}
    page = without_service_worker(visit, name)
    page.wait_for_selector("#incomplete:visible")
    becomes(page, lambda: asked_for(visit, name), 4)  # loaded again once, past the caches before and after
    visit.server.failing = {"sw.js"}
    page.reload()
    page.wait_for_selector("#status:not(:empty)" if name else "#start:visible")
    expect(page.locator("#incomplete")).to_be_hidden()


@pytest.mark.parametrize("name", ["", "bench.html"], ids=["chat", "bench"])
def test_a_server_that_does_not_say_what_scripts_are_is_told(visit: Visit, name: str) -> None:
    visit.provokes(UNINSTALLED, "error: Failed to load module script: Expected a JavaScript")
    (script,) = visit.server.folder.glob("assets/bench.*.js" if name else "assets/app.*.js")
    visit.server.instead = {script.name: [Instead(script.read_bytes(), content_type="text/plain")] * 4}
    page = without_service_worker(visit, name)
    expect(page.locator("#unnamed")).to_contain_text("text/javascript")
    expect(page.locator("#unnamed")).to_be_visible()
    expect(page.locator("#incomplete")).to_be_hidden()
    assert asked_for(visit, name) == 2, "it is not loaded again, but for what a cache may have"


def test_a_page_that_can_remember_nothing_is_not_loaded_again_without_end(visit: Visit) -> None:
    visit.provokes(UNINSTALLED, unloaded("assets/app."))
    visit.context.add_init_script(REMEMBER_NOTHING)
    visit.server.failing = {"assets/app."}
    page = without_service_worker(visit)
    page.wait_for_selector("#incomplete:visible")
    becomes(page, lambda: asked_for(visit), 4)
