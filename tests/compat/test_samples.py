"""The sample project in Next.js, made as its README says, with a small random model; the other samples are tested in tests/browser."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from projects import NPM, TESTS, command, run

SITE = TESTS.parent / "sites" / "next-quickstart"


@pytest.mark.parametrize("bundler", ["--turbopack", "--webpack"])
def test_next_quickstart(browser: Browser, tmp_path: Path, bundler: str) -> None:
    site = tmp_path / "site"
    shutil.copytree(SITE, site, ignore=shutil.ignore_patterns("node_modules", ".next", "package", "public"))
    options = ("--package-name", "smollm2-135m", "--variant", "f32")
    model: tuple[str | Path, ...] = ("--model", TESTS / "fixtures" / "tiny-llama", "--out", site / "package")
    subprocess.run([sys.executable, "-m", "webllm_build", "npm", *model, *options], check=True, capture_output=True)
    shutil.copytree(site / "package" / "weights", site / "public" / "weights")
    NPM(site, "install", "--silent", "--no-audit", "--no-fund")
    run(site, "next", "build", bundler)
    assert "Load the model" in (site / ".next" / "server" / "app" / "index.html").read_text("utf-8"), "rendered on the server"
    with command(site, "next", "start", "-H", "127.0.0.1", "-p") as address:
        page = browser.new_page()
        page.goto(address)
        page.get_by_role("button", name="Load the model").click()
        page.get_by_label("Question").fill("Why is the sky blue?")
        page.get_by_role("button", name="Ask").click()
        said = page.get_by_label("Conversation").get_by_role("listitem")
        expect(said).to_have_count(2, timeout=60_000)
        expect(page.get_by_label("Conversation")).to_have_attribute("aria-busy", "false", timeout=60_000)
        assert len(said.all_text_contents()[1]) > len("Model")
        expect(page.get_by_role("main").get_by_role("alert")).to_have_count(0)  # Next has one of its own
        page.close()
