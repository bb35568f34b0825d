"""The chat page, as a person uses it: first visit, download, questions, answers, settings."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page
from site_visit import TITLE, Visit, answered, ask, kept_as, until


def status(page: Page) -> str | None:
    return page.get_attribute("body", "data-status")


def test_first_visit_shows_the_model_and_fetches_nothing_large(visit: Visit) -> None:
    page = visit.open()
    page.wait_for_selector("#start:visible")
    assert page.title() == TITLE
    facts = page.inner_text("#facts")
    for fact in ("1 million", "1.05\u00a0MB", "q4a", "8,192 tokens", "apache-2.0"):
        assert fact in facts
    assert page.inner_text("#start") == "Download and start (1.05\u00a0MB)"
    assert page.is_disabled("#prompt")
    assert not [path for path in visit.server.requests if "/model/" in path]


def test_download_progress_is_in_bytes_and_can_be_cancelled(visit: Visit) -> None:
    visit.server.holds_from = 1 << 18
    page = visit.open()
    page.clock.install()
    page.click("#start")
    until(page, "document.querySelector('#bar').value > 0")
    page.clock.fast_forward(2000)
    visit.server.holds_from = 1 << 19
    until(page, "/kB of 1.05.MB · .*\\/s · .* left/.test(document.querySelector('#amount').textContent)")
    assert page.inner_text("#phase") == "Downloading"
    assert re.fullmatch(r"\d+%", page.inner_text("#percent"))
    first = float(page.get_attribute("#bar", "value") or "nan")
    visit.server.holds_from += 1 << 18
    until(page, f"document.querySelector('#bar').value > {first}")
    page.click("#cancel")
    page.wait_for_selector("#start:visible")
    assert status(page) == "offer"
    visit.server.holds_from = None
    page.click("#start")
    page.wait_for_selector("body[data-status=ready]")


def test_an_answer_streams_and_can_be_stopped(visit: Visit) -> None:
    page = visit.start()
    assert page.evaluate("document.activeElement.id") == "prompt"
    ask(page, "slow")
    until(page, "document.querySelector('li.assistant .body')?.textContent.includes('word3')")
    assert status(page) == "answering"
    page.click("#stop")
    text = answered(page, 2)
    assert text.startswith("word0 word1 ")
    assert "Stopped." in page.inner_text("li.assistant")
    ask(page, "slow")
    until(page, "document.querySelectorAll('li.assistant .body')[1]?.textContent.includes('word3')")
    page.keyboard.press("Escape")
    answered(page, 4)


def test_a_conversation_goes_on_and_shows_its_speed(visit: Visit) -> None:
    page = visit.start()
    ask(page, "one")
    assert answered(page, 2) == "1 messages: user."
    ask(page, "two")
    assert answered(page, 4) == "3 messages: user, assistant, user."
    assert "42.5 tokens/s" in page.inner_text("li.assistant:last-child")
    ask(page, "say: Let me <b>think</b>.</think>It is so.")
    assert answered(page, 6) == "It is so."
    assert page.inner_text("li.assistant:last-child summary") == "Thought for 1 sec"
    assert page.text_content("li.assistant:last-child .thought div") == "Let me <b>think</b>."
    assert not page.is_visible("li.assistant:last-child .thought div")
    page.click("li.assistant:last-child summary")
    assert page.is_visible("li.assistant:last-child .thought div")


def test_retry_answers_the_same_question_again(visit: Visit) -> None:
    page = visit.start()
    ask(page, "one")
    answered(page, 2)
    ask(page, "two")
    answered(page, 4)
    page.click("li.assistant >> nth=0 >> [data-action=retry]")
    page.wait_for_selector("body[data-status=ready]")
    assert page.locator("#messages > li").count() == 2
    assert answered(page, 2) == "1 messages: user."


def test_a_question_can_be_changed(visit: Visit) -> None:
    page = visit.start()
    ask(page, "one")
    answered(page, 2)
    ask(page, "two")
    answered(page, 4)
    page.hover("li.user >> nth=0")
    page.click("li.user >> nth=0 >> [data-action=edit]")
    assert page.input_value("#prompt") == "one"
    page.keyboard.press("Escape")
    assert page.input_value("#prompt") == ""
    assert page.is_hidden("#editing")
    page.click("li.user >> nth=0 >> [data-action=edit]")
    ask(page, "one, but better")
    assert answered(page, 2) == "1 messages: user."
    assert page.locator("#messages > li").count() == 2
    assert page.inner_text("li.user .body") == "one, but better"


def test_answers_and_code_can_be_copied(visit: Visit) -> None:
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visit.start()
    ask(page, "say: **bold**\n\n```python\nprint(1)\n```")
    answered(page, 2)
    page.click("li.assistant [data-action=copy]")
    assert page.evaluate("navigator.clipboard.readText()") == "**bold**\n\n```python\nprint(1)\n```"
    page.click("li.assistant [data-action=copy-code]")
    assert page.evaluate("navigator.clipboard.readText()") == "print(1)\n"


def test_a_new_chat_is_empty_also_while_an_answer_is_written(visit: Visit) -> None:
    page = visit.start()
    assert page.is_disabled("#new-chat")
    ask(page, "slow")
    until(page, "document.querySelector('li.assistant .body')?.textContent.includes('word1')")
    page.click("#new-chat")
    assert page.locator("#messages > li").count() == 0
    ask(page, "one")
    assert answered(page, 2) == "1 messages: user."
    assert page.locator("#messages > li").count() == 2


def test_a_suggestion_is_a_question(visit: Visit) -> None:
    page = visit.start()
    text = page.inner_text("#suggestions button >> nth=0")
    page.click("#suggestions button >> nth=0")
    answered(page, 2)
    assert page.inner_text("li.user .body") == text
    assert page.is_hidden("#welcome")


def test_keys(visit: Visit) -> None:
    page = visit.start()
    page.keyboard.type("first")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("second")
    assert page.input_value("#prompt") == "first\nsecond"
    assert page.locator("#messages > li").count() == 0
    page.keyboard.press("Enter")
    answered(page, 2)
    assert page.inner_text("li.user .body") == "first\nsecond"
    page.keyboard.press("Enter")
    assert page.locator("#messages > li").count() == 2, "an empty message is not sent"


def test_loading_the_page_again_keeps_the_conversation_and_starts_at_once(visit: Visit) -> None:
    page = visit.start()
    ask(page, "one")
    answered(page, 2)
    visit.server.requests.clear()
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    assert page.inner_text("li.user .body") == "one"
    ask(page, "two")
    assert answered(page, 4) == "3 messages: user, assistant, user."
    assert not [path for path in visit.server.requests if "/model/" in path]


def test_settings_are_used_and_kept(visit: Visit) -> None:
    page = visit.start()
    page.click("#open-settings")
    page.fill("#system-prompt", "Be brief.")
    page.fill("#max-tokens", "0")
    page.fill("#temperature", "0.2")
    page.click("#save-settings")
    assert page.is_visible("#settings"), "a number that does not fit is not taken"
    page.fill("#max-tokens", "100")
    page.click("#save-settings")
    ask(page, "one")
    assert answered(page, 2) == "2 messages: system, user."
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    page.click("#open-settings")
    assert page.input_value("#system-prompt") == "Be brief."
    assert page.input_value("#temperature") == "0.2"
    assert page.input_value("#max-tokens") == "100"
    page.click("#reset-settings")
    assert page.input_value("#system-prompt") == ""


def test_another_context_length_starts_the_model_again(visit: Visit) -> None:
    page = visit.start()
    page.click("#open-settings")
    assert page.eval_on_selector_all("#context-length option", "all => all.map((one) => one.value)") == ["1024", "2048", "4096", "8192"]
    page.select_option("#context-length", "1024")
    page.click("#save-settings")
    page.wait_for_selector("body[data-status=ready]")
    ask(page, "one")
    answered(page, 2)


def test_a_schema_that_no_answer_can_follow_is_told_at_its_field(visit: Visit) -> None:
    page = visit.start()
    page.click("#open-settings")
    page.click("#more-settings summary")
    page.select_option("#form", "schema")
    page.fill("#schema", '{"type": "thing"}')
    page.click("#save-settings")
    page.wait_for_selector("#schema-fault:visible")
    assert "at #/type" in page.inner_text("#schema-fault") and page.evaluate("document.activeElement.id") == "schema"
    page.fill("#schema", '{"type": "object"}')
    page.fill("#seed", "7")
    page.fill("#stop-texts", "END")
    page.click("#save-settings")
    page.wait_for_selector("dialog#settings:not([open])", state="attached")
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    page.click("#open-settings")
    page.click("#more-settings summary")
    kept = [page.input_value(name) for name in ("#form", "#schema", "#seed", "#stop-texts")]
    assert kept == ["schema", '{"type": "object"}', "7", "END"]


def test_settings_that_were_not_saved_are_as_before(visit: Visit) -> None:
    page = visit.start()
    for leave in ("Escape", "cross"):
        page.click("#open-settings")
        page.fill("#system-prompt", "Be brief.")
        page.select_option("#context-length", "1024")
        page.mouse.click(5, 400)
        assert page.is_visible("#settings"), "a click beside the dialog loses nothing that was written"
        page.keyboard.press("Escape") if leave == "Escape" else page.click("#settings header button")
        assert page.is_hidden("#settings")
        page.click("#open-settings")
        assert page.input_value("#system-prompt") == ""
        assert page.input_value("#context-length") == "4096"
        page.mouse.click(5, 400)
        assert page.is_hidden("#settings")
    ask(page, "one")
    assert answered(page, 2) == "1 messages: user."


def test_settings_that_do_not_fit_are_replaced_by_the_defaults(visit: Visit) -> None:
    page = visit.open()
    key = page.evaluate(kept_as("settings"))
    for stored in ("nonsense", '{"temperature": 99}', "null"):
        page.evaluate("([key, value]) => localStorage.setItem(key, value)", [key, stored])
        page.evaluate(f"(text) => sessionStorage.setItem({kept_as('conversation')}, text)", '[{"role": "root"}]')
        page.reload()
        page.wait_for_selector("#start:visible")
        page.click("#open-settings")
        assert page.input_value("#temperature") == "0.7"
        page.keyboard.press("Escape")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(visit: Visit, scheme: str) -> None:
    page = visit.open()
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    ground = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number).reduce((a, b) => a + b)"
    assert (page.evaluate(ground) < 200) == (scheme == "dark")
    page.click("#theme")
    assert (page.evaluate(ground) < 200) != (scheme == "dark")
    page.reload()
    assert (page.evaluate(ground) < 200) != (scheme == "dark"), "the choice is kept"


def test_a_phone_shows_everything_without_scrolling_sideways(visit: Visit) -> None:
    page = visit.start()
    page.set_viewport_size({"width": 360, "height": 640})
    wide = "x" * 300
    ask(page, f"say: {wide}\n\n| a | b | c |\n|---|---|---|\n| {wide[:60]} | {wide[:60]} | {wide[:60]} |\n\n```\n{wide}\n```\n\n`{wide}`")
    answered(page, 2)
    for selector in ("html", "main", "#messages", ".bottom"):
        sizes = page.eval_on_selector(selector, "(one) => [one.scrollWidth, one.clientWidth]")
        assert sizes[0] <= sizes[1], selector
    for selector in ("#new-chat", "#open-settings", "#theme", "#prompt", "#send"):
        box = page.locator(selector).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
    page.click("#open-settings")
    box = page.locator("#settings").bounding_box()
    assert box is not None
    assert box["width"] <= 360


def test_every_control_has_a_name_and_answers_are_announced_when_complete(visit: Visit) -> None:
    page = visit.start()
    ask(page, "one")
    answered(page, 2)
    page.click("#open-settings")
    nameless = page.evaluate(
        """[...document.querySelectorAll("button, input, select, textarea")].filter((one) => one.checkVisibility() &&
             !(one.getAttribute("aria-label") ?? one.innerText).trim() && !one.labels?.length).map((one) => one.outerHTML)"""
    )
    assert nameless == []
    assert page.get_attribute("#announce", "aria-live") == "polite"
    assert page.text_content("#announce") == "1 messages: user."
    assert page.get_attribute("html", "lang") == "en"


def test_nothing_moves_for_those_who_want_that(visit: Visit) -> None:
    page = visit.start()
    page.emulate_media(reduced_motion="reduce")
    ask(page, "slow")
    page.wait_for_selector("li.assistant[data-open]")
    assert page.evaluate("document.getAnimations().length") == 0
    page.keyboard.press("Escape")
    answered(page, 2)
