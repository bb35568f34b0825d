"""The built site's model answers token for token as the transformers library does, in a real browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from open_page import TESTS, page_console
from webllm_build.compile.link import PLAN_SECTION, read_custom_section
from webllm_build.compile.plan import parse_plan
from webllm_build.compile.target import DEFAULT_LIMITS

REFERENCE = TESTS / "golden" / "reference" / "smollm2.json"
TEXTS = TESTS / "golden" / "reference" / "gemma3-270m.json"
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


@pytest.mark.timeout(1800)
def test_a_base_model_continues_texts(gemma_site: Path, chromium_path: Path) -> None:
    """Gemma 3 270M's real weights, the first tokens of eight texts. Its table is larger than what WebGPU's default limits let a kernel
    bind."""
    names = [text["name"] for text in json.loads(TEXTS.read_text("utf-8"))["texts"]]
    assert len(names) == 8
    (library,) = gemma_site.glob("model/model.*.wasm")
    plan = parse_plan(read_custom_section(library.read_bytes(), PLAN_SECTION))
    table = sum(weight.bytes for weight in plan.weights if weight.name.startswith("embedding"))
    assert table > DEFAULT_LIMITS["maxStorageBufferBindingSize"]
    assert all(variant.limits.items() <= DEFAULT_LIMITS.items() for variant in plan.variants)
    lines = list(page_console("bench/continue.html", {"site": gemma_site}, "tokens=2", program=chromium_path, seconds=1500))
    assert lines == [*(f"PASS {name}" for name in names), "DONE all passed"]
