"""The page of a model without a chat template: one text, which the model continues."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from site_server import SiteServer
from site_visit import Visit, build_site, until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SiteServer]:
    server = SiteServer(tmp_path / "root", "sub/text")
    build_site(server.folder, tmp_path / "build-0", chats=False)
    with server:
        yield server


def go_on(page: Page, text: str) -> None:
    page.fill("#text", text)
    page.press("#text", "Control+Enter")


def has(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.locator("#text")).to_have_value(text)


def ended(page: Page, outcome: str) -> None:
    expect(page.locator("#outcome")).to_contain_text(outcome)
    page.wait_for_selector("body[data-status=ready]")


def test_a_text_is_continued_and_taken_back(visit: Visit) -> None:
    page = visit.start()
    expect(page.locator("#continue")).to_be_disabled()
    page.fill("#text", "Once")
    page.click("#continue")
    ended(page, "The model ended the text here. 42.5 tokens/s")
    has(page, "Once and 4 characters.")
    page.click("#continue")
    has(page, "Once and 4 characters. and 22 characters.")
    page.wait_for_selector("#undo:visible")
    page.click("#undo")
    has(page, "Once and 4 characters.")
    expect(page.locator("#system-prompt")).to_be_hidden()


def test_it_can_be_stopped_and_is_kept(visit: Visit) -> None:
    page = visit.start()
    go_on(page, "slow")
    until(page, "document.querySelector('#text').value.includes('word4')")
    expect(page.locator("#text")).not_to_be_editable()
    page.keyboard.press("Escape")
    ended(page, "Stopped.")
    has(page, re.compile("^slowword0 word1 "))
    go_on(page, "slow")
    until(page, "document.querySelector('#text').value.includes('word4')")
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    has(page, re.compile("^slowword0 word1 word2 "))
    page.click("#new-chat")
    has(page, "")
    page.click("#undo")
    has(page, re.compile("^slowword0 "))


def test_it_can_be_asked_while_the_model_loads(visit: Visit) -> None:
    visit.server.held = {"weights-"}
    page = visit.open()
    page.click("#start")
    go_on(page, "early")
    expect(page.locator("body")).to_have_attribute("data-status", "loading")
    visit.server.held = set()
    ended(page, "The model ended")
    has(page, "early and 5 characters.")


def test_a_text_that_is_too_long_goes_on_with_its_end(visit: Visit) -> None:
    page = visit.start()
    go_on(page, "x" * 100 + "\nlimit: 80")
    page.wait_for_selector("#problem:visible")
    expect(page.locator("#problem-title")).to_have_text("This has become too long for the model")
    page.click("#problem-action")
    ended(page, "The model ended")
    has(page, "x" * 100 + "\nlimit: 80 and 55 characters.")


def test_a_beginning_can_be_chosen_and_the_settings_are_used(visit: Visit) -> None:
    page = visit.start()
    page.click("#open-settings")
    page.select_option("#context-length", "1024")
    page.click("#save-settings")
    page.wait_for_selector("body[data-status=ready]")
    go_on(page, "context")
    ended(page, "The model ended")
    has(page, "context1024 tokens")
    page.click("#new-chat")
    beginning = page.inner_text("#suggestions button >> nth=1")
    page.click("#suggestions button >> nth=1")
    ended(page, "The model ended")
    has(page, f"{beginning} and {len(beginning)} characters.")


def test_a_phone_shows_everything_without_scrolling_sideways(visit: Visit) -> None:
    page = visit.start()
    page.set_viewport_size({"width": 360, "height": 640})
    go_on(page, "say: " + "x" * 300)
    ended(page, "The model ended")
    for selector in ("html", "main", "#text", ".bottom"):
        sizes = page.eval_on_selector(selector, "(one) => [one.scrollWidth, one.clientWidth]")
        assert sizes[0] <= sizes[1], selector
