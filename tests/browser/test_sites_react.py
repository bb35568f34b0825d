"""The React quickstart, built as its README says, with a small random model: it loads when asked, answers, stops, and tells what failed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sample_site import FIXTURES, build_sample
from site_server import Instead, SiteServer
from site_visit import Visit, unloaded


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = ("--model", FIXTURES / "tiny-llama", "--package-name", "smollm2-135m", "--variant", "f32")
    return build_sample("react-quickstart", tmp_path_factory.mktemp("react"), *options)


@pytest.fixture
def server(built: Path) -> Iterator[SiteServer]:
    with SiteServer(built.parent, built.name) as server:
        yield server


def test_a_page_gets_no_engine(built: Path) -> None:
    """That is in the worker's script."""
    (script,) = built.glob("assets/index-*.js")
    assert "createComputePipeline" not in script.read_text("utf-8")


# The random model may end before Playwright clicks.
STOP = """new MutationObserver((_, observer) => {
  const stop = [...document.querySelectorAll("button")].find(({ textContent }) => textContent === "Stop");
  if (stop === undefined) return;
  observer.disconnect();
  stop.click();
}).observe(document.body, { subtree: true, childList: true })"""


def test_it_loads_when_asked_answers_and_stops(visit: Visit) -> None:
    page = visit.open()
    said = page.get_by_label("Conversation").get_by_role("listitem")
    page.get_by_role("button", name="Load the model").click()
    page.get_by_label("Question").fill("Why is the sky blue?")
    page.evaluate(STOP)
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_label("Conversation")).to_have_attribute("aria-busy", "false")
    expect(said).to_have_text(["YouWhy is the sky blue?"])
    page.get_by_label("Question").fill("Is it?")
    page.get_by_role("button", name="Ask").click()
    expect(said).to_have_count(3)
    expect(page.get_by_label("Conversation")).to_have_attribute("aria-busy", "false")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_load_that_fails_is_told_and_can_be_repeated(visit: Visit) -> None:
    visit.provokes(unloaded("*weights-"))
    visit.server.instead["weights-"] = [Instead(status=404)] * 8
    page = visit.open()
    page.get_by_role("button", name="Load the model").click()
    expect(page.get_by_role("alert")).to_contain_text("is missing on the server")
    visit.server.instead.clear()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_label("Question")).to_be_visible()
