"""Gemma 4's per-layer embeddings stay in storage: in Node answers are those of transformers, and outlive a shard."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from families import FIXTURES, REFERENCE
from open_page import RUNTIME, TESTS, page_console
from small_kernels import small_kernels
from webllm_build.build import build
from webllm_build.config import BuildRequest


@pytest.fixture(scope="module")
def stored_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stored")
    model = str(FIXTURES / "tiny-gemma4_text" / "model.gguf")
    with small_kernels():
        build(BuildRequest("site", models=(model,), out=folder / "site", quantization="f16", variants=("f32",), cache_dir=folder / "cache"))
    return folder / "site"


def test_in_node(stored_site: Path, tmp_path: Path) -> None:
    """Files are read where they are; one is cut in the middle of a conversation."""
    folder = shutil.copytree(stored_site / "model", tmp_path / "model")
    script = TESTS / "browser" / "stored_rows_in_node.mjs"
    files = [RUNTIME / "node.js", folder, REFERENCE / "tiny-models.json", REFERENCE / "tiny-gemma4_text.npy"]
    ran = subprocess.run(["node", script, *files], capture_output=True, text=True, timeout=300, check=False)
    assert (ran.stdout.strip(), ran.stderr, ran.returncode) == ("PASS", "", 0)


@pytest.mark.parametrize("query", ["device=cpu", "device=gpu&in=worker"])
def test_in_chromium(stored_site: Path, chromium_path: Path, query: str) -> None:
    """A dedicated worker reads them at once, the page's own thread as parts of a file, wherever they are multiplied."""
    lines = list(page_console("browser/stored_rows.html", {"site": stored_site}, query, program=chromium_path))
    assert lines == ["DONE all passed"]
