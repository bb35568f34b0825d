"""The chat page, as a person uses it: first visit, download, questions, answers, settings."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, expect
from site_visit import TITLE, Visit, answered, ask, becomes, installed, kept_as, until


def status(page: Page) -> str | None:
    return page.get_attribute("body", "data-status")


def test_first_visit_shows_the_model_and_fetches_nothing_large(visit: Visit) -> None:
    page = visit.open()
    page.wait_for_selector("#start:visible")
    expect(page).to_have_title(TITLE)
    for fact in ("1 million", "1.05\u00a0MB", "q4a", "8,192 tokens", "apache-2.0"):
        expect(page.locator("#facts")).to_contain_text(fact)
    expect(page.locator("#start")).to_have_text("Download and start (1.05\u00a0MB)")
    expect(page.locator("#prompt")).to_be_disabled()
    installed(page)
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
    expect(page.locator("#phase")).to_have_text("Downloading")
    expect(page.locator("#percent")).to_have_text(re.compile(r"^\d+%$"))
    first = float(page.get_attribute("#bar", "value") or "nan")
    visit.server.holds_from += 1 << 18
    until(page, f"document.querySelector('#bar').value > {first}")
    page.click("#cancel")
    page.wait_for_selector("#start:visible")
    expect(page.locator("body")).to_have_attribute("data-status", "offer")
    visit.server.holds_from = None
    page.click("#start")
    page.wait_for_selector("body[data-status=ready]")


def test_an_answer_streams_and_can_be_stopped(visit: Visit) -> None:
    page = visit.start()
    expect(page.locator("#prompt")).to_be_focused()
    ask(page, "slow")
    until(page, "document.querySelector('li.assistant .body')?.textContent.includes('word3')")
    expect(page.locator("body")).to_have_attribute("data-status", "answering")
    page.click("#stop")
    text = answered(page, 2)
    assert text.startswith("word0 word1 ")
    expect(page.locator("li.assistant")).to_contain_text("Stopped.")
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
    expect(page.locator("li.assistant:last-child")).to_contain_text("42.5 tokens/s")
    ask(page, "say: Let me <b>think</b>.</think>It is so.")
    assert answered(page, 6) == "It is so."
    expect(page.locator("li.assistant:last-child summary")).to_have_text("Thought for 1 sec")
    expect(page.locator("li.assistant:last-child .thought div")).to_have_text("Let me <b>think</b>.")
    expect(page.locator("li.assistant:last-child .thought div")).to_be_hidden()
    page.click("li.assistant:last-child summary")
    expect(page.locator("li.assistant:last-child .thought div")).to_be_visible()


def test_retry_answers_the_same_question_again(visit: Visit) -> None:
    page = visit.start()
    ask(page, "one")
    answered(page, 2)
    ask(page, "two")
    answered(page, 4)
    page.click("li.assistant >> nth=0 >> [data-action=retry]")
    page.wait_for_selector("body[data-status=ready]")
    expect(page.locator("#messages > li")).to_have_count(2)
    assert answered(page, 2) == "1 messages: user."


def test_a_question_can_be_changed(visit: Visit) -> None:
    page = visit.start()
    ask(page, "one")
    answered(page, 2)
    ask(page, "two")
    answered(page, 4)
    page.hover("li.user >> nth=0")
    page.click("li.user >> nth=0 >> [data-action=edit]")
    expect(page.locator("#prompt")).to_have_value("one")
    page.keyboard.press("Escape")
    expect(page.locator("#prompt")).to_have_value("")
    expect(page.locator("#editing")).to_be_hidden()
    page.click("li.user >> nth=0 >> [data-action=edit]")
    ask(page, "one, but better")
    assert answered(page, 2) == "1 messages: user."
    expect(page.locator("#messages > li")).to_have_count(2)
    expect(page.locator("li.user .body")).to_have_text("one, but better")


def test_answers_and_code_can_be_copied(visit: Visit) -> None:
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visit.start()
    ask(page, "say: **bold**\n\n```python\nprint(1)\n```")
    answered(page, 2)
    page.click("li.assistant [data-action=copy]")
    becomes(page, lambda: page.evaluate("navigator.clipboard.readText()"), "**bold**\n\n```python\nprint(1)\n```")
    page.click("li.assistant [data-action=copy-code]")
    becomes(page, lambda: page.evaluate("navigator.clipboard.readText()"), "print(1)\n")


def test_a_new_chat_is_empty_also_while_an_answer_is_written(visit: Visit) -> None:
    page = visit.start()
    expect(page.locator("#new-chat")).to_be_disabled()
    ask(page, "slow")
    until(page, "document.querySelector('li.assistant .body')?.textContent.includes('word1')")
    page.click("#new-chat")
    expect(page.locator("#messages > li")).to_have_count(0)
    ask(page, "one")
    assert answered(page, 2) == "1 messages: user."
    expect(page.locator("#messages > li")).to_have_count(2)


def test_a_suggestion_is_a_question(visit: Visit) -> None:
    page = visit.start()
    text = page.inner_text("#suggestions button >> nth=0")
    page.click("#suggestions button >> nth=0")
    answered(page, 2)
    expect(page.locator("li.user .body")).to_have_text(text)
    expect(page.locator("#welcome")).to_be_hidden()


def test_keys(visit: Visit) -> None:
    page = visit.start()
    expect(page.locator("#prompt")).to_be_focused()
    page.keyboard.type("first")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("second")
    expect(page.locator("#prompt")).to_have_value("first\nsecond")
    expect(page.locator("#messages > li")).to_have_count(0)
    page.keyboard.press("Enter")
    answered(page, 2)
    expect(page.locator("li.user .body")).to_have_text(re.compile("^first\nsecond$"), use_inner_text=True)
    page.keyboard.press("Enter")
    ask(page, "third")
    answered(page, 4)
    expect(page.locator("#messages > li"), "an empty message is not sent").to_have_count(4)


def test_loading_the_page_again_keeps_the_conversation_and_starts_at_once(visit: Visit) -> None:
    page = visit.start()
    ask(page, "one")
    answered(page, 2)
    visit.server.requests.clear()
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    expect(page.locator("li.user .body")).to_have_text("one")
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
    expect(page.locator("#settings"), "a number that does not fit is not taken").to_be_visible()
    page.fill("#max-tokens", "100")
    page.click("#save-settings")
    ask(page, "one")
    assert answered(page, 2) == "2 messages: system, user."
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    page.click("#open-settings")
    expect(page.locator("#system-prompt")).to_have_value("Be brief.")
    expect(page.locator("#temperature")).to_have_value("0.2")
    expect(page.locator("#max-tokens")).to_have_value("100")
    page.click("#reset-settings")
    expect(page.locator("#system-prompt")).to_have_value("")


def test_what_the_models_makers_recommend_is_shown_and_kept_to_the_last_digit(visit: Visit) -> None:
    index = visit.server.folder / "index.html"
    own = {"temperature": 0.625, "top_p": 0.999, "top_k": 0, "repetition_penalty": 1.0375}
    index.write_text(re.sub(r'"sampling":{[^}]*}', f'"sampling":{json.dumps(own)}', index.read_text("utf-8")), "utf-8")
    page = visit.start()
    for step in ("as it came", "as it was saved"):
        page.click("#open-settings")
        page.click("#more-settings summary")
        for name, value in own.items():
            field = name.replace("_", "-")
            expect(page.locator(f"#{field}"), step).to_have_value(str(value))
            expect(page.locator(f"#{field}-own")).to_have_text(re.compile(f": {re.escape(str(value))}$"))
        page.click("#save-settings")
        page.wait_for_selector("dialog#settings:not([open])", state="attached")
        page.reload()
        page.wait_for_selector("body[data-status=ready]")


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
    expect(page.locator("#schema-fault")).to_contain_text("at #/type")
    expect(page.locator("#schema")).to_be_focused()
    page.fill("#schema", '{"type": "object"}')
    page.fill("#seed", "7")
    page.fill("#stop-texts", "END")
    page.click("#save-settings")
    page.wait_for_selector("dialog#settings:not([open])", state="attached")
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    page.click("#open-settings")
    page.click("#more-settings summary")
    for field, value in (("#form", "schema"), ("#schema", '{"type": "object"}'), ("#seed", "7"), ("#stop-texts", "END")):
        expect(page.locator(field)).to_have_value(value)


def test_settings_that_were_not_saved_are_as_before(visit: Visit) -> None:
    page = visit.start()
    for leave in ("Escape", "cross"):
        page.click("#open-settings")
        page.fill("#system-prompt", "Be brief.")
        page.select_option("#context-length", "1024")
        page.mouse.click(5, 400)
        expect(page.locator("#settings"), "a click beside the dialog loses nothing that was written").to_be_visible()
        page.keyboard.press("Escape") if leave == "Escape" else page.click("#settings header button")
        expect(page.locator("#settings")).to_be_hidden()
        page.click("#open-settings")
        expect(page.locator("#system-prompt")).to_have_value("")
        expect(page.locator("#context-length")).to_have_value("4096")
        page.mouse.click(5, 400)
        expect(page.locator("#settings")).to_be_hidden()
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
        expect(page.locator("#temperature")).to_have_value("0.7")
        page.keyboard.press("Escape")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(visit: Visit, scheme: str) -> None:
    page = visit.open()
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    ground = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number).reduce((a, b) => a + b)"
    before, after = ("<", ">") if scheme == "dark" else (">", "<")
    until(page, f"{ground} {before} 200")
    page.click("#theme")
    until(page, f"{ground} {after} 200")
    page.reload()
    until(page, f"{ground} {after} 200")


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


def test_what_starts_the_model_is_seen_on_a_phone_at_once(visit: Visit) -> None:
    page = visit.context.new_page()
    page.set_viewport_size({"width": 360, "height": 640})
    page.goto(visit.server.url)
    page.wait_for_selector("#verdict:not(:empty)")
    start, composer = page.locator("#start").bounding_box(), page.locator(".bottom").bounding_box()
    assert start is not None
    assert composer is not None
    assert start["y"] + start["height"] <= composer["y"]


def test_every_control_has_a_name_and_answers_are_announced_when_complete(visit: Visit) -> None:
    page = visit.start()
    ask(page, "one")
    answered(page, 2)
    page.click("#open-settings")
    page.wait_for_selector("#settings[open]")
    nameless = page.evaluate(
        """[...document.querySelectorAll("button, input, select, textarea")].filter((one) => one.checkVisibility() &&
             !(one.getAttribute("aria-label") ?? one.innerText).trim() && !one.labels?.length).map((one) => one.outerHTML)"""
    )
    assert nameless == []
    expect(page.locator("#announce")).to_have_attribute("aria-live", "polite")
    expect(page.locator("#announce")).to_have_text("1 messages: user.")
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_nothing_moves_for_those_who_want_that(visit: Visit) -> None:
    page = visit.start()
    page.emulate_media(reduced_motion="reduce")
    ask(page, "slow")
    page.wait_for_selector("li.assistant[data-open]")
    assert page.evaluate("document.getAnimations().length") == 0
    page.keyboard.press("Escape")
    answered(page, 2)
