"""The built site's model answers token for token as the transformers library does, in a real browser."""

from __future__ import annotations

import json
from pathlib import Path

from open_page import TESTS, page_console

REFERENCE = TESTS / "golden" / "reference" / "smollm2.json"


def test_greedy_tokens_and_prefill_logits(site: Path, chromium_path: Path) -> None:
    """All prompts of the golden, 64 tokens each, and nothing else on the console."""
    prompts = json.loads(REFERENCE.read_text("utf-8"))["prompts"]
    assert sum(len(prompt["ids"]) == 64 for prompt in prompts) >= 8
    expected = [f"PASS {prompt['name']}" for prompt in prompts] + ["PASS fact logits", "PASS long logits", "DONE all passed"]
    lines = list(page_console("bench/exact.html", {"site": site}, "variant=f32&logits=1e-3", program=chromium_path, seconds=1500))
    assert lines == expected
