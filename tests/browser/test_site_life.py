"""Nothing is lost or spoilt: what a person does while the model loads, answers, is deleted, or is gone."""

from __future__ import annotations

import re
import time

from playwright.sync_api import Page, expect
from site_visit import Visit, answered, ask, becomes, kept_as, stored_files, until

LAST_ANSWER = "[...document.querySelectorAll('li.assistant .body')].at(-1)?.textContent"


def writing(page: Page) -> None:
    """Ask for a long answer and wait until some of it is there."""
    ask(page, "slow")
    until(page, f"{LAST_ANSWER}?.includes('word3')")


def set_context(page: Page, tokens: int) -> None:
    page.click("#open-settings")
    page.select_option("#context-length", str(tokens))
    page.click("#save-settings")


def delete_model(page: Page) -> None:
    page.click("#delete-model")
    page.click("#delete-confirmed")


def test_a_model_is_deleted_only_when_that_is_confirmed(visit: Visit) -> None:
    page = visit.start()
    page.click("#open-settings")
    page.click("#delete-model")
    expect(page.locator("#confirm-delete")).to_contain_text("1.05\u00a0MB")
    page.keyboard.press("Enter")
    expect(page.locator("#confirm-delete"), "what is chosen first keeps the model").to_be_hidden()
    assert len(stored_files(page)) == 4
    delete_model(page)
    page.wait_for_selector("#start:visible")
    expect(page.locator("#start")).to_have_text(re.compile(r"^Download and start"))
    becomes(page, lambda: stored_files(page), [])


def test_a_model_can_be_deleted_while_it_answers(visit: Visit) -> None:
    page = visit.start()
    writing(page)
    page.click("#open-settings")
    page.select_option("#context-length", "1024")
    delete_model(page)
    page.wait_for_selector("#start:visible")
    expect(page.locator("li.assistant:not([data-open])")).to_contain_text("Stopped.")
    becomes(page, lambda: stored_files(page), [])
    visit.server.requests.clear()
    page.click("#start")
    page.wait_for_selector("body[data-status=ready]")
    ask(page, "one")
    assert answered(page, 4) == "3 messages: user, assistant, user."
    assert sum("/weights-" in path for path in visit.server.requests) == 1, "it was not downloaded again unasked"


def test_a_model_can_be_deleted_before_it_is_there_while_it_loads_and_after_it_failed(visit: Visit) -> None:
    page = visit.open()
    visit.server.held = {"weights-"}
    for state in ("offer", "loading", "failed"):
        page.wait_for_selector("#start:visible")
        if state != "offer":
            page.click("#start")
            page.wait_for_selector("#progress:visible")
        if state == "failed":
            visit.server.held = set()
            page.wait_for_selector("body[data-status=ready]")
            ask(page, "fail: DeviceLost")
            page.wait_for_selector("#problem:visible")
        expect(page.locator("body")).to_have_attribute("data-status", state)
        page.click("#open-settings")
        delete_model(page)
        page.wait_for_selector("body[data-status=offer]")
        expect(page.locator("#problem")).to_be_hidden()
        expect(page.locator("#start")).to_have_text(re.compile(r"^Download and start"))
        if state != "offer":
            becomes(page, lambda: stored_files(page), [])


def test_a_deletion_that_fails_is_said(visit: Visit) -> None:
    visit.context.add_init_script(
        """if (globalThis.FileSystemDirectoryHandle) FileSystemDirectoryHandle.prototype.removeEntry =
             () => Promise.reject(new DOMException('broken', 'UnknownError'));"""
    )
    page = visit.start()
    page.click("#open-settings")
    delete_model(page)
    page.wait_for_selector("#problem:visible")
    expect(page.locator("#problem-title")).to_have_text("The model could not be deleted")
    page.click("#problem [data-action=start]")
    page.wait_for_selector("body[data-status=ready]")


