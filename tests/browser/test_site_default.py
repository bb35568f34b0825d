"""The default model's site as users get it: real weights, real engine, first online and then offline."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from site_server import SiteServer
from site_visit import Visit, answered, ask

QUESTION = "Say hello."


@pytest.fixture
def server(site: Path, tmp_path: Path) -> Iterator[SiteServer]:
    server = SiteServer(tmp_path, "project/chat")
    shutil.copytree(site, server.folder)
    with server:
        yield server


def be_brief(page: Page) -> None:
    """Greedy and short: the GPU here may be a simulated one."""
    page.click("#open-settings")
    page.fill("#max-tokens", "3")
    page.fill("#temperature", "0")
    page.select_option("#context-length", "1024")
    page.click("#save-settings")


@pytest.mark.slow
def test_it_answers_online_and_then_offline(visit: Visit) -> None:
    visit.context.set_default_timeout(300_000)
    page = visit.open()
    page.wait_for_selector("#start:visible")
    be_brief(page)
    page.click("#start")
    page.wait_for_selector("body[data-status=ready]")
    ask(page, QUESTION)
    online = answered(page, 2)
    assert online.strip()
    expect(page.locator("li.assistant")).to_contain_text("tokens/s")
    page.close()

    visit.server.stop()
    page = visit.open()
    page.wait_for_selector("body[data-status=ready]")
    ask(page, QUESTION)
    assert answered(page, 2) == online, "the same weights answer the same"
