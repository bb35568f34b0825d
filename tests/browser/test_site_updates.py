"""A newer build at moments when a page is only half there."""

from __future__ import annotations

import time
from pathlib import Path

from playwright.sync_api import Worker, expect
from site_visit import TITLE, Visit, build_site, installed, until

NEWER = "Newer chat"
# The page is asked for, and the thread that would show it waits for the server.
RELOAD_HELD = """() => {
  setTimeout(() => {
    location.reload();
    const request = new XMLHttpRequest();
    request.open("GET", "held.txt", false);
    request.send();
  });
}"""


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
    with page.expect_response(visit.server.url):
        page.evaluate(RELOAD_HELD)
    worker.evaluate("self.skipWaiting()")
    while worker.evaluate("self.serviceWorker.state") != "activated":
        time.sleep(0.05)
    visit.server.held = set()
    page.wait_for_selector("body[data-status=ready]")
    assert page.title() == TITLE
    until(page, "navigator.serviceWorker.controller?.state === 'activated'")
    for _ in range(3):
        assert page.evaluate("async (url) => (await fetch(url)).status", f"assets/{late.name}") == 200
    page.reload()
    expect(page).to_have_title(NEWER)
    visit.console.clear()