def test_a_context_length_chosen_during_an_answer_is_taken_when_it_ends(visit: Visit) -> None:
    page = visit.start()
    writing(page)
    set_context(page, 1024)
    before = page.inner_text("li.assistant .body")
    until(page, f"{LAST_ANSWER}.length > {len(before)}")
    page.click("#stop")
    answered(page, 2)
    ask(page, "context")
    assert answered(page, 4) == "1024 tokens"


def test_a_question_that_waits_can_be_stopped(visit: Visit) -> None:
    page = visit.start()
    ask(page, "stuck")
    page.click("#stop")
    answered(page, 2)
    expect(page.locator("li.assistant")).to_contain_text("Stopped.")
    ask(page, "one")
    assert answered(page, 4) == "1 messages: user.", "an empty answer is not told to the model; its question is"


def test_a_question_can_be_asked_while_the_model_loads(visit: Visit) -> None:
    visit.server.held = {"weights-"}
    page = visit.open()
    page.click("#start")
    ask(page, "early")
    expect(page.locator("li.user .body")).to_have_text("early")
    expect(page.locator("body")).to_have_attribute("data-status", "loading")
    visit.server.held = set()
    assert answered(page, 2) == "1 messages: user."


def test_a_warning_is_said_once_and_can_be_closed(visit: Visit) -> None:
    page = visit.start()
    page.evaluate(
        """() => { globalThis.drawn = 0; new MutationObserver((all) => { drawn += all.length; })
             .observe(document.querySelector('#notice'), { childList: true }); }"""
    )
    set_context(page, 2048)
    page.wait_for_selector("#notice:visible")
    page.wait_for_selector("body[data-status=ready]")
    until(page, "drawn === 1")
    page.click("#notice [aria-label=Close]")
    expect(page.locator("#notice")).to_be_hidden()
    set_context(page, 1024)
    set_context(page, 2048)
    page.wait_for_selector("body[data-status=ready]")
    ask(page, "context")
    answered(page, 2)
    expect(page.locator("#notice")).to_be_hidden()


def test_what_was_answered_so_far_survives_a_reload(visit: Visit) -> None:
    page = visit.start()
    writing(page)
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    expect(page.locator("li.assistant .body")).to_have_text(re.compile(r"^word0 word1 word2"))
    expect(page.locator("li.assistant")).to_contain_text("Stopped.")
    ask(page, "one")
    assert answered(page, 4) == "3 messages: user, assistant, user."


def test_what_was_written_and_not_sent_survives_a_reload(visit: Visit) -> None:
    page = visit.start()
    ask(page, "one")
    answered(page, 2)
    page.fill("#prompt", "half a thought")
    page.hover("li.user")
    page.click("li.user [data-action=edit]")
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    expect(page.locator("#prompt")).to_have_value("half a thought")
    page.press("#prompt", "Enter")
    answered(page, 4)
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    expect(page.locator("#prompt"), "it was sent").to_have_value("")


def test_a_start_that_ended_the_page_is_not_tried_again_unasked(visit: Visit) -> None:
    page = visit.open()
    visit.server.held = {"weights-"}
    page.click("#start")
    page.wait_for_selector("#progress:visible")
    until(page, f"sessionStorage.getItem({kept_as('start')}) === 'begun'")
    for event in ("pagehide", "pageshow"):  # it is left, and taken back as it was
        page.evaluate(f"dispatchEvent(new PageTransitionEvent('{event}', {{ persisted: true }}))")
    assert page.evaluate(f"sessionStorage.getItem({kept_as('start')})") == "begun"
    page.reload()
    page.wait_for_selector("#start:visible")
    expect(page.locator("#card"), "a person has loaded it again").not_to_contain_text("ended this page")
    visit.server.held = set()
    page.click("#start")
    page.wait_for_selector("body[data-status=ready]")
    # As a browser leaves it that runs out of memory.
    page.add_init_script(f"sessionStorage.setItem({kept_as('start')}, 'begun')")
    page.reload()
    page.wait_for_selector("#start:visible")
    expect(page.locator("#card-text")).to_contain_text("ended this page")
    page.click("#start")
    page.wait_for_selector("body[data-status=ready]")


