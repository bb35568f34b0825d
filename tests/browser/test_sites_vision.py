"""sites/vision in a browser: a random model that sees says something of each picture of a folder, once, and what it said is searched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from sample_site import build_sample
from site_server import SiteServer
from site_visit import Visit

from tiny_vision import write_tiny_smolvlm


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vision")
    model = write_tiny_smolvlm(folder / "model")
    return build_sample("vision", folder, "--model", model, "--variant", "f32", "--package-name", "vision-model")


@pytest.fixture
def server(built: Path) -> Iterator[SiteServer]:
    with SiteServer(built.parent, built.name) as server:
        yield server


def open_album(visit: Visit) -> Page:
    page = visit.context.new_page()
    page.goto(f"{visit.server.url}?device=cpu")
    page.wait_for_selector("body[data-status=ready]")
    return page


def test_a_folder_is_described_once_and_searched(visit: Visit, tmp_path: Path) -> None:
    for name, color in [("red", "red"), ("blue", "blue"), ("same", "red")]:
        Image.new("RGB", (40, 24), color).save(tmp_path / f"{name}.png")
    (tmp_path / "torn.png").write_bytes((tmp_path / "red.png").read_bytes()[:40])
    page = open_album(visit)
    page.set_input_files("#files", [tmp_path / name for name in ("red.png", "blue.png", "torn.png", "same.png")])
    expect(page.locator("#pictures li[data-state=known]")).to_have_count(3)
    expect(page.locator("#pictures li[data-state=failed] p")).to_have_text(re.compile("^The PNG file is damaged"))
    expect(page.locator("#pictures li[data-state=failed] img")).to_be_hidden()
    expect(page.locator("#pictures li:has(h2:text('red.png')) p")).not_to_be_empty()
    said = page.locator("#pictures li:has(h2:text('red.png')) p").text_content() or ""
    expect(page.locator("#pictures li:has(h2:text('same.png')) p")).to_have_text(said)
    expect(page.locator("#pictures li:has(h2:text('red.png')) img")).to_have_attribute("alt", said)

    page.fill("#search", "blue")
    expect(page.locator("#pictures li:visible h2")).to_have_text(["blue.png"])
    page.fill("#search", "zebra")
    expect(page.locator("#none")).to_be_visible()

    page = open_album(visit)
    page.set_input_files("#files", [tmp_path / "red.png"])
    expect(page.locator("#pictures li[data-state=known] p")).to_have_text(said.strip())
