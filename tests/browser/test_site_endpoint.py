"""Requests to the site's own `v1/`: any page of it asks, and the model of whichever page has loaded it answers."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page
from site_visit import Visit, answered, ask, becomes, build_site, in_workers, installed, until

ASK = """async ([text, stream]) => {
  const body = JSON.stringify({ messages: [{ role: "user", content: text }], stream });
  const response = await fetch("v1/chat/completions", { method: "POST", headers: { "content-type": "application/json" }, body });
  return [response.status, response.headers.get("content-type"), await response.text()];
}"""


def asked(page: Page, text: str, stream: bool = False) -> tuple[int, str, str]:
    status, kind, said = page.evaluate(ASK, [text, stream])
    return status, kind, said


def test_any_page_asks_the_model_of_any_other(visit: Visit) -> None:
    page = visit.open()
    installed(page)
    status, _, said = asked(page, "say: hello")
    assert status == 503 and f"Open {visit.server.url} in a tab" in said
    visit.told(page, "error: Failed to load resource: the server responded with a status of 503")
    page.click("#start")
    page.wait_for_selector("body[data-status=ready]")
    other = visit.open()
    for tab in (page, other):
        status, kind, said = asked(tab, "say: hello")
        assert (status, kind) == (200, "application/json") and '"content":"hello"' in said.replace(": ", ":")
        status, kind, said = asked(tab, "say: hello", stream=True)
        assert (status, kind) == (200, "text/event-stream") and said.endswith("data: [DONE]\n\n") and "hello" in said
    ask(page, "one")
    assert answered(page, 2) == "1 messages: user.", "the page's own conversation is another one"


READ = """async () => {
  const body = JSON.stringify({ messages: [{ role: "user", content: "slow" }], stream: true });
  const response = await fetch("v1/chat/completions", { method: "POST", body });
  globalThis.answered = response.status;
  const reader = response.body.getReader();
  while (!(await reader.read()).done) globalThis.begun = true;
  return "whole";
}"""


def test_an_answer_breaks_off_with_the_page_that_gives_it(visit: Visit) -> None:
    page = visit.start()
    installed(page)
    other = visit.open()
    other.evaluate(f"() => {{ globalThis.ending = ({READ})().catch(({{ name }}) => name); }}")
    until(other, "globalThis.begun === true")
    assert other.evaluate("globalThis.answered") == 200
    page.close()
    assert other.evaluate("globalThis.ending") == "TypeError"


LEAVE = """([path, request]) => {
  globalThis.leaving = new AbortController();
  const body = JSON.stringify(request);
  const answer = fetch(path, { method: "POST", body, signal: leaving.signal }).then((response) => response.json());
  globalThis.left = answer.catch(({ name }) => name);
}"""


def test_a_page_that_no_longer_waits_ends_its_answer(visit: Visit) -> None:
    """Chromium tells a service worker of it by the response's body alone."""
    page = visit.start()
    installed(page)
    other = visit.open()

    def running() -> int:
        return sum(size for tab in (page, other) for size in in_workers(tab, "running.size") if isinstance(size, int))

    slow = [{"role": "user", "content": "slow"}]
    for path, request in (("chat/completions", {"messages": slow}), ("responses", {"input": slow}), ("embeddings", {"input": ["a", "b"]})):
        other.evaluate(LEAVE, [f"v1/{path}", request])
        becomes(page, running, 1)
        other.evaluate("leaving.abort()")
        assert other.evaluate("left") == "AbortError"
        becomes(page, running, 0)


def test_a_site_below_it_is_another_one(visit: Visit, tmp_path: Path) -> None:
    build_site(visit.server.folder / "inner", tmp_path / "inner", seed=1)
    inner = visit.context.new_page()
    inner.goto(f"{visit.server.url}inner/")
    inner.click("#start")
    inner.wait_for_selector("body[data-status=ready]")
    page = visit.open()
    installed(page)
    assert asked(page, "say: hello")[0] == 503
    visit.told(page, "error: Failed to load resource")


def test_a_site_may_have_none(visit: Visit, tmp_path: Path) -> None:
    build_site(visit.server.folder, tmp_path / "without", endpoint=False)
    page = visit.start()
    installed(page)
    status, _, _ = asked(page, "say: hello")
    assert status in (404, 405, 501)
    visit.told(page, "error: Failed to load resource")
