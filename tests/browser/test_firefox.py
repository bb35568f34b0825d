"""Sites in Firefox, whose WebGPU is another implementation: wgpu, and naga for the shaders. Real weights show that it computes exactly; the
life of a page needs a site that loads quickly."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from site_server import SiteServer
from site_visit import build_site
from test_site_shared import LEADERS

from firefox import Firefox, Tab
from open_page import RUNTIME, TESTS, serve

QUESTION = "Say hello."
SECONDS = 600  # the GPU is a CPU that others use too


ENDPOINT = """(async () => {
  const body = JSON.stringify({ messages: [{ role: "user", content: "hi" }], max_tokens: 1, stream: true });
  const answer = await fetch("v1/chat/completions", { method: "POST", body });
  return [answer.status, (await answer.text()).trim().slice(-6)];
})()"""


def console(browser: Firefox, page: str) -> list[str]:
    """The console of a page that ends with a line DONE."""
    browser.console.clear()
    tab = browser.open(page)
    end = time.monotonic() + SECONDS
    while not any(line.startswith("info: DONE") for line in browser.console):
        assert time.monotonic() < end, browser.console
        tab.evaluate("new Promise((resolve) => { setTimeout(resolve, 200); })")
    tab.close()
    return [line.removeprefix("info: ") for line in browser.console]


@pytest.mark.timeout(1500)
def test_greedy_tokens_are_exact(firefox: Firefox, cut_site: Path) -> None:
    with serve({"tests": TESTS, "runtime": RUNTIME, "site": cut_site}) as origin:
        lines = console(firefox, f"{origin}/tests/bench/exact.html?variant=f32&reference=smollm2-cut&prompts=system,short&tokens=4")
    assert lines == ["PASS system", "PASS short", "DONE all passed"]


def ready(tab: Tab) -> None:
    tab.until("['ready', 'failed'].includes(document.body.dataset.status)", SECONDS)
    assert tab.evaluate("document.querySelector('#problem').checkVisibility() ? document.body.innerText : ''") == ""


def ask(tab: Tab, messages: int = 2) -> str:
    """Ask, and wait for the whole answer; messages: how many there are then."""
    tab.fill("#prompt", QUESTION)
    tab.evaluate("document.querySelector('#prompt').form.requestSubmit()")
    tab.until(f"document.querySelector('#messages > li:nth-child({messages}):not([data-open]) .tools') !== null", SECONDS)
    ready(tab)
    answer = tab.evaluate("document.querySelector('#messages > li:last-child .body').innerText")
    assert isinstance(answer, str)
    return answer


def started(firefox: Firefox, url: str, tokens: int) -> Tab:
    """The page with its model loaded, whose answers are greedy and short."""
    tab = firefox.open(url)
    tab.until("document.querySelector('#start').offsetParent !== null", SECONDS)
    tab.click("#open-settings")
    for selector, value in (("#max-tokens", str(tokens)), ("#temperature", "0")):
        tab.fill(selector, value)
    tab.click("#settings .primary")
    tab.click("#start")
    ready(tab)
    return tab


@pytest.mark.timeout(1500)
def test_it_answers_online_and_then_offline_and_waits_for_no_permission(firefox: Firefox, tiny_site: Path, tmp_path: Path) -> None:
    """Firefox asks its user whether a page may keep what it stores; here nobody answers."""
    server = SiteServer(tmp_path, "project/chat")
    shutil.copytree(tiny_site, server.folder)
    with server:
        tab = started(firefox, f"{server.url}?device=gpu", tokens=3)
        waiting = "Promise.race([navigator.storage.persist(), new Promise((resolve) => { setTimeout(resolve, 100, 'no answer'); })])"
        assert tab.evaluate(waiting) == "no answer"
        online = ask(tab)
        assert online.strip()
        tab.close()
        server.stop()
        tab = firefox.open(f"{server.url}?device=gpu")
        ready(tab)
        assert tab.evaluate("crossOriginIsolated"), "by the service worker"
        assert tab.evaluate(ENDPOINT) == [200, "[DONE]"], "so is its endpoint"
        assert ask(tab) == online
        tab.leave()
        tab.come_back()
        ready(tab)
        assert ask(tab, messages=4).strip()
        tab.close()
    assert firefox.console == []


def test_an_answer_survives_the_end_of_its_page(firefox: Firefox, tmp_path: Path) -> None:
    server = SiteServer(tmp_path / "root", "chat")
    build_site(server.folder, tmp_path / "build", runs_on_cpu=True)
    with server:
        tab = firefox.open(server.url)
        tab.until("document.querySelector('#start').offsetParent !== null", SECONDS)
        tab.click("#start")
        ready(tab)
        tab.fill("#prompt", "slow")
        tab.evaluate("document.querySelector('#prompt').form.requestSubmit()")
        tab.until("document.querySelector('li.assistant .body')?.textContent.includes('word3')", SECONDS)
        address = tab.evaluate("location.href")
        tab.close()
        tab = firefox.open(str(address))
        ready(tab)
        tab.until("document.querySelector('li.assistant .note') !== null", SECONDS)
        answer = tab.evaluate("document.querySelector('li.assistant .body').textContent")
        assert isinstance(answer, str)
        assert answer.startswith("word0 word1 word2 word3")
        tab.close()
    assert firefox.console == []


def test_a_second_tab_shares_the_model_and_outlives_the_first(firefox: Firefox, tiny_site: Path, tmp_path: Path) -> None:
    server = SiteServer(tmp_path, "chat")
    shutil.copytree(tiny_site, server.folder)
    with server:
        first = started(firefox, f"{server.url}?device=cpu", tokens=8)
        answer = ask(first)
        second = firefox.open(f"{server.url}?device=cpu")
        ready(second)
        assert second.evaluate(LEADERS) == [1, 1], "the first has the model, and the second waits for its end"
        assert ask(second) == answer
        first.close()
        assert ask(second, messages=4).strip()
        assert second.evaluate(LEADERS) == [1, 0]
        second.close()
    assert firefox.console == []


def load_newer(tab: Tab) -> None:
    """As the page offers."""
    tab.until("document.querySelector('#notice button')?.checkVisibility() === true", SECONDS)
    tab.click("#notice button")
    tab.until("document.title === 'Newer chat' && document.querySelector('#start').checkVisibility()", SECONDS)


def test_a_page_that_comes_back_hears_of_the_newer_build(firefox: Firefox, tmp_path: Path) -> None:
    """It lay in the browser's cache of pages while that took over."""
    server = SiteServer(tmp_path / "root", "chat")
    build_site(server.folder, tmp_path / "build-0")
    with server:
        first, second = firefox.open(server.url), firefox.open(server.url)
        first.until("navigator.serviceWorker.controller?.state === 'activated'", SECONDS)
        first.leave()
        build_site(server.folder, tmp_path / "build-1", title="Newer chat")
        second.evaluate("navigator.serviceWorker.getRegistration().then((one) => void one.update())")
        load_newer(second)
        first.come_back()
        load_newer(first)
        first.close()
        second.close()
    assert firefox.console == []
