"""What programs for WebLLM do, kind by kind of its examples, in Chromium with a package in its place: see the modules of webllm/."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from open_page import TESTS, page_console
from runtimes import runtime_command

PROGRAMS = TESTS / "browser" / "webllm"
RUNTIME = TESTS.parent / "runtime_js"


def test_programs(tmp_path: Path, chromium_path: Path) -> None:
    package, pages = tmp_path / "package", tmp_path / "webllm"
    model = TESTS / "fixtures" / "tiny-llama"
    options = ["--package-name", "tiny", "--tool-format", "hermes", "--variant", "f32", "--weights", "bundle"]
    build: list[str | Path] = [sys.executable, "-m", "webllm_build", "npm", "--model", model, "--out", package, *options]
    subprocess.run(build, check=True, capture_output=True)
    shutil.copytree(PROGRAMS, pages)
    alias = f"@mlc-ai/web-llm={package / 'index.js'}"
    bundle: list[str | Path] = ["test/bundle.mjs", PROGRAMS / "service_worker.js", pages / "service_worker.bundle.js", alias]
    subprocess.run([*runtime_command("node"), *bundle], cwd=RUNTIME, check=True)
    lines = list(page_console("webllm/index.html", {"webllm": pages, "package": package}, program=chromium_path, seconds=300))
    assert lines[-1] == "DONE" and all(line.startswith("PASS ") for line in lines[:-1]), "\n".join(lines)
    assert len(lines) > 20
