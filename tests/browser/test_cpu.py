"""The same exact tokens on the CPU: some in Chromium with threads and without, and all in Node through the package's entry."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from open_page import RUNTIME, TESTS, page_console

REFERENCE = TESTS / "golden" / "reference" / "smollm2-cut.json"
NAMES = [prompt["name"] for prompt in json.loads(REFERENCE.read_text("utf-8"))["prompts"]]


@pytest.mark.parametrize(
    ("isolated", "hidden", "where", "names"),
    [(True, True, "threads, hidden", ["system", "unicode", "long"]), (False, False, "one thread", ["fact", "turns"])],
)
def test_exact_in_chromium(cut_site: Path, chromium_path: Path, isolated: bool, hidden: bool, where: str, names: list[str]) -> None:
    query = f"variant=cpu-f32&reference=smollm2-cut&logits=code&tolerance=1e-3&prompts={','.join(names)}"
    lines = list(page_console("bench/exact.html", {"site": cut_site}, query, program=chromium_path, isolated=isolated, hidden=hidden))
    assert lines == ["PASS code logits", *(f"PASS {name}" for name in names), f"DONE all passed on {where}"]


def test_exact_in_node(cut_site: Path) -> None:
    """All prompts at once, through OpenAI's shapes, from the folder."""
    command: list[str | Path] = ["node", TESTS / "browser" / "exact_in_node.mjs", RUNTIME / "node.js", cut_site / "model", REFERENCE]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ran.stdout.splitlines() == [f"PASS {name}" for name in NAMES], ran.stderr
    assert ran.returncode == 0 and ran.stderr == ""
