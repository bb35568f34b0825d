"""One engine for all tabs of a site, with a real model of two small layers that runs on the CPU."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from site_visit import Visit, answered, ask, becomes, in_workers, installed, stored_files, until, visiting

LENGTH = 400
LAST = "#messages > li:last-child .body"
# Of each lock: how many workers hold it, and wait for it.
LEADERS = """(async () => {
  const { held, pending } = await navigator.locks.query();
  const count = (locks) => locks.filter(({ name }) => /^webllm-build engine [^]*[\\]]$/.test(name)).length;
  return [count(held), count(pending)];
})()"""
SAID = "document.querySelector('#messages > li.assistant:last-child .body')?.textContent.length > 20"

# In front of the engine's script: of answers it tells each other tab so many pieces, and no more.
MOST = """{
  globalThis.most = Infinity;
  const told = new WeakMap();
  const post = BroadcastChannel.prototype.postMessage;
  BroadcastChannel.prototype.postMessage = function (message) {
    if (message.kind !== "events") return post.call(this, message);
    const events = message.events.slice(0, Math.max(0, most - (told.get(this) ?? 0)));
    if (most !== Infinity) told.set(this, (told.get(this) ?? 0) + events.length);
    if (events.length > 0) post.call(this, { ...message, events });
  };
}
"""


@pytest.fixture
def shared(browser: Browser, tiny_site: Path, tmp_path: Path) -> Iterator[Visit]:
    with visiting(browser, tiny_site, tmp_path) as visit:
        yield visit


def opened(visit: Visit, starts: bool = False) -> Page:
    """A tab whose model is ready, and which answers greedily and at length."""
    page = visit.context.new_page()
    page.goto(f"{visit.server.url}?device=cpu")
    if starts:
        page.click("#open-settings")
        page.fill("#max-tokens", str(LENGTH))
        page.fill("#temperature", "0")
        page.click("#settings .primary")
        page.click("#start")
    page.wait_for_selector("body[data-status=ready]")
    return page


def tells(page: Page, most: int) -> None:
    """What this tab's engine tells others of answers from now on, in pieces."""
    limit = f"globalThis.most !== undefined && (globalThis.most = {most}) > 0"
    becomes(page, lambda: True in in_workers(page, limit), True)


def new_chat(page: Page) -> None:
    page.click("#new-chat")


def plain(text: str) -> str:
    """Without what is a mark of Markdown, or not, by what follows."""
    return re.sub(r"[^\w ]+|\s+", "", text)


def whole_answer(page: Page, text: str) -> str:
    ask(page, text)
    answer = answered(page, 2)
    new_chat(page)
    return answer


def test_tabs_share_what_the_first_has_loaded(shared: Visit) -> None:
    first = opened(shared, starts=True)
    installed(first)
    becomes(first, lambda: first.evaluate(LEADERS), [1, 0])
    shared.server.stop()
    second = opened(shared)
    becomes(second, lambda: second.evaluate(LEADERS), [1, 1])
    expected = {text: whole_answer(first, text) for text in ("One two", "What is it?")}
    ask(first, "One two")
    ask(second, "What is it?")
    assert [answered(first, 2), answered(second, 2)] == list(expected.values())


def test_an_answer_goes_on_where_the_tab_with_the_model_is_closed(shared: Visit) -> None:
    (worker,) = shared.server.folder.glob("assets/worker.*.js")
    worker.write_text(MOST + worker.read_text("utf-8"), "utf-8")
    first = opened(shared, starts=True)
    second, third = opened(shared), opened(shared)
    expected = [whole_answer(second, "One two"), whole_answer(third, "What is it?")]
    tells(first, 100)
    ask(second, "One two")
    ask(third, "What is it?")
    until(third, SAID)
    before = third.text_content(LAST) or ""
    first.close()
    # With activations in eight bits, what a prompt and what a step make of a token differs by roundings: the words behind may be others.
    answered(second, 2)
    whole = answered(third, 2)
    assert len(before) < len(whole) and plain(whole).startswith(plain(before)), "in the middle of it"
    becomes(second, lambda: second.evaluate(LEADERS), [1, 1])
    expect(second.locator("#problem")).to_be_hidden()
    expect(second.locator("#notice")).to_be_hidden()
    new_chat(third)
    tells(second, 100)
    ask(third, "What is it?")
    until(third, SAID)
    second.close()
    assert answered(third, 2).startswith(expected[1][:5])


def test_a_tab_that_is_closed_while_it_is_answered_disturbs_nobody(shared: Visit) -> None:
    first = opened(shared, starts=True)
    second = opened(shared)
    expected = whole_answer(first, "One two")
    ask(second, "What is it?")
    ask(first, "One two")
    until(second, SAID)
    second.close()
    assert answered(first, 2) == expected
    becomes(first, lambda: first.evaluate(LEADERS), [1, 0])


def test_tabs_of_different_builds_or_settings_share_nothing(shared: Visit) -> None:
    first = opened(shared, starts=True)
    installed(first)
    other = shared.context.new_page()
    other.goto(f"{shared.server.url}?device=auto")
    other.wait_for_selector("body[data-status=ready]")
    becomes(first, lambda: first.evaluate(LEADERS), [2, 0])
    other.close()
    (worker,) = shared.server.folder.glob("assets/worker.*.js")
    newer = worker.with_name(re.sub(r"[0-9a-f]{16,}", "0" * 16, worker.name))
    worker.rename(newer)
    page = shared.context.new_page()
    index = (shared.server.folder / "index.html").read_text("utf-8").replace(worker.name, newer.name)
    (shared.server.folder / "newer.html").write_text(index, "utf-8")
    page.goto(f"{shared.server.url}newer.html?device=cpu")
    page.wait_for_selector("body[data-status=ready]")
    becomes(first, lambda: first.evaluate(LEADERS), [2, 0])
    assert stored_files(page), "of one store"
