"""What several kinds of tests need: a Chromium, and the default model's site, built once as a user would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import chromium


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    found = chromium.find()
    assert found is not None, "there is no Chromium: run `make test`, or name one in the variable CHROMIUM"
    return found


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default model's site, made by the public command."""
    folder = tmp_path_factory.mktemp("default-site") / "dist"
    command = [sys.executable, "-m", "webllm_build", "site", "--model", "smollm2-135m", "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return folder
