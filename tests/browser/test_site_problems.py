"""What goes wrong is said, with what to do about it, and the conversation survives."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from site_visit import INSECURE_HOST, Visit, answered, ask

WATCH = """() => {
  globalThis.states = [];
  new MutationObserver(() => states.push(document.body.dataset.status)).observe(document.body, { attributes: true });
}"""
FATAL = {
    "DeviceLost": "The GPU was lost",
    "GPUExecution": "The GPU refused the work",
    "Internal": "Something went wrong",
}


def test_no_webgpu(visit: Visit) -> None:
    visit.context.add_init_script("delete Navigator.prototype.gpu")
    page = visit.open()
    page.wait_for_selector("#problem:visible")
    expect(page.locator("#problem-title")).to_have_text("This browser does not offer WebGPU")
    expect(page.locator("#problem-fix")).to_contain_text("Chrome")
    expect(page.locator("#card")).to_be_hidden()
    expect(page.locator("#prompt")).to_be_disabled()


def test_no_adapter(visit: Visit) -> None:
    visit.context.add_init_script("if (globalThis.GPU) GPU.prototype.requestAdapter = async () => null")
    page = visit.open()
    page.wait_for_selector("#problem:visible")
    expect(page.locator("#problem-title")).to_have_text("This browser does not offer WebGPU")


def test_an_insecure_address(visit: Visit) -> None:
    page = visit.context.new_page()
    page.goto(visit.server.url.replace("127.0.0.1", INSECURE_HOST))
    page.wait_for_selector("#problem:visible")
    expect(page.locator("#problem-title")).to_have_text("This page must be opened over https")
    expect(page.locator("#problem-action")).to_be_hidden()


def test_a_failed_download_goes_on_where_it_stopped(visit: Visit) -> None:
    visit.server.failing = {"weights-"}
    page = visit.open()
    page.click("#start")
    page.wait_for_selector("#problem:visible")
    expect(page.locator("#problem-title")).to_have_text("The download stopped")
    expect(page.locator("#problem-details")).to_contain_text("HTTP 404")
    expect(page.locator("#problem-action")).to_be_focused()
    visit.server.failing = set()
    visit.server.requests.clear()
    page.click("#problem-action")
    page.wait_for_selector("body[data-status=ready]")
    fetched = [path.rsplit("/", 1)[1] for path in visit.server.requests if "/model/" in path]
    assert [name.split(".")[0] for name in fetched] == ["weights-0000"], "what had arrived is not fetched again"
    ask(page, "one")
    answered(page, 2)


@pytest.mark.parametrize("code", FATAL)
def test_a_lost_engine_is_started_again_and_the_conversation_stays(visit: Visit, code: str) -> None:
    page = visit.start()
    ask(page, "one")
    answered(page, 2)
    ask(page, f"fail: {code}")
    page.wait_for_selector("#problem:visible")
    expect(page.locator("#problem-title")).to_have_text(FATAL[code])
    expect(page.locator("#problem-details")).to_contain_text(f"made to fail with {code}")
    expect(page.locator("#problem")).to_have_attribute("role", "alert")
    page.click("#problem-action")
    page.wait_for_selector("body[data-status=ready]")
    expect(page.locator("#problem")).to_be_hidden()
    expect(page.locator("#messages > li")).to_have_count(4)
    ask(page, "two")
    answered(page, 6)


def test_a_conversation_that_is_too_long_needs_no_new_start(visit: Visit) -> None:
    page = visit.start()
    ask(page, "fail: ContextWindowSizeExceeded")
    page.wait_for_selector("#problem:visible")
    expect(page.locator("#problem-title")).to_have_text("This has become too long for the model")
    page.click("#problem-action")
    expect(page.locator("#messages > li")).to_have_count(0)
    ask(page, "one")
    assert answered(page, 2) == "1 messages: user."


def test_a_request_that_is_refused_can_be_sent_again(visit: Visit) -> None:
    page = visit.start()
    ask(page, "fail: RequestValidation")
    page.wait_for_selector("#problem:visible")
    page.click("#problem-action")
    ask(page, "one")
    answered(page, 4)


def test_a_start_that_is_refused_is_not_begun_again_and_again(visit: Visit) -> None:
    page = visit.open()
    page.clock.install()
    page.click("#open-settings")
    page.evaluate("document.querySelector('#context-length').value = ''")
    page.click("#settings .primary")
    page.click("#start")
    page.wait_for_selector("#problem:visible")
    expect(page.locator("#problem-title")).to_have_text("The engine could not go on")
    expect(page.locator("body")).to_have_attribute("data-status", "failed")
    page.evaluate(WATCH)
    page.clock.fast_forward(60_000)
    assert page.evaluate("states") == []


def test_little_storage_is_said_before_the_download(visit: Visit) -> None:
    visit.context.add_init_script(
        "if (globalThis.StorageManager) StorageManager.prototype.estimate = async () => ({ quota: 1000000, usage: 900000 })"
    )
    page = visit.open()
    page.wait_for_selector("#notice:visible")
    expect(page.locator("#notice")).to_contain_text("storage")
    expect(page.locator("#start")).to_contain_text("Download without keeping it")
    page.click("#notice button:has-text('Make room')")
    expect(page.locator("#storage")).to_contain_text("No model is kept on this device. There is room for 100\u00a0kB more.")
    page.click("#storage [aria-label=Close]")
    expect(page.locator("#notice")).to_be_hidden()
    page.click("#start")
    page.wait_for_selector("body[data-status=ready]")


DENIED = 'new DOMException("denied", "SecurityError")'
LACKING = {
    "all of it": f"""Object.defineProperty(Navigator.prototype, "serviceWorker", {{ get() {{ throw {DENIED}; }} }});
      for (const name of ["locks", "storage"]) delete Navigator.prototype[name];
      for (const name of ["caches", "BroadcastChannel", "speechSynthesis", "requestIdleCallback"]) delete globalThis[name];""",
    "answers": f"""for (const name of ["LockManager", "CacheStorage", "StorageManager", "Permissions"]) {{
        const methods = Object.getOwnPropertyNames(globalThis[name]?.prototype ?? {{}}).filter((method) => method !== "constructor");
        for (const method of methods) globalThis[name].prototype[method] = () => Promise.reject({DENIED});
      }}
      if (globalThis.ServiceWorkerContainer) ServiceWorkerContainer.prototype.register = () => Promise.reject({DENIED});""",
    "a finer clock": "const { now } = performance; performance.now = () => Math.floor(now.call(performance) / 100) * 100;",
}
# As browsers do that translate a page: each text in elements of their own, again and again.
TRANSLATE = """() => setInterval(() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  for (let text = texts.nextNode(); text !== null; text = texts.nextNode())
    if (text.data.trim() !== "" && text.parentElement.closest("font, script, textarea, svg") === null) found.push(text);
  for (const text of found) {
    const font = document.createElement("font");
    text.replaceWith(font);
    font.append(text);
  }
}, 20)"""


@pytest.mark.parametrize("lacks", LACKING)
def test_a_browser_that_lacks_or_refuses_what_is_not_needed_chats(visit: Visit, lacks: str) -> None:
    visit.context.add_init_script(LACKING[lacks])
    page = visit.start()
    ask(page, "say: **one**")
    assert answered(page, 2) == "one"
    page.click("#open-chats")
    expect(page.locator("#chats li")).to_have_count(1)


def test_a_translated_page_goes_on(visit: Visit) -> None:
    page = visit.start()
    page.evaluate(TRANSLATE)
    ask(page, "slowly: - one\n- **two** and more\n\nthree")
    assert answered(page, 2).split() == ["one", "two", "and", "more", "three"]
    page.click("#open-settings")
    page.click("#save-settings")
    ask(page, "say: four")
    assert answered(page, 4) == "four"


def test_no_room_at_all_is_said_before_the_download(visit: Visit) -> None:
    visit.context.add_init_script("if (globalThis.StorageManager) StorageManager.prototype.estimate = async () => ({ quota: 0, usage: 0 })")
    page = visit.open()
    page.wait_for_selector("#start:visible")
    expect(page.locator("#notice")).to_contain_text("downloaded again next time")
    page.click("#start")
    page.wait_for_selector("body[data-status=ready]")


def test_without_any_storage_the_page_still_works(visit: Visit) -> None:
    visit.context.add_init_script(
        """for (const name of ["localStorage", "sessionStorage"])
             Object.defineProperty(window, name, { get() { throw new DOMException("denied", "SecurityError"); } });
           delete Navigator.prototype.serviceWorker;
           if (globalThis.StorageManager)
             StorageManager.prototype.getDirectory = () => Promise.reject(new DOMException("denied", "SecurityError"));"""
    )
    page = visit.start()
    page.click("#theme")
    ask(page, "one")
    answered(page, 2)
