"""The engine in a browser, on a tiny model that the public command builds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from open_page import TESTS, page_console


@pytest.fixture(scope="module")
def tiny_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny-site") / "dist"
    model = TESTS / "fixtures" / "tiny-llama"
    command = [sys.executable, "-m", "webllm_build", "site", "--model", str(model), "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return folder


def test_engine(tiny_site: Path, chromium_path: Path) -> None:
    """Every scenario of runtime.html passes, and nothing else is on the console."""
    lines = list(page_console("browser/runtime.html", {"site": tiny_site}, program=chromium_path, seconds=900))
    assert lines[-1] == "DONE all passed", "\n".join(lines)
    assert len(lines) > 10 and all(line.startswith("PASS ") for line in lines[:-1]), "\n".join(lines)
