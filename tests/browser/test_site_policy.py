"""The page's policy binds the engine's worker too, a stricter one of the server is survived or explained, and updates take nothing away."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, Worker, expect
from site_visit import UNMEASURED, Visit, answered, ask, becomes, build_site, installed, unloaded, until

PAGE = "default-src 'none'; style-src 'self'; img-src 'self'; connect-src 'self'; "


def test_the_worker_reaches_no_other_host(visit: Visit) -> None:
    visit.provokes("error: Connecting to 'http://localhost:")
    page = visit.start()
    other = visit.server.url.replace("127.0.0.1", "localhost")
    ask(page, f"fetch: {visit.server.url}index.html")
    assert answered(page, 2) == "200"
    ask(page, f"fetch: {other}index.html")
    assert answered(page, 4) == "TypeError"


def test_the_worker_that_measures_reaches_no_other_host(visit: Visit) -> None:
    visit.provokes(*UNMEASURED, "error: Connecting to 'http://localhost:")
    page = visit.context.new_page()
    page.goto(visit.server.url + "bench.html")
    until(page, "document.querySelector('#status').textContent.startsWith('FAIL')")  # the sample is no model
    fetches = "(url) => fetch(url, { mode: 'no-cors' }).then(({ type }) => type, ({ name }) => name)"
    becomes(page, lambda: len(page.workers), 1)
    (worker,) = page.workers
    assert worker.evaluate(fetches, f"{visit.server.url}bench.html") == "basic"
    assert worker.evaluate(fetches, visit.server.url.replace("127.0.0.1", "localhost")) == "TypeError"


@pytest.mark.parametrize("where", ["page", "worker"])
def test_a_text_becomes_no_code(visit: Visit, where: str) -> None:
    visit.provokes("error: This document requires 'Trusted", "error: Creating a TrustedTypePolicy named 'mine' violates")
    page = visit.start()
    ask(page, "say: **bold** $x^2$ <b onclick=alert(1)>no</b>")
    expect(page.locator("li.assistant math")).to_have_count(1)
    expect(page.locator("li.assistant strong")).to_have_text("bold")
    tried = "() => {{ try {{ {0}; return 'done'; }} catch ({{ name }}) {{ return name; }} }}"
    realm: Page | Worker = page if where == "page" else page.workers[0]
    assert realm.evaluate(tried.format("new Worker('sw.js').terminate()")) == "TypeError"
    assert realm.evaluate(tried.format("trustedTypes.createPolicy('mine', {})")) == "TypeError"
    if where == "page":
        assert realm.evaluate(tried.format("document.querySelector('#main').innerHTML = '<b>bold</b>'")) == "TypeError"
    page.wait_for_selector("body[data-status=ready]")


def test_a_server_that_forbids_workers_from_memory(visit: Visit) -> None:
    visit.provokes("error: Executing inline script")
    visit.server.policy = PAGE + "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'"
    page = visit.start()
    ask(page, "one")
    assert answered(page, 2) == "1 messages: user."
    visit.told(page, "error: Creating a worker from 'blob:")


def test_a_server_that_forbids_webassembly(visit: Visit) -> None:
    visit.provokes("error: Executing inline script")
    visit.server.policy = PAGE + "script-src 'self'; worker-src 'self' blob:"
    page = visit.open()
    page.wait_for_selector("#problem:visible")
    expect(page.locator("#problem-title")).to_have_text("This site\u2019s server forbids WebAssembly")
    expect(page.locator("#problem-fix")).to_contain_text("'wasm-unsafe-eval'")


FORGET_MODELS = """async () => {
  await (await navigator.storage.getDirectory()).removeEntry("webllm-build", { recursive: true });
}"""


@pytest.mark.parametrize("seed", [0, 1], ids=["same-model", "other-model"])
def test_another_open_page_survives_an_update(visit: Visit, tmp_path: Path, seed: int) -> None:
    visit.provokes(unloaded("model/"))
    first = visit.start()
    installed(first)
    second = visit.open()
    second.wait_for_selector("body[data-status=ready]")
    ask(second, "one")
    answered(second, 2)
    (worker,) = visit.server.folder.glob("assets/worker.*.js")
    build_site(visit.server.folder, tmp_path / "build-1", seed=seed, title="Newer chat")
    assert not worker.exists()
    first.reload()
    first.wait_for_selector("#notice:visible")
    first.click("#notice button")
    expect(first).to_have_title("Newer chat", timeout=60_000)
    second.wait_for_selector("#notice:visible")

    second.click("#open-settings")
    second.select_option("#context-length", "1024")
    second.click("#save-settings")
    second.wait_for_selector("body[data-status=ready]")
    ask(second, "context")
    assert answered(second, 4) == "1024 tokens"
    if seed == 1:
        second.evaluate(FORGET_MODELS)
        second.click("#open-settings")
        second.select_option("#context-length", "2048")
        second.click("#save-settings")
        second.wait_for_selector("#problem:visible")
        expect(second.locator("#problem-title")).to_have_text("The download stopped")
        second.click("#problem [data-action=reload]")
        expect(second).to_have_title("Newer chat", timeout=60_000)
        expect(second.locator("#messages > li"), "the conversation is kept").to_have_count(4)


def test_a_page_whose_script_is_gone_loads_the_newer_build(visit: Visit, tmp_path: Path) -> None:
    visit.provokes(unloaded("assets/worker."))
    visit.server.failing = {"assets/worker."}
    page = visit.open()
    page.click("#start")
    page.wait_for_selector("#problem:visible")
    expect(page.locator("#problem-title")).to_have_text("The engine could not go on")
    build_site(visit.server.folder, tmp_path / "build-1", title="Newer chat")
    visit.server.failing = set()
    page.click("#problem-action")
    expect(page).to_have_title("Newer chat", timeout=60_000)
    page.click("#start")
    page.wait_for_selector("body[data-status=ready]")


def test_a_page_whose_words_are_gone_loads_the_newer_build_or_says_so(visit: Visit, tmp_path: Path) -> None:
    visit.provokes(unloaded("assets/words-"), "uncaught: Failed to fetch dynamically imported module*/words-")
    visit.server.failing = {"assets/words-"}
    page = visit.open()
    page.wait_for_selector("#incomplete:visible")
    becomes(page, lambda: sum(path.endswith("/sub/chat/") for path in visit.server.requests), 2)  # loaded again once
    build_site(visit.server.folder, tmp_path / "build-1", title="Newer chat")
    visit.server.failing = set()
    page.reload()
    page.wait_for_selector("#start:visible")
    expect(page).to_have_title("Newer chat")
    expect(page.locator("#incomplete")).to_be_hidden()


def test_a_page_whose_words_do_not_come_stays_where_its_server_cannot_be_reached(visit: Visit) -> None:
    visit.provokes(unloaded("", "net::ERR_FAILED"), "uncaught: Failed to fetch dynamically imported module*/words-")
    visit.context.route("**/assets/words-*", lambda route: route.abort())
    visit.context.route(visit.server.url, lambda route: route.abort() if route.request.method == "HEAD" else route.fallback())
    page = visit.open()
    expect(page.locator("#incomplete")).to_be_visible()
    assert page.url == visit.server.url
    assert visit.server.requests.count("/sub/chat/") == 1
