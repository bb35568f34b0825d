"""The browser extension of sites/extension, built as its README says, in Chromium: asked about a page through its panel."""

from __future__ import annotations

import contextlib
import html
import json
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from extension_browser import Extended, extended, id_of
from playwright.sync_api import Page, expect

from open_page import TESTS, serve

ROOT = TESTS.parent
NPM = runpy.run_path(str(ROOT / "hatch_build.py"))["npm"]
MODEL = TESTS / "fixtures" / "tiny-llama"
REFERENCE = json.loads((TESTS / "golden" / "reference" / "extension.json").read_text())
QUESTIONS = list(REFERENCE["answers"])
STOP_AT_ONCE = """() => {
  const stop = new MutationObserver(() => document.querySelector("#stop").click());
  stop.observe(document.querySelector("#turns"), { subtree: true, childList: true });
}"""
HTML = "<!doctype html><link rel=icon href=data:,><title>%s</title>%s"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension with a random model, whose arithmetic is exact."""
    folder = tmp_path_factory.mktemp("extension") / "extension"
    ignored = shutil.ignore_patterns("node_modules", "dist", "package")
    shutil.copytree(ROOT / "sites" / "extension", folder, ignore=ignored)
    options = ["--package-name", "smollm2-135m", "--quantization", "f16", "--variant", "f32", "--tool-format", "hermes"]
    build: list[str | Path] = [sys.executable, "-m", "webllm_build", "npm", "--model", MODEL, "--out", folder / "package", *options]
    subprocess.run(build, check=True, capture_output=True)
    source = folder / "src" / "model.ts"
    source.write_text(source.read_text().replace("offscreen:", 'variant: "cpu-f32", offscreen:'))
    NPM(folder, "install", "--no-audit", "--no-fund")
    NPM(folder, "run", "build")
    return folder / "dist"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pages = tmp_path_factory.mktemp("pages")
    title, text = html.escape(REFERENCE["title"]), REFERENCE["text"]
    (pages / "bears.html").write_text(HTML % (title, f"<p>{text}</p><script>hidden = 1</script>"))
    (pages / "long.html").write_text(HTML % (title, f"<p>{text * 100}</p>"))
    (pages / "empty.html").write_text(HTML % ("No text here", "<img alt=''>"))
    with serve({"pages": pages}) as origin:
        yield f"{origin}/pages"


@pytest.fixture
def visit(built: Path, chromium_path: Path) -> Iterator[Extended]:
    with extended(chromium_path, built) as visit:
        yield visit


def panel_of(visit: Extended, built: Path, page: Page) -> Page:
    """The panel, as a tab, after a click on the extension's button."""
    visit.click_button(id_of(built), page)
    panel = visit.open(f"chrome-extension://{id_of(built)}/panel.html")
    expect(panel.locator("#status")).to_have_text("Ready. The model runs on this device.")
    return panel


def ask(panel: Page, question: str) -> None:
    panel.fill("#question", question)
    panel.press("#question", "Enter")


def answers_of(panel: Page) -> list[str]:
    """Of the conversation that is shown, once nothing is under way."""
    expect(panel.locator("#ask")).to_be_visible()
    return panel.locator(".answer").all_text_contents()


@contextlib.contextmanager
def without_model(panel: Page, built: Path) -> Iterator[None]:
    """What is not loaded by then cannot be loaded."""
    panel.evaluate("async () => (await navigator.storage.getDirectory()).removeEntry('webllm-build', { recursive: true })")
    (built / "weights").rename(built / "taken-away")
    try:
        yield
    finally:
        (built / "taken-away").rename(built / "weights")