def test_a_failed_answer_is_not_told_to_the_model(visit: Visit) -> None:
    page = visit.start()
    ask(page, "fail: RequestValidation")
    page.click("#problem-action")
    ask(page, "one")
    assert answered(page, 4) == "1 messages: user."


def test_the_oldest_part_can_be_left_out(visit: Visit) -> None:
    page = visit.start()
    for count, question in enumerate(("one", "two"), 1):
        ask(page, question)
        answered(page, 2 * count)
    ask(page, "limit: 3")
    page.wait_for_selector("#problem:visible")
    expect(page.locator("#problem-action")).to_have_text("Leave out the oldest part")
    page.click("#problem-action")
    assert answered(page, 6) == "3 messages: user, assistant, user."
    expect(page.locator("li.left-out")).to_have_count(2)
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    expect(page.locator("li.left-out")).to_have_count(2)
    ask(page, "more")
    assert answered(page, 8) == "5 messages: user, assistant, user, assistant, user."


def test_memory_that_does_not_suffice_to_grow_needs_no_new_start(visit: Visit) -> None:
    page = visit.start()
    ask(page, "fail: OutOfMemory")
    page.wait_for_selector("#problem:visible")
    expect(page.locator("#problem-title")).to_have_text("There is no room for more")
    expect(page.locator("body")).to_have_attribute("data-status", "ready")
    page.click("#problem [data-action=settings]")
    page.select_option("#context-length", "1024")
    page.click("#save-settings")
    page.wait_for_selector("body[data-status=ready]")
    ask(page, "context")
    assert answered(page, 4) == "1024 tokens"


def test_an_engine_that_is_gone_when_the_page_comes_back_is_started_again(visit: Visit) -> None:
    page = visit.open()
    page.clock.install()
    page.click("#start")
    page.wait_for_selector("body[data-status=ready]")
    come_back = "dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"
    page.evaluate(come_back)
    ask(page, "die")
    answered(page, 2)
    expect(page.locator("#problem"), "it was there the first time").to_be_hidden()
    page.evaluate(come_back)
    page.clock.run_for(30_000)
    page.wait_for_selector("#problem:visible")
    expect(page.locator("#problem-title")).to_have_text("The GPU was lost")
    page.click("#problem-action")
    page.wait_for_selector("body[data-status=ready]")
    ask(page, "one")
    assert answered(page, 4) == "3 messages: user, assistant, user."


def test_a_page_that_was_frozen_goes_on(visit: Visit) -> None:
    page = visit.open()
    tab = visit.context.new_cdp_session(page)

    def freeze() -> None:
        tab.send("Page.setWebLifecycleState", {"state": "frozen"})
        visit.server.held = set()
        time.sleep(0.2)  # what comes meanwhile comes to a frozen page
        tab.send("Page.setWebLifecycleState", {"state": "active"})

    visit.server.held = {"weights-"}
    page.click("#start")
    page.wait_for_selector("#progress:visible")
    freeze()
    page.wait_for_selector("body[data-status=ready]")
    writing(page)
    freeze()
    until(page, f"{LAST_ANSWER}?.includes('word12')")
    page.press("#prompt", "Escape")
    page.wait_for_selector("body[data-status=ready]")
    ask(page, "one")
    assert answered(page, 4) == "3 messages: user, assistant, user."
    expect(page.locator("#problem")).to_be_hidden()


