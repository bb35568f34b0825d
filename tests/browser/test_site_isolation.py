"""Threads from the second visit on a host that sends no headers: the service worker isolates the page, and breaks nothing by it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from site_visit import UNMEASURED, Visit, answered, ask, becomes, installed

ISOLATED = "crossOriginIsolated && typeof SharedArrayBuffer === 'function'"


@pytest.mark.parametrize("policy", ["", "worker-src 'self'"], ids=["worker-from-memory", "worker-from-network"])
def test_the_second_visit_is_isolated(visit: Visit, policy: str) -> None:
    visit.provokes(*UNMEASURED, "error: Creating a worker from 'blob:")
    visit.server.policy = policy
    page = visit.start()
    assert not page.evaluate(ISOLATED)
    installed(page)
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    assert page.evaluate(ISOLATED)
    becomes(page, lambda: len(page.workers), 1)  # Playwright learns of them by and by
    (worker,) = page.workers
    assert worker.url.startswith("http" if policy else "blob:")
    assert worker.evaluate(ISOLATED)
    ask(page, "one")
    assert answered(page, 2) == "1 messages: user."
    page.goto(visit.server.url + "bench.html")
    assert page.evaluate(ISOLATED)
    (visit.server.folder / "other.html").write_text('<link rel="icon" href="data:,">')
    page.goto(visit.server.url + "other.html")
    assert not page.evaluate(ISOLATED), "it may need resources of others"


def test_a_page_that_is_not_isolated_may_show_it(visit: Visit) -> None:
    """Of the same origin: elsewhere the browser gives the site no service worker."""
    page = visit.start()
    installed(page)
    (visit.server.root / "embedding.html").write_text(f'<link rel="icon" href="data:,"><iframe src="{visit.server.url}"></iframe>')
    page.goto(visit.server.url.removesuffix(f"{visit.server.path}/") + "embedding.html")
    inside = page.frame_locator("iframe").locator("body")
    expect(inside).to_have_attribute("data-status", "ready")
    state = "() => [navigator.serviceWorker.controller !== null, crossOriginIsolated]"
    becomes(page, lambda: inside.evaluate(state), [True, False])
