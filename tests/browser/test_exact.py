"""The built site's model answers token for token as the transformers library does, in a real browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from open_page import TESTS, page_console
from webllm_build.compile.link import PLAN_SECTION, read_custom_section
from webllm_build.compile.plan import parse_plan
from webllm_build.compile.target import DEFAULT_LIMITS

REFERENCES = TESTS / "golden" / "reference"
TEXTS = REFERENCES / "gemma3-270m.json"
CUT = json.loads((REFERENCES / "smollm2-cut.json").read_text("utf-8"))


def exact(site: Path, program: Path, query: str) -> list[str]:
    return list(page_console("bench/exact.html", {"site": site}, f"variant=f32&tolerance=1e-3&{query}", program=program, seconds=1500))


@pytest.mark.timeout(1800)  # SwiftShader computes about five tokens of a prompt a second
def test_greedy_tokens_and_prefill_logits(site: Path, chromium_path: Path) -> None:
    """The whole model: an answer to its end, the beginning of another, decoded in the same steps, and all logits after a prompt."""
    lines = exact(site, chromium_path, "prompts=story,short&tokens=16&logits=fact")
    assert lines == ["PASS story", "PASS short", "PASS fact logits", "DONE all passed"]


@pytest.mark.timeout(1800)
def test_all_prompts_of_a_cut_model(cut_site: Path, chromium_path: Path) -> None:
    """What depth has no part in: each prompt's kinds of characters, steps of one row or of several, chunks, pages and the growth of the
    cache, positions far behind. All prompts of the golden, of the longest as much as there is, and nothing else on the console."""
    prompts = CUT["prompts"]
    assert sum(prompt["exact_until"] >= 32 for prompt in prompts) >= 8
    assert max(len(prompt["prompt_ids"]) for prompt in prompts) > 3 * 256
    expected = [*(f"PASS {prompt['name']}" for prompt in prompts), "PASS code logits", "DONE all passed"]
    assert exact(cut_site, chromium_path, "reference=smollm2-cut&tokens=6&whole=long&logits=code") == expected


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
