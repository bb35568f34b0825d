"""A model that sees, in Chromium: answers about pictures, however these are given, are transformers' own, token for token."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect
from site_visit import answered, ask, visiting

from open_page import page_console
from small_kernels import small_kernels
from tiny_vision import write_tiny_smolvlm
from webllm_build.build import build
from webllm_build.config import BuildRequest


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seeing")
    model = str(write_tiny_smolvlm(folder / "model"))
    with small_kernels():
        build(BuildRequest("site", (model,), out=folder / "site", cache_dir=folder / "cache", variants=("f32",), quantization="f16"))
    return folder / "site"


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_answers_are_exact(seeing: Path, chromium_path: Path, device: str) -> None:
    lines = list(page_console("browser/seeing.html", {"site": seeing}, f"device={device}", program=chromium_path))
    assert lines == ["DONE all passed"]


def test_a_picture_without_network_is_told_and_the_page_goes_on(seeing: Path, browser: Browser, tmp_path: Path) -> None:
    """What sees comes with the first picture."""
    Image.new("RGB", (9, 6), "red").save(tmp_path / "red.png")
    with visiting(browser, seeing, tmp_path / "root") as visit:
        page = visit.context.new_page()
        page.goto(f"{visit.server.url}?device=cpu")
        page.click("#start")
        expect(page.locator("body")).to_have_attribute("data-status", "ready")
        page.set_input_files("#file-picker", tmp_path / "red.png")
        expect(page.locator("#files li")).to_have_count(1)
        visit.context.set_offline(True)
        ask(page, "What is this?")
        expect(page.locator("#problem-title")).to_have_text("A part of the model is missing here")
        expect(page.locator("#problem-details")).to_contain_text("it is fetched for the first picture, and there is no connection now")
        expect(page.locator("body")).to_have_attribute("data-status", "ready")
        page.click("#new-chat")
        ask(page, "And without one?")
        answered(page, 2)
        expect(page.locator("#problem")).to_be_hidden()
        visit.context.set_offline(False)
        page.click("#new-chat")
        page.set_input_files("#file-picker", tmp_path / "red.png")
        expect(page.locator("#files li")).to_have_count(1)
        ask(page, "And now?")
        answered(page, 2)
        expect(page.locator("#messages > li.user img")).to_have_count(1)
        expect(page.locator("#problem")).to_be_hidden()
