"""The built site's model answers token for token as the transformers library does, in a real browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from open_page import TESTS, page_console

REFERENCE = TESTS / "golden" / "reference" / "smollm2.json"
LOGITS = ("fact", "turns")


@pytest.mark.timeout(3600)  # SwiftShader computes about five tokens of a prompt a second
def test_greedy_tokens_and_prefill_logits(site: Path, chromium_path: Path) -> None:
    """All prompts of the golden, of two the whole answer, and nothing else on the console. Errors show in the first tokens, where a
    prompt's kinds of characters are read, in steps of one row or of several, or at positions far behind: most answers need not be long."""
    prompts = json.loads(REFERENCE.read_text("utf-8"))["prompts"]
    assert sum(len(prompt["ids"]) == 64 for prompt in prompts) >= 8
    expected = [f"PASS {prompt['name']}" for prompt in prompts] + [f"PASS {name} logits" for name in LOGITS] + ["DONE all passed"]
    query = f"variant=f32&tokens=8&whole=story,long&logits={','.join(LOGITS)}&tolerance=1e-3"
    lines = list(page_console("bench/exact.html", {"site": site}, query, program=chromium_path, seconds=3000))
    assert lines == expected
