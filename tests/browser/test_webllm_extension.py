"""What WebLLM's two examples of browser extensions do, in Chromium with a package in WebLLM's place: see webllm/extension_*."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from extension_browser import Extended, extended, id_of
from playwright.sync_api import Page
from site_visit import until

from open_page import TESTS, serve
from runtimes import runtime_command

PROGRAMS = TESTS / "browser" / "webllm"
RUNTIME = TESTS.parent / "runtime_js"


@pytest.fixture(scope="module")
def extensions(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Both, with a package of a random model in them."""
    folder = tmp_path_factory.mktemp("extensions")
    package = folder / "package"
    options = ["--package-name", "tiny", "--tool-format", "hermes", "--variant", "f32", "--weights", "bundle"]
    build: list[str | Path] = [
        sys.executable,
        "-m",
        "webllm_build",
        "npm",
        "--model",
        TESTS / "fixtures" / "tiny-llama",
        "--out",
        package,
        *options,
    ]
    subprocess.run(build, check=True, capture_output=True)
    made = []
    for name in ("extension_popup", "extension_worker"):
        extension = folder / name
        shutil.copytree(PROGRAMS / name, extension)
        shutil.copytree(package / "model", extension / "model")
        for script in [path for path in PROGRAMS.glob(f"{name}/*.js") if "import " in path.read_text()]:
            bundle: list[str | Path] = [
                "test/bundle.mjs",
                script,
                extension / f"{script.stem}.bundle.js",
                f"@mlc-ai/web-llm={package / 'index.js'}",
            ]
            subprocess.run([*runtime_command("node"), *bundle], cwd=RUNTIME, check=True)
        made.append(extension)
    return made


def test_an_engine_in_a_popup(extensions: list[Path], chromium_path: Path, tmp_path: Path) -> None:
    popup, _ = extensions
    (tmp_path / "bears.html").write_text("<!doctype html><link rel=icon href=data:,><p>Bears like honey.")
    with serve({"pages": tmp_path}) as origin, extended(chromium_path, *extensions) as visit:
        visit.open(f"{origin}/pages/bears.html")
        visit.open(f"chrome-extension://{id_of(popup)}/popup.html")
        visit.until(lambda: "log: DONE" in visit.console)
        assert visit.console == ["log: PASS popup", "log: DONE"]
        visit.console.clear()


def opened(visit: Extended, extension: Path) -> Page:
    page = visit.open(f"chrome-extension://{id_of(extension)}/popup.html")
    until(page, "'rest' in globalThis")
    return page


def test_an_engine_in_a_service_worker_outlives_pages(extensions: list[Path], chromium_path: Path) -> None:
    _, worker = extensions
    with extended(chromium_path, worker) as visit:
        first, second = opened(visit, worker), opened(visit, worker)
        assert (first.evaluate("told().last"), second.evaluate("told()")) == (1, {"loads": 1, "first": 1, "last": 1, "lost": 0})
        begun = [page.evaluate("begin()") for page in (first, second)]
        answers = [begin + page.evaluate("rest()")["text"] for begin, page in zip(begun, (first, second), strict=True)]
        assert answers[0] == answers[1] and len(answers[0]) > 20
        second.close()
        first.reload()
        until(first, "'rest' in globalThis")
        assert first.evaluate("told()") == {"loads": 1, "first": 1, "last": 1, "lost": 0}, "it is loaded already"
