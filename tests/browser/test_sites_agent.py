"""sites/agent in a browser: a random model, held to the tools' schemas by the real engine, acts only as far as its user allows."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sample_site import FIXTURES, build_sample
from site_server import SiteServer
from site_visit import Visit, becomes

LUNCH = {"title": "Lunch with Ada", "start": "2026-11-27T12:00", "end": "2026-11-27T13:00", "location": "Café"}
# A browser that has WebMCP: what a page registers is there for `call`.
MODEL_CONTEXT = """
const tools = new Map();
Object.defineProperty(document, "modelContext", { value: { registerTool: (tool) => tools.set(tool.name, tool) } });
globalThis.tools = tools;
globalThis.call = async (name, input) => (await tools.get(name).execute(input)).content[0].text;
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("agent")
    model = folder / "model"
    shutil.copytree(FIXTURES / "tiny-llama", model)
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 32768}))
    return build_sample("agent", folder, "--model", model, "--tool-format", "hermes", "--variant", "f32", "--package-name", "agent-model")


@pytest.fixture
def server(built: Path) -> Iterator[SiteServer]:
    with SiteServer(built.parent, built.name) as server:
        yield server


def open_agent(visit: Visit, query: str = "") -> Page:
    page = visit.context.new_page()
    page.goto(f"{visit.server.url}?device=cpu{query}")
    page.wait_for_selector("body[data-status=ready]")
    return page


def ask(page: Page, request: str) -> None:
    page.fill("#request", request)
    page.press("#request", "Enter")


def shot(page: Page, name: str) -> None:
    """For people who look at the page, where this variable names a folder."""
    if folder := os.environ.get("SCREENSHOTS"):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=Path(folder) / f"agent-{name}-{scheme}.png")


def pending(page: Page) -> Any:
    return page.locator(".change:not(.decided)")


def proposed(page: Page) -> None:
    """Wait until a change is proposed."""
    asked_for(page, ".change:not(.decided)")


def asked_for(page: Page, wanted: str) -> None:
    """Wait until it is there. What random weights say may have no words, or be cut at its longest and so no call: they are asked again."""
    for _ in range(8):
        expect(page.locator(f"#send:visible, {wanted}").first).to_be_visible()
        if page.locator(wanted).count() == 1:
            return
        ask(page, "Go on.")
    raise AssertionError(f"there is no {wanted}")


def test_the_users_word_decides_about_each_write(visit: Visit) -> None:
    page = open_agent(visit, "&tool_choice=create_note")
    shot(page, "empty")
    ask(page, "Note something.")
    proposed(page)
    expect(pending(page).locator("h3")).to_have_text("Create note")
    expect(pending(page).locator("ins").first).to_be_visible()
    expect(page.locator("#notes")).to_have_text("No notes.")
    page.click(".allow")
    expect(page.locator("#notes strong")).to_have_count(1)

    proposed(page)
    page.click(".change:not(.decided) .refuse")
    expect(page.locator("#notes strong")).to_have_count(1)

    proposed(page)
    page.click("#stop")
    expect(page.locator("#log > .remark").last).to_have_text("Stopped.")
    expect(page.locator(".decision")).to_have_text(["Allowed.", "Refused. Nothing was changed.", "Stopped. Nothing was changed."])
    expect(page.locator("#send")).to_be_visible()
    page.reload()
    expect(page.locator("#notes strong")).to_have_count(1)


def test_the_same_call_again_is_stopped(visit: Visit) -> None:
    page = open_agent(visit, "&tool_choice=list_notes")
    ask(page, "What is there?")
    expect(page.locator("#log > .remark").last).to_have_text("Stopped: the model made the same call again.")
    results = page.locator("details pre:last-child")
    expected = [{"notes": []}, {"error": "This very call was made before."}]
    becomes(page, lambda: [json.loads(result) for result in results.all_text_contents()], expected)
    ask(page, "And now?")
    expect(page.locator("#log > .user")).to_have_count(2)
    expect(page.locator("#log > .remark")).to_have_count(2)


def test_stopping_ends_an_answer_and_the_next_request_is_answered(visit: Visit) -> None:
    page = open_agent(visit)
    page.fill("#request", "Talk.")
    page.evaluate("document.querySelector('#composer').requestSubmit(); document.querySelector('#stop').click()")
    expect(page.locator("#log > .remark")).to_have_text("Stopped.")
    expect(page.locator("#log > .answer")).to_have_count(0)
    ask(page, "Talk.")
    asked_for(page, "#log > .answer")
    expect(page.locator("#log > .answer")).not_to_be_empty()


def test_other_agents_find_the_tools_and_are_confirmed_too(visit: Visit) -> None:
    visit.context.add_init_script(MODEL_CONTEXT)
    page = open_agent(visit)
    expect(page.locator("#status")).to_contain_text("WebMCP")
    hints = page.evaluate("[...tools.values()].map(({ name, annotations }) => [name, annotations.readOnlyHint])")
    assert len(hints) == 10 and all(reads == name.startswith(("list_", "search_")) for name, reads in hints)
    assert json.loads(page.evaluate("call('list_events', { from: '2026-11-01', to: '2026-11-30' })")) == {"events": []}

    page.evaluate("(event) => { globalThis.told = call('create_event', event); }", LUNCH)
    expect(pending(page).locator(".asker")).to_have_text("Another agent asks for this.")
    expect(pending(page).locator("dt")).to_have_text(["title", "start", "end", "location"])
    expect(page.locator("#agenda li")).to_have_count(0)
    page.click(".allow")
    assert json.loads(page.evaluate("told")) == {"created": 1}
    expect(page.locator("#agenda strong")).to_have_text("Lunch with Ada")

    moved = {"id": 1, "start": "2026-11-27T13:00", "end": "2026-11-27T14:00", "details": "Bring the drawings.\nAsk about the bridge."}
    page.evaluate("(event) => { globalThis.told = call('update_event', event); }", moved)
    expect(pending(page).locator("del")).to_have_count(2)
    expect(pending(page).locator("ins")).to_have_count(4)
    shot(page, "change")
    page.click(".change:not(.decided) .refuse")
    assert "refused" in page.evaluate("told")
    expect(page.locator("#agenda .time")).to_have_text("12:00 \u2013 13:00")
    assert "no argument" in page.evaluate("call('delete_event', { id: 1, force: true })")


def test_another_tab_shows_the_change(visit: Visit) -> None:
    visit.context.add_init_script(MODEL_CONTEXT)
    page, other = open_agent(visit), open_agent(visit)
    page.evaluate("(event) => { globalThis.told = call('create_event', event); }", LUNCH)
    page.click(".allow")
    expect(other.locator("#agenda strong")).to_have_text("Lunch with Ada")
