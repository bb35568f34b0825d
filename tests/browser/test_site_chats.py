"""Chats of a browser: kept through everything, found again, changed in several tabs."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from playwright.sync_api import Browser, Error, Page, expect
from site_visit import Visit, answered, ask, build_site, unloaded, until, visiting

from package_sample import FACTS

KEPT = """async () => {
  const open = indexedDB.open('webllm-build:chats' + location.pathname.slice(0, -1));
  await new Promise((resolve, reject) => { open.onsuccess = resolve; open.onerror = reject; });
  // Of all stores: it waits for whatever is being written.
  const all = open.result.transaction([...open.result.objectStoreNames]).objectStore('messages').getAll();
  await new Promise((resolve) => { all.onsuccess = resolve; });
  open.result.close();
  return all.result.map(({ text }) => text);
}"""
LAST_ANSWER = "[...document.querySelectorAll('li.assistant .body')].at(-1)?.textContent"


def says(page: Page, *messages: str) -> None:
    expect(page.locator("#messages > li .body")).to_have_text([*messages])


def crash(page: Page) -> None:
    with page.expect_event("crash"), suppress(Error):
        page.goto("chrome://crash", wait_until="commit", timeout=5000)


def test_an_answer_survives_a_tab_that_is_killed(visit: Visit) -> None:
    page = visit.start()
    ask(page, "slow")
    until(page, f"({KEPT})().then((all) => all.some((text) => text.includes('word3')))")
    until(page, "location.hash.startsWith('#chat=')")
    address = page.evaluate("location.href")
    crash(page)
    page.close()
    page = visit.context.new_page()
    page.goto(address)
    page.wait_for_selector("body[data-status=ready]")
    expect(page.locator("li.assistant")).to_contain_text("Stopped.")
    expect(page.locator("li.assistant .body")).to_have_text(re.compile(r"^word0 word1 word2 word3"))
    ask(page, "one")
    assert answered(page, 4) == "3 messages: user, assistant, user."


def asked(visit: Visit, *questions: str) -> Page:
    """A page whose chats begin with these questions; the last is shown."""
    page = visit.start()
    for number, question in enumerate(questions):
        if number > 0:
            page.click("#new-chat")
        ask(page, question)
        answered(page, 2)
    return page


def listed(page: Page) -> list[str]:
    return page.locator("#chats li a").all_inner_texts()


def do(page: Page, title: str, way: str) -> None:
    """Press what can be done with the chat of that title."""
    row = page.locator("#chats li", has=page.get_by_role("link", name=title))
    if row.locator(".ways").is_hidden():
        row.get_by_role("button", name="More").click()
    row.get_by_role("button", name=way, exact=True).click()


def test_chats_are_listed_found_named_and_pinned(visit: Visit) -> None:
    page = asked(visit, "say: Äpfel", "say: pears", "say: plums")
    page.click("#open-chats")
    expect(page.locator("#chats li a")).to_have_text(["say: plums", "say: pears", "say: Äpfel"])
    expect(page.locator("#open-chats")).to_have_attribute("aria-expanded", "true")
    expect(page.locator("#chats li a[aria-current]")).to_have_attribute("href", page.evaluate("location.hash"))
    page.fill("#chats input[type=search]", "APFEL")
    expect(page.locator("#chats li a")).to_have_text(["say: Äpfel"])
    page.fill("#chats input[type=search]", "nothing has this")
    expect(page.locator("#chats li")).to_have_count(0)
    expect(page.locator("#chats")).to_contain_text("No chat contains this")
    page.fill("#chats input[type=search]", "")
    do(page, "say: pears", "Rename")
    page.keyboard.type("Fruit <b>")
    page.keyboard.press("Enter")
    expect(page.locator("#chats li a")).to_have_text(["say: plums", "Fruit <b>", "say: Äpfel"])
    do(page, "say: Äpfel", "Pin")
    expect(page.locator("#chats li a").first).to_contain_text("say: Äpfel")
    page.get_by_role("link", name="Fruit").click()
    expect(page.locator("li.user .body")).to_have_text("say: pears")
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    says(page, "say: pears", "pears")
    expect(page.locator("#chats li a[aria-current]")).to_have_text("Fruit <b>")
    page.go_back()
    expect(page.locator("li.user .body")).to_have_text("say: plums")


def test_each_deleted_chat_can_be_taken_back(visit: Visit) -> None:
    page = asked(visit, "say: one", "say: two")
    page.click("#open-chats")
    for title in ("say: two", "say: one"):
        do(page, title, "Delete")
    expect(page.locator("#chats li")).to_have_count(0)
    lines = page.locator("#notice [data-kind=deleted]")
    for title, left in (("say: two", 1), ("say: one", 2)):
        lines.filter(has_text=title).locator(".primary").click()
        expect(page.locator("#chats li")).to_have_count(left)
    expect(lines).to_have_count(0)


def test_a_deleted_chat_can_be_taken_back(visit: Visit) -> None:
    page = asked(visit, "say: one", "say: two")
    page.click("#open-chats")
    do(page, "say: two", "Delete")
    expect(page.locator("#chats li")).to_have_count(1)
    expect(page.locator("#messages > li")).to_have_count(0)
    page.click("#notice [data-kind=deleted] .primary")
    expect(page.locator("#chats li")).to_have_count(2)
    expect(page.locator("li.assistant .body")).to_have_text("two")
    other = visit.open()
    other.goto(page.url)
    other.wait_for_selector("body[data-status=ready]")
    expect(other.locator("li.assistant .body")).to_have_text("two")
    ask(page, "slow")
    until(page, f"{LAST_ANSWER}?.includes('word3')")
    do(other, "say: two", "Delete")
    expect(page.locator("#notice")).to_contain_text("deleted in another tab")
    page.wait_for_selector("body[data-status=ready]")
    page.click("#notice [data-kind=deleted] .primary")
    expect(other.locator("#chats li")).to_have_count(2)
    expect(page.locator("li.assistant >> nth=1")).to_contain_text("Stopped.")
    other.goto(page.url)
    expect(other.locator("li.assistant .body >> nth=1")).to_contain_text("word3")


def test_chats_go_into_a_file_and_out_of_it(visit: Visit) -> None:
    page = asked(visit, "say: **one**", "say: two")
    page.click("#open-chats")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export all").click()
    saved = json.loads(download.value.path().read_text())
    assert saved["format"] == "webllm-build chats"
    assert sorted(chat["title"] for chat in saved["chats"]) == ["say: **one**", "say: two"]
    with page.expect_download() as download:
        do(page, "say: **one**", "Save as Markdown")
    assert download.value.suggested_filename == "say-one.md"
    assert download.value.path().read_text() == "# say: **one**\n\n## You\n\nsay: **one**\n\n## Model\n\n**one**\n"

    def take(file: object) -> None:
        data = json.dumps(file).encode()
        page.set_input_files("#chats input[type=file]", {"name": "a.json", "mimeType": "application/json", "buffer": data})

    other = {**saved["chats"][0], "id": "other", "title": "<img src=x onerror=alert(1)>"}
    take({**saved, "chats": [*saved["chats"], other]})
    expect(page.locator("#notice")).to_contain_text("3 chats were imported")
    expect(page.locator("#chats li")).to_have_count(3)
    expect(page.locator("#chats img")).to_have_count(0)
    take({**saved, "version": 2})
    expect(page.locator("#notice")).to_contain_text("newer version")
    take({**saved, "chats": [{**other, "id": "../../x"}]})
    expect(page.locator("#notice")).to_contain_text("chats[0].id")
    expect(page.locator("#chats li")).to_have_count(3)


def test_what_is_made_anew_stands_beside_the_former(visit: Visit) -> None:
    page = asked(visit, "one")
    page.click("li.assistant [data-action=retry]")
    expect(page.locator("li.assistant .branches")).to_contain_text("2/2")
    page.wait_for_selector("body[data-status=ready]")
    page.hover("li.user")
    page.click("li.user [data-action=edit]")
    ask(page, "say: other")
    assert answered(page, 2) == "other"
    former = page.locator("li.user [data-action=former]")
    former.focus()
    page.keyboard.press("Enter")
    expect(page.locator("li.user .body")).to_have_text("one")
    expect(page.locator("li.user .branches")).to_have_attribute("aria-label", "Version 1 of 2")
    expect(page.locator("li.user [data-action=next]"), "as there is nothing before").to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("li.assistant .body")).to_have_text("other")
    page.evaluate(KEPT)
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    says(page, "say: other", "other")


def test_an_answer_that_was_cut_goes_on_in_its_place(visit: Visit) -> None:
    page = visit.start()
    ask(page, "slow")
    until(page, f"{LAST_ANSWER}?.includes('word3')")
    page.click("#stop")
    before = answered(page, 2)
    page.click("li.assistant [data-action=continue]")
    expect(page.locator("li.assistant .body")).to_contain_text("2 messages: user, assistant.")
    assert answered(page, 2).startswith(before.strip()[:20])
    expect(page.locator("li.assistant [data-action=continue]")).to_have_count(0)


def test_what_was_said_can_be_quoted(visit: Visit) -> None:
    page = asked(visit, "say: first line\nsecond line")
    page.fill("#prompt", "Look:")
    page.click("li.assistant [data-action=quote]")
    expect(page.locator("#prompt")).to_have_value("Look:\n\n> first line\n> second line\n\n")
    page.fill("#prompt", "")
    page.eval_on_selector("li.assistant p", "({ firstChild: text }) => getSelection().setBaseAndExtent(text, 0, text, 5)")
    page.click("li.assistant [data-action=quote]")
    expect(page.locator("#prompt")).to_have_value("> first\n\n")
    expect(page.locator("#prompt")).to_be_focused()


def test_an_address_asks_once(visit: Visit) -> None:
    page = asked(visit, "one")
    page.goto(f"{visit.server.url}?q=say:+from+a+link")
    assert answered(page, 2) == "from a link"
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    says(page, "say: from a link", "from a link")
    page.goto(f"{visit.server.url}?new")
    page.wait_for_selector("#welcome:visible")
    expect(page).to_have_url(visit.server.url)
    page.goto(f"{visit.server.url}#chat=gone")
    expect(page.locator("#notice")).to_contain_text("not in this browser")
    expect(page).to_have_url(visit.server.url)


def test_two_tabs_write_in_one_chat(visit: Visit) -> None:
    page = asked(visit, "one")
    other = visit.open()
    other.goto(page.url)
    other.wait_for_selector("body[data-status=ready]")
    expect(other.locator("#messages > li")).to_have_count(2)
    ask(page, "slow")
    expect(other.locator("#messages > li")).to_have_count(4)
    until(other, f"{LAST_ANSWER}?.includes('word3')")
    page.click("#stop")
    expect(other.locator("li.assistant >> nth=1")).to_contain_text("Stopped.")
    ask(page, "say: here")
    ask(other, "say: there")
    for tab in (page, other):
        answered(tab, 6)
        expect(tab.locator("#messages > li:last-child .body")).to_have_text(re.compile("^(here|there)$"))
    texts = json.dumps(["say: here", "say: there", "here", "there"])  # neither has lost anything
    until(page, f"({KEPT})().then((all) => {texts}.every((text) => all.includes(text)))")


def test_without_storage_the_page_works_and_says_so_once(visit: Visit) -> None:
    visit.context.add_init_script("IDBFactory.prototype.open = () => { throw new DOMException('no', 'SecurityError'); }")
    page = asked(visit, "one", "two")
    expect(page.locator("#notice [data-kind=chats]")).to_have_count(1)
    page.click("#open-chats")
    page.get_by_role("link", name="one").click()
    expect(page.locator("li.user .body")).to_have_text("one")


def test_without_room_nothing_is_lost_and_what_was_refused_is_written_later(visit: Visit) -> None:
    page = visit.start()
    devtools = visit.context.new_cdp_session(page)
    origin = page.evaluate("location.origin")
    devtools.send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": 1})
    ask(page, "say: one")
    assert answered(page, 2) == "one"
    expect(page.locator("#notice [data-kind=chats]")).to_contain_text("no room left for chats")
    ask(page, "say: two")
    assert answered(page, 4) == "two"
    assert page.evaluate(KEPT) == []
    devtools.send("Storage.overrideQuotaForOrigin", {"origin": origin})
    ask(page, "say: three")
    answered(page, 6)
    expect(page.locator("#notice [data-kind=chats]")).to_have_count(0)
    page.reload()
    assert answered(page, 6) == "three"
    expect(page.locator("li.assistant .body")).to_have_text(["one", "two", "three"])


def test_a_list_that_does_not_come_says_so(visit: Visit) -> None:
    visit.provokes(unloaded("assets/chats.", "net::ERR_FAILED"))
    visit.context.route("**/chats.*", lambda route: route.abort())
    page = visit.start()
    page.click("#open-chats")
    expect(page.locator("#notice [data-kind=part]")).to_contain_text("could not be fetched")
    visit.context.unroute("**/chats.*")
    page.click("#open-chats")
    page.wait_for_selector("#chats:visible")
    expect(page.locator("#notice [data-kind=part]")).to_have_count(0)


def test_a_phone_has_a_drawer(visit: Visit) -> None:
    page = asked(visit, "one", "two")
    page.set_viewport_size({"width": 360, "height": 640})
    page.click("#open-chats")
    page.wait_for_selector("dialog.drawer[open]")
    until(page, "document.querySelector('dialog.drawer:modal').contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(page.locator("#chats")).to_be_hidden()
    expect(page.locator("#open-chats")).to_be_focused()
    page.click("#open-chats")
    page.get_by_role("link", name="one").click()
    expect(page.locator("#chats")).to_be_hidden()
    expect(page.locator("li.user .body")).to_have_text("one")
    until(page, "document.documentElement.scrollWidth === 360")


def test_a_model_names_a_chat_that_it_has_answered(browser: Browser, tmp_path: Path) -> None:
    build_site(tmp_path / "site", tmp_path / "scratch", first=replace(FACTS, parameters=2_000_000_000))
    with visiting(browser, tmp_path / "site", tmp_path / "served") as visit:
        page = visit.start()
        ask(page, "say: so much that its speed is known")
        answered(page, 2)
        page.click("#open-chats")
        expect(page.get_by_role("link", name="3 messages: user, assistant, user")).to_be_visible()
        ask(page, "say: two")
        assert answered(page, 4) == "two"
        page.reload()
        page.wait_for_selector("body[data-status=ready]")
        expect(page.get_by_role("link", name="3 messages: user, assistant, user")).to_be_visible()
        page.click("#new-chat")
        ask(page, "slow")
        page.wait_for_selector("[data-open] .body p")
        page.keyboard.press("Escape")
        answered(page, 2)
        expect(page.get_by_role("link", name="slow")).to_be_visible()


def test_a_chat_of_two_thousand_messages_is_drawn_and_gone_on_with(visit: Visit, tmp_path: Path) -> None:
    ids = [None, *(f"m{number}" for number in range(2000))]
    said = [
        {"id": one, "parent": parent, "at": number, "role": ("user", "assistant")[number % 2], "text": f"**{number}**", "ending": "stop"}
        for number, (parent, one) in enumerate(pairwise(ids))
    ]
    chat = {"id": "long", "title": "long", "created": 1, "updated": 1, "pinned": False, "leaf": "m1999", "messages": said}
    file = tmp_path / "chats.json"
    file.write_text(json.dumps({"format": "webllm-build chats", "version": 1, "chats": [chat]}), "utf-8")
    page = visit.start()
    page.click("#open-chats")
    with page.expect_file_chooser() as chooser:
        page.click("text=Import")
    chooser.value.set_files(file)
    page.click("#chats li a:has-text('long')")
    expect(page.locator("#messages:not([aria-busy]) > li")).to_have_count(2000)
    expect(page.locator("#messages > li:last-child strong")).to_be_in_viewport()
    ask(page, "one")
    assert answered(page, 2002).startswith("2001 messages")
    page.locator("#messages > li").first.scroll_into_view_if_needed()
    expect(page.locator("#messages > li").first).to_be_in_viewport()
