"""A model that sees, in Chromium: answers about pictures, however these are given, are transformers' own, token for token."""

from __future__ import annotations

from pathlib import Path

import pytest

from open_page import page_console
from tiny_vision import write_tiny_smolvlm
from webllm_build.build import build
from webllm_build.config import BuildRequest


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seeing")
    model = str(write_tiny_smolvlm(folder / "model"))
    build(BuildRequest("site", (model,), out=folder / "site", cache_dir=folder / "cache", variants=("f32",), quantization="f16"))
    return folder / "site"


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_answers_are_exact(seeing: Path, chromium_path: Path, device: str) -> None:
    lines = list(page_console("browser/seeing.html", {"site": seeing}, f"device={device}", program=chromium_path))
    assert lines == ["DONE all passed"]