def test_a_gpu_that_is_lost_while_nothing_is_asked_is_said_at_once_and_started_again(visit: Visit) -> None:
    page = visit.start()
    ask(page, "lose")
    page.wait_for_selector("#problem:visible")
    expect(page.locator("#problem-title")).to_have_text("The GPU was lost")
    expect(page.locator("#problem-details")).to_contain_text("made to be lost")
    expect(page.locator("li.assistant .body")).to_have_text("1 messages: user.")
    page.click("#problem-action")
    page.wait_for_selector("body[data-status=ready]")
    expect(page.locator("#problem")).to_be_hidden()
    ask(page, "one")
    assert answered(page, 4) == "3 messages: user, assistant, user."


def test_keys_of_an_input_method_belong_to_it(visit: Visit) -> None:
    page = visit.start()
    press = """(key) => document.querySelector('#prompt').dispatchEvent(
        new KeyboardEvent('keydown', { key, keyCode: 229, bubbles: true, cancelable: true }))"""
    page.fill("#prompt", "にほん")
    page.evaluate(press, "Enter")
    expect(page.locator("#prompt")).to_have_value("にほん")
    expect(page.locator("#messages > li")).to_have_count(0)
    writing(page)
    page.evaluate(press, "Escape")
    until(page, f"{LAST_ANSWER}?.includes('word8')")
    expect(page.locator("body")).to_have_attribute("data-status", "answering")
    page.keyboard.press("Escape")
    answered(page, 2)


def test_a_draft_survives_a_look_at_an_earlier_message(visit: Visit) -> None:
    page = visit.start()
    for count, question in enumerate(("one", "two"), 1):
        ask(page, question)
        answered(page, 2 * count)
    page.fill("#prompt", "a draft")
    page.hover("li.user >> nth=1")
    page.click("li.user >> nth=1 >> [data-action=edit]")
    expect(page.locator("#prompt")).to_have_value("two")
    page.click("li.assistant >> nth=0 >> [data-action=retry]")
    answered(page, 2)
    expect(page.locator("#editing"), "the message that was changed is gone").to_be_hidden()
    expect(page.locator("#prompt")).to_have_value("a draft")


def test_a_clipboard_that_is_refused_is_said(visit: Visit) -> None:
    visit.context.add_init_script(
        "if (navigator.clipboard) navigator.clipboard.writeText = () => Promise.reject(new DOMException('no', 'NotAllowedError'))"
    )
    page = visit.start()
    ask(page, "one")
    answered(page, 2)
    for _ in range(2):
        page.click("li.assistant [data-action=copy]")
        expect(page.locator("#notice")).to_contain_text("does not let this page copy")
        page.click("#notice [aria-label=Close]")


def test_nobody_waits_for_a_permission(visit: Visit) -> None:
    visit.context.add_init_script(
        """globalThis.asked = [];
           if (globalThis.StorageManager) StorageManager.prototype.persist = () => new Promise(() => asked.push(1));"""
    )
    page = visit.start()
    set_context(page, 1024)
    page.wait_for_selector("body[data-status=ready]")
    assert page.evaluate("asked.length") == 0, "nobody knows yet what for"
    for count in (2, 4):
        ask(page, "one")
        answered(page, count)
    expect(page.locator("#notice")).to_contain_text("Let the browser keep the model, if it asks")
    until(page, "asked.length === 1")  # once, however often the model answers


def test_fingers_find_every_control(visit: Visit) -> None:
    assert visit.context.browser is not None
    context = visit.context.browser.new_context(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    page = Visit(context, visit.server).start()
    assert page.evaluate("matchMedia('(pointer: coarse)').matches")
    page.fill("#prompt", "say: ```\ncode\n```")
    page.click("#send")
    answered(page, 2)
    page.click("#open-settings")
    small = page.evaluate(
        """[...document.querySelectorAll("button, select, input")].filter((one) => one.checkVisibility())
             .map((one) => [one.id || one.dataset.action || one.ariaLabel, one.getBoundingClientRect()])
             .filter(([, box]) => box.height < 44 || box.width < 44).map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""
    )
    context.close()
    assert small == []
