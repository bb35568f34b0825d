"""Chats of a browser: kept through everything, found again, changed in several tabs."""

from __future__ import annotations

from contextlib import suppress

from playwright.sync_api import Error, Page, expect
from site_visit import Visit, answered, ask, until

KEPT = """async () => {
  const open = indexedDB.open('webllm-build:chats' + location.pathname.slice(0, -1));
  await new Promise((resolve, reject) => { open.onsuccess = resolve; open.onerror = reject; });
  const all = open.result.transaction('messages').objectStore('messages').getAll();
  await new Promise((resolve) => { all.onsuccess = resolve; });
  open.result.close();
  return all.result.map(({ text }) => text);
}"""
LAST_ANSWER = "[...document.querySelectorAll('li.assistant .body')].at(-1)?.textContent"


def said(page: Page) -> list[str]:
    return page.locator("#messages > li .body").all_inner_texts()


def crash(page: Page) -> None:
    with page.expect_event("crash"), suppress(Error):
        page.goto("chrome://crash", wait_until="commit", timeout=5000)


def test_an_answer_survives_a_tab_that_is_killed(visit: Visit) -> None:
    page = visit.start()
    ask(page, "slow")
    until(page, f"({KEPT})().then((all) => all.some((text) => text.includes('word3')))")
    address = page.url
    assert "#chat=" in address
    crash(page)
    page.close()
    page = visit.context.new_page()
    page.goto(address)
    page.wait_for_selector("body[data-status=ready]")
    expect(page.locator("li.assistant")).to_contain_text("Stopped.")
    assert page.inner_text("li.assistant .body").startswith("word0 word1 word2 word3")
    ask(page, "one")
    assert answered(page, 4) == "3 messages: user, assistant, user."
