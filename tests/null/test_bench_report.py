"""The bench command without a browser: what it asks the page for, what it does with the answer, and what it says when it cannot."""

from __future__ import annotations

import json
import os
import runpy
import sys
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from webllm_build import bench, chromium
from webllm_build.bench import BenchRequest
from webllm_build.errors import BenchError, OutputFolderError


def request(folder: Path, **changes: object) -> BenchRequest:
    fields: dict[str, object] = {
        "folder": folder, "prompt_tokens": 512, "output_tokens": 256, "runs": 5, "contexts": (), "kernels": False, "variant": None,
        "calibrate": True, "gpu": "software", "browser": None, "seconds": 10.0,
    }  # fmt: skip
    return BenchRequest(**(fields | changes))  # type: ignore[arg-type]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name in ("index.html", "bench.html"):
        (tmp_path / name).write_text("<!doctype html>")
    return tmp_path


def ignore(line: str) -> None:
    pass


def test_the_query_has_the_pages_options(tmp_path: Path) -> None:
    asked = request(tmp_path, contexts=(4096, 32768), kernels=True, variant="f16-sg", calibrate=False)
    assert parse_qs(asked.query, strict_parsing=True) == {
        "prompt-tokens": ["512"],
        "output-tokens": ["256"],
        "runs": ["5"],
        "context": ["4096,32768"],
        "kernels": ["1"],
        "variant": ["f16-sg"],
        "calibrate": ["off"],
    }
    assert set(parse_qs(request(tmp_path).query)) == {"prompt-tokens", "output-tokens", "runs", "kernels"}


def test_tables_are_for_people_and_the_rest_is_the_report() -> None:
    table = {"title": "T", "head": ["a", "b"], "rows": [["x", "1"]]}
    measured = bench._read(f"DONE {json.dumps({'format': 1, 'tables': [table]})}")
    assert measured.report == {"format": 1}
    assert measured.tables == (("T", ("a", "b"), (("x", "1"),)),)


def test_what_the_page_fails_with_is_an_error() -> None:
    with pytest.raises(BenchError, match=r"bench\.html failed: no room"):
        bench._read('DONE {"error": {"code": "OutOfMemory", "message": "no room"}}')


def test_a_folder_without_the_page_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputFolderError, match=r"has no bench\.html"):
        bench.bench(request(tmp_path), ignore)


def test_without_playwright_it_says_how_to_get_it(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    with pytest.raises(BenchError, match="Playwright") as caught:
        bench.bench(request(site), ignore)
    assert "pip install 'webllm-build[bench]'" in caught.value.hint
    assert "/bench.html" in caught.value.hint


def test_without_a_browser_it_says_how_to_get_one(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chromium, "find", lambda: None)
    with pytest.raises(BenchError, match="no Chromium") as caught:
        bench.bench(request(site), ignore)
    assert "playwright install chromium" in caught.value.hint


def test_a_browser_that_does_not_start_is_named(site: Path) -> None:
    with pytest.raises(BenchError, match="/nowhere/chrome did not start"):
        bench.bench(request(site, browser=Path("/nowhere/chrome")), ignore)


def test_the_named_browser_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "named"))
    assert chromium.find() == tmp_path / "named"
    monkeypatch.delenv("CHROMIUM")
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chromium.find() == program


@pytest.mark.parametrize(("user", "switches"), [(0, ["--no-sandbox"]), (1000, [])])
def test_only_root_goes_without_the_browsers_sandbox(user: int, switches: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert [switch for switch in runpy.run_path(chromium.__file__)["COMMON"] if "sandbox" in switch] == switches
