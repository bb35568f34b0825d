"""How much memory a model takes: the runtime's tests hold the same plan against what it allocates."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from families import open_tiny
from webllm_build.compile.memory import Memory, cache_bytes, memory_of, pages_of
from webllm_build.compile.plan import State, page_groups, parse_plan
from webllm_build.config import BuildRequest
from webllm_build.model.pictures import Pictures
from webllm_build.recipe import CPU_CHUNK, Recipe

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "memory.json").read_text("utf-8"))


@pytest.mark.parametrize("expected", GOLDEN["memory"], ids=lambda expected: str(expected["tokens"]))
def test_memory_of_a_plan(expected: dict[str, int]) -> None:
    plan = parse_plan(json.dumps(GOLDEN["plan"]).encode())
    assert page_groups(plan.states) == (None, 6)
    assert memory_of(plan, plan.variants[0], expected["tokens"]) == Memory(expected["weights"], expected["cache"], expected["workspace"])


def test_a_window_takes_no_more_than_the_whole_sequence() -> None:
    assert [pages_of(None, tokens, 16, 512) for tokens in (1, 16, 17, 32768)] == [1, 1, 2, 2048]
    # 512 tokens and 16 more are 33 pages; a prefill adds 32, one that lies across and one that is copied.
    assert [pages_of(512, tokens, 16, 512) for tokens in (256, 2048, 2128, 2129, 32768)] == [16, 128, 133, 133, 133]


def test_a_long_context_of_gemma_takes_the_memory_of_its_windows() -> None:
    """Gemma 3 1B: 26 layers, each sixth without a window; one head of 256 float16 keys and values."""
    states = [State(f"kv{i}", "pages", 1024, None if i % 6 == 5 else 512) for i in range(26)]
    page = 16 * 2 * 256 * 2
    found = cache_bytes(states, [page] * 26, 32768, 16, 512)
    assert found == (4 * 2048 + 22 * 133) * page
    assert found < 0.21 * 26 * 2048 * page


def test_a_cpu_works_on_shorter_parts_of_a_prompt_unless_they_must_be_whole(tmp_path: Path) -> None:
    checkpoint = open_tiny("llama", "hugging_face", tmp_path / "model")
    checkpoint = dataclasses.replace(checkpoint, config={**checkpoint.config, "max_position_embeddings": 4096})
    for asked, most in ((1024, CPU_CHUNK), (128, 128)):
        recipe = Recipe.of(BuildRequest(kind="site", models=("tiny",), prefill_chunk=asked), checkpoint)
        assert (recipe.layout.prefill_chunk, recipe.cpu_layout.prefill_chunk) == (asked, most)
    recipe = Recipe.of(BuildRequest(kind="site", models=("tiny",), prefill_chunk=1024), checkpoint)
    recipe.model.pictures = Pictures(whole=700)
    assert recipe.cpu_layout.prefill_chunk == 700
