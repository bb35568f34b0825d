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
TEXTS = json.loads((REFERENCES / "gemma3-270m.json").read_text("utf-8"))["texts"]
CUT = json.loads((REFERENCES / "smollm2-cut.json").read_text("utf-8"))


def exact(site: Path, program: Path, variant: str, query: str) -> list[str]:
    query = f"variant={variant}&tolerance=1e-3&{query}"
    return list(page_console("bench/exact.html", {"site": site}, query, program=program, seconds=1500))


@pytest.mark.timeout(1800)  # SwiftShader computes about five tokens of a prompt a second
@pytest.mark.parametrize(
    ("variant", "names", "where"), [("f32", ["short"], ""), ("cpu-f32", ["system", "short"], " on threads")], ids=["gpu", "cpu"]
)
def test_greedy_tokens_and_prefill_logits(site: Path, chromium_path: Path, variant: str, names: list[str], where: str) -> None:
    """The whole model: all logits after a prompt, the answer to its end, and on the CPU also the beginning of another."""
    lines = exact(site, chromium_path, variant, f"prompts={','.join(names)}&tokens=10&logits=short")
    assert lines == ["PASS short logits", *(f"PASS {name}" for name in names), f"DONE all passed{where}"]


@pytest.mark.timeout(1800)
def test_prompts_of_a_cut_model(cut_site: Path, chromium_shell: Path) -> None:
    """What depth has no part in: steps of one row or of several, chunks, pages and the growth of the cache, positions far behind; of one
    prompt enough to fill a page, and nothing else on the console. test_cpu.py has all prompts of the golden to their ends, on the CPU."""
    prompts = {prompt["name"]: prompt for prompt in CUT["prompts"]}
    assert sum(prompt["exact_until"] >= 32 for prompt in prompts.values()) >= 8
    assert len(prompts["long"]["prompt_ids"]) > 3 * 256
    assert prompts["short"]["exact_until"] > 16
    names = ["system", "short", "long"]
    expected = ["PASS code logits", *(f"PASS {name}" for name in names), "DONE all passed"]
    query = f"reference=smollm2-cut&prompts={','.join(names)}&tokens=6&longer=short:17&logits=code"
    assert exact(cut_site, chromium_shell, "f32", query) == expected


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("variant", "names"), [("cpu-f32", [text["name"] for text in TEXTS]), ("f32", ["capital"])], ids=["cpu", "gpu"]
)
def test_a_base_model_continues_texts(gemma_site: Path, chromium_shell: Path, variant: str, names: list[str]) -> None:
    """Gemma 3 270M's real weights, the first tokens of texts: eight on the CPU, one of them on the GPU. Its table is larger than what
    WebGPU's default limits let a kernel bind."""
    assert len(TEXTS) == 8
    (library,) = gemma_site.glob("model/model.*.wasm")
    plan = parse_plan(read_custom_section(library.read_bytes(), PLAN_SECTION))
    table = sum(weight.bytes for weight in plan.weights if weight.name.startswith("embedding"))
    assert table > DEFAULT_LIMITS["maxStorageBufferBindingSize"]
    assert all(variant.limits.items() <= DEFAULT_LIMITS.items() for variant in plan.variants)
    tokens = 16 if variant == "cpu-f32" else 2
    query = f"variant={variant}&tokens={tokens}&texts={','.join(names)}"
    lines = list(page_console("bench/continue.html", {"site": gemma_site}, query, program=chromium_shell, seconds=1500))
    assert lines == [*(f"PASS {name}" for name in names), "DONE all passed"]
