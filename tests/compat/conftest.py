"""A package of a small random model, as npm would publish it, and programs that use it in other people's tools."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from projects import NAMES, NPM, TESTS, Ask, Project

from chromium import COMMON, FLAGS

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive that npm would publish, with its weights, which are the model's own."""
    folder = tmp_path_factory.mktemp("package")
    model, out = str(TESTS / "fixtures" / "tiny-llama"), str(folder / NAMES[0])
    options = ["--package-version", "0.2.86", "--variant", "f32", "--quantization", "f16", "--weights", "bundle"]
    build = [sys.executable, "-m", "webllm_build", "npm", "--model", model, "--out", out, "--package-name", NAMES[0], *options]
    subprocess.run(build, check=True, capture_output=True)
    NPM(folder / NAMES[0], "pack", "--silent", "--pack-destination", str(folder))
    (archive,) = folder.glob("*.tgz")
    return archive


@pytest.fixture(scope="session")
def answer() -> str:
    """What transformers says (tests/golden/make_tiny_llama.py)."""
    text: str = json.loads((TESTS / "golden" / "reference" / "tiny-llama.json").read_text("utf-8"))["chat"]["text"]
    return text


@pytest.fixture
def project(tmp_path: Path, package: Path) -> Project:
    """Makes a folder with the programs, where these packages of npm are installed beside the model's; all versions are whole ones."""

    def make(*tools: str) -> Path:
        folder = tmp_path / "project"
        shutil.copytree(PROGRAMS, folder)
        (folder / "package.json").write_text(json.dumps({"name": "project", "private": True, "type": "module"}))
        ours = [f"{name}@file:{package}" for name in NAMES]
        NPM(folder, "install", "--silent", "--no-audit", "--no-fund", *ours, *tools)
        return folder

    return make


@pytest.fixture(scope="module")
def browser(chromium_path: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=[*COMMON, *FLAGS["test"], "--disable-gpu-compositing"])
        yield browser
        browser.close()


@pytest.fixture
def ask(browser: Browser) -> Iterator[Ask]:
    """Opens a page and gives what its program was answered, by the ways in which it asked. The console must be empty but for `told`."""
    context = browser.new_context()
    page = context.new_page()
    console: list[str] = []
    # Of its development server Vite says on the level of debugging that it connects.
    page.on("console", lambda message: None if message.type == "debug" else console.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: console.append(f"uncaught: {error}"))

    def visit(url: str, told: str | None = None) -> dict[str, str]:
        page.goto(url)
        for _ in range(600):
            answers: dict[str, str] | None = page.evaluate("globalThis.answers ?? null")
            if answers is not None:
                assert [line for line in console if told is None or told not in line] == []
                return answers
            page.wait_for_timeout(100)
        pytest.fail(f"the program does not end\n{console}")

    yield visit
    context.close()
