"""A site that names a remote model: the visitor is asked before the first byte leaves, and each answer says who gave it."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from site_visit import Visit, answered, ask, build_site, drawn, until

from webllm_build.config import Remote

ORIGIN_HEADERS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}


class Far:
    """OpenAI's server with a model that says where it is. It counts what comes, and says what it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str | None, dict[str, Any]]] = []
        self.status = 200
        self.breaks = False
        far = self

        class Handler(BaseHTTPRequestHandler):
            def do_OPTIONS(self) -> None:
                self._head(204)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                far.asked.append((self.headers["authorization"], body))
                self._head(far.status)
                for text in ("from ", "afar") if far.status == 200 else ():
                    self._tell({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]})
                if far.status == 200 and not far.breaks:
                    self._tell({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
                    self.wfile.write(b"data: [DONE]\n\n")

            def _head(self, status: int) -> None:
                self.send_response(status)
                for name, value in ORIGIN_HEADERS.items():
                    self.send_header(name, value)
                self.end_headers()

            def _tell(self, chunk: dict[str, Any]) -> None:
                self.wfile.write(f"data: {json.dumps({'id': '1', 'model': 'far', **chunk})}\n\n".encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def far(visit: Visit, tmp_path: Path) -> Iterator[Far]:
    """A server that the visited site names."""
    far = Far()
    build_site(visit.server.folder, tmp_path / "remote", remote=Remote(f"http://{far.host}/v1", "far"))
    yield far
    far.server.shutdown()
    far.server.server_close()


def says(page: Page, count: int, text: str | re.Pattern[str], by: str) -> None:
    """Wait until the conversation has so many messages and the last is complete, and is this, of this origin."""
    page.wait_for_selector(f"#messages > li:nth-child({count}):not([data-open]) .by")
    drawn(page)
    expect(page.locator("#messages > li:last-child .body")).to_have_text(text)
    expect(page.locator("#messages > li:last-child .by")).to_have_text(by)


def choose(page: Page, answers: str) -> None:
    page.click("#open-settings")
    page.select_option("#answers", answers)
    page.click("#save-settings")


def test_nothing_leaves_before_the_visitor_lets_it(visit: Visit, far: Far) -> None:
    page = visit.open()
    ask(page, "say: hello")
    page.wait_for_selector("dialog#remote[open]")
    expect(page.locator("#remote")).to_contain_text(far.host)
    assert far.asked == []
    page.click("#remote button.second")
    page.wait_for_selector("#prompt[placeholder='Start the model first']")
    page.click("#start")
    says(page, 2, "hello", "From this device")
    assert far.asked == [], "what was refused is not sent, and not asked again"


def test_it_answers_until_the_device_can(visit: Visit, far: Far) -> None:
    page = visit.open()
    ask(page, "one")
    page.fill("#remote-key", "secret")
    page.click("#remote-allow")
    says(page, 2, "from afar", f"From {far.host}")
    ask(page, "two")
    says(page, 4, "from afar", f"From {far.host}")
    assert [key for key, _ in far.asked] == ["Bearer secret"] * 2
    roles = [message["role"] for message in far.asked[1][1]["messages"]]
    assert (roles, far.asked[1][1]["model"]) == (["user", "assistant", "user"], "far")
    kept = "Object.values({ ...localStorage }).join() + Object.values({ ...indexedDB }).join()"
    assert "secret" not in page.evaluate(kept), "a key is kept for the tab alone"
    page.click("#start")
    page.wait_for_selector("body[data-status=ready]")
    ask(page, "say: here")
    says(page, 6, "here", "From this device")
    assert len(far.asked) == 2
    page.reload()
    drawn(page)
    expect(page.locator("#messages .by")).to_have_text([f"From {far.host}"] * 2 + ["From this device"])
    other = visit.open()
    until(other, "['ready', 'offer'].includes(document.body.dataset.status)")
    choose(other, "remote")
    ask(other, "three")
    other.wait_for_selector("dialog#remote[open]")
    assert len(far.asked) == 2, "another tab is another session"


def test_by_wish_and_what_fails_in_the_middle_goes_on_here(visit: Visit, far: Far) -> None:
    page = visit.start()
    choose(page, "remote")
    far.breaks = True
    ask(page, "one")
    page.click("#remote-allow")
    says(page, 2, re.compile("^from afar."), f"From {far.host}, then this device")
    visit.told(page, "warning: The remote model gives way: RemoteError: The remote model's answer was cut off.")
    choose(page, "device")
    ask(page, "say: mine")
    says(page, 4, "mine", "From this device")
    assert len(far.asked) == 1


def test_who_cannot_be_asked_leaves_the_question_to_the_device(visit: Visit, far: Far) -> None:
    far.status = 401
    page = visit.open()
    ask(page, "say: later")
    page.click("#remote-allow")
    page.wait_for_selector("[data-kind=remote]")
    expect(page.locator("[data-kind=remote]")).to_contain_text("status 401")
    visit.told(page, "error: Failed to load resource: the server responded with a status of 401")
    page.click("#start")
    says(page, 2, "later", "From this device")


def test_a_site_without_one_has_nothing_of_it(visit: Visit) -> None:
    page = visit.start()
    ask(page, "say: hello")
    assert answered(page, 2) == "hello"
    expect(page.locator("#messages .by, #answers")).to_have_count(0)
    assert not list(visit.server.folder.glob("assets/remote*"))
