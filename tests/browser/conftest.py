"""A chat site under a sub-path, a browser with WebGPU, and pages whose console must stay empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from site_server import SiteServer
from site_visit import Visit, build_site, launch

import firefox as driver
from firefox import Firefox

expect.set_options(timeout=60_000)  # a second test process keeps the other core busy


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Closed with its module: as long as Playwright runs, its event loop is this thread's."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def running() -> Iterator[Firefox]:
    """Started once: each test's server is another origin, with a storage of its own."""
    program = driver.find()
    if program is None or not driver.vulkan_drivers():
        pytest.skip("no Firefox here, or no Vulkan driver for it: on Debian, firefox-esr and mesa-vulkan-drivers")
    with driver.firefox(program) as browser:
        yield browser


@pytest.fixture
def firefox(running: Firefox) -> Firefox:
    running.console.clear()
    return running


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SiteServer]:
    server = SiteServer(tmp_path / "root", "sub/chat")
    build_site(server.folder, tmp_path / "build-0")
    with server:
        yield server


@pytest.fixture
def visit(browser: Browser, server: SiteServer) -> Iterator[Visit]:
    """The console must be empty at the end; a test that provokes messages says which."""
    context = browser.new_context(viewport={"width": 1100, "height": 800})
    visit = Visit(context, server)
    yield visit
    context.close()
    assert visit.console == []