def test_a_page_is_asked_about(visit: Extended, built: Path, site: str) -> None:
    first, second = [REFERENCE["answers"][question] for question in QUESTIONS]
    extension = id_of(built)
    page = visit.open(f"{site}/bears.html")
    panel = panel_of(visit, built, page)
    visit.until(lambda: visit.targets("page", f"chrome-extension://{extension}/panel.html")[1:])  # the side panel is open, too
    expect(panel.locator("#title")).to_have_text(REFERENCE["title"])

    # The service worker is stopped in the middle of an answer, which is no concern of it.
    ask(panel, QUESTIONS[0])
    visit.stop_service_workers(panel)
    expect(panel.locator(".answer")).to_have_count(1)
    assert answers_of(panel) == [first]
    expect(panel.locator("#status")).to_have_text("The answer reached its greatest length.")

    # A panel that is loaded again finds the conversation, and the model where it was.
    with without_model(panel, built):
        panel.reload()
        expect(panel.locator("#ask")).to_be_enabled()
        assert answers_of(panel) == [first]
        ask(panel, QUESTIONS[1])
        expect(panel.locator(".answer")).to_have_count(2)
        assert answers_of(panel) == [first, second]

    # Another page has a conversation of its own. The button works, as the browser has started the service worker again.
    other = visit.open(f"{site}/long.html")
    visit.click_button(extension, other)
    expect(panel.locator("#address")).to_have_text(site.split("/")[2])
    expect(panel.locator(".answer")).to_have_count(0)
    ask(panel, QUESTIONS[0])
    expect(panel.locator("#status")).to_contain_text("The page is long: the answer is from its first 8 %.")
    visit.click_button(extension, page)
    expect(panel.locator(".answer")).to_have_count(2)

    # Where the model's document is gone, the next question opens it again.
    visit.close_documents("background_page", f"chrome-extension://{extension}/engine.html")
    panel.click("#clear")
    expect(panel.locator(".answer")).to_have_count(0)
    ask(panel, QUESTIONS[0])
    expect(panel.locator(".answer")).to_have_count(1)
    assert answers_of(panel) == [first]


def test_an_answer_is_stopped(visit: Extended, built: Path, site: str) -> None:
    panel = panel_of(visit, built, visit.open(f"{site}/bears.html"))
    panel.evaluate(STOP_AT_ONCE)
    ask(panel, QUESTIONS[0])
    expect(panel.locator("#status")).to_have_text("Stopped.")
    (answer,) = answers_of(panel) or [""]
    whole = REFERENCE["answers"][QUESTIONS[0]]
    assert len(answer) < len(whole) and whole.startswith(answer)


def test_what_cannot_be_read_is_said(visit: Extended, built: Path, site: str) -> None:
    panel = visit.open(f"chrome-extension://{id_of(built)}/panel.html")
    expect(panel.locator("#status")).to_contain_text("Ready.")
    expect(panel.locator("#hint")).to_contain_text("Click the extension's button")
    expect(panel.locator("#ask")).to_be_disabled()
    page = visit.open(f"{site}/empty.html")
    visit.click_button(id_of(built), page)
    expect(panel.locator("#title")).to_have_text("No text here")
    ask(panel, QUESTIONS[0])
    expect(panel.locator("#reason")).to_have_text("There is no text on this page.")
    expect(panel.locator("#question")).to_have_value(QUESTIONS[0])
    page.goto(f"{site.replace('127.0.0.1', 'localhost')}/bears.html")
    expect(panel.locator("#hint")).to_be_visible()
    expect(panel.locator("#ask")).to_be_disabled()


def test_weights_come_from_elsewhere_once(built: Path, chromium_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where that fails, the panel says so, and tries again when it is told to."""
    weights = tmp_path / "served"
    weights.mkdir()
    with serve({"weights": weights}, headers={"Access-Control-Allow-Origin": "*"}) as origin:
        monkeypatch.setenv("WEIGHTS", f"{origin}/weights/")
        NPM(built.parent, "exec", "vite", "build", "--", "--outDir", "elsewhere")
        extension = built.parent / "elsewhere"
        assert not (extension / "weights").exists()
        with extended(chromium_path, extension) as visit:
            panel = visit.open(f"chrome-extension://{id_of(extension)}/panel.html")
            expect(panel.get_by_role("alert")).to_contain_text("weights-0000")
            shutil.copytree(built / "weights", weights, dirs_exist_ok=True)
            panel.click("#retry")
            expect(panel.locator("#status")).to_contain_text("Ready.")
            shutil.rmtree(weights)
            visit.close_documents("background_page", f"chrome-extension://{id_of(extension)}/engine.html")
            panel.reload()
            expect(panel.locator("#status")).to_contain_text("Ready.")
