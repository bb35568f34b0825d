"""What programs for WebLLM do, kind by kind of its examples, in Chromium with a package in its place: see the modules of webllm/."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from open_page import TESTS, page_console, serve
from runtimes import runtime_command

PROGRAMS = TESTS / "browser" / "webllm"
RUNTIME = TESTS.parent / "runtime_js"


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A package of a random model, and the pages of the programs."""
    folder = tmp_path_factory.mktemp("programs")
    package, pages = folder / "package", folder / "webllm"
    model = TESTS / "fixtures" / "tiny-llama"
    options = ["--package-name", "tiny", "--tool-format", "hermes", "--variant", "f32", "--weights", "bundle"]
    build: list[str | Path] = [sys.executable, "-m", "webllm_build", "npm", "--model", model, "--out", package, *options]
    subprocess.run(build, check=True, capture_output=True)
    shutil.copytree(PROGRAMS, pages)
    alias = f"@mlc-ai/web-llm={package / 'index.js'}"
    bundle: list[str | Path] = ["test/bundle.mjs", PROGRAMS / "service_worker.js", pages / "service_worker.bundle.js", alias]
    subprocess.run([*runtime_command("node"), *bundle], cwd=RUNTIME, check=True)
    return {"webllm": pages, "package": package}


def test_programs(roots: dict[str, Path], chromium_path: Path) -> None:
    lines = list(page_console("webllm/index.html", roots, program=chromium_path, seconds=300))
    assert lines[-1] == "DONE" and all(line.startswith("PASS ") for line in lines[:-1]), "\n".join(lines)
    assert len(lines) > 20


@pytest.mark.parametrize("script", ["service_worker.bundle.js", "static_service_worker.js"])
def test_a_service_worker_that_was_stopped_answers_again(roots: dict[str, Path], browser: Browser, script: str) -> None:
    """The browser starts it again, and the model is loaded again from storage. A handler that was made in `activate` is made again, too."""
    with serve(roots) as origin:
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{origin}/webllm/stopped.html?{script}")
        page.wait_for_function("globalThis.ask")
        first = page.evaluate("ask()")
        session = context.new_cdp_session(page)
        session.send("ServiceWorker.enable")
        session.send("ServiceWorker.stopAllWorkers")
        again = page.evaluate("ask()")
        context.close()
    assert again["text"] == first["text"]
    assert (first["loads"], again["loads"]) == (1, 2)
