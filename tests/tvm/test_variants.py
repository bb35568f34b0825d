"""A model is compiled in all variants at once, as a command does it that names none."""

from __future__ import annotations

from pathlib import Path

import pytest

from families import open_tiny
from packed_model import CHUNK
from webllm_build.compile.io import Layout
from webllm_build.compile.kernels.linear import code_inputs
from webllm_build.compile.pipeline import compile_model
from webllm_build.compile.plan import parse_plan
from webllm_build.compile.target import VARIANTS
from webllm_build.model import load_model
from webllm_build.quantize.pack import choose_scheme

# Norms behind layers, per-layer embeddings, sinks and experts, Mamba, short convolutions, the delta rule.
KINDS = ("gemma3_text", "gemma4_text", "gpt_oss", "granitemoehybrid", "lfm2", "qwen3_5_text")


def layout_of(family: str, folder: Path) -> Layout:
    checkpoint = open_tiny(family, "hugging_face", folder)
    model = load_model(checkpoint)
    schemes = {weight.name: choose_scheme(weight, checkpoint, "q8") for weight in model.weights}
    return Layout.of(model, schemes, context_length=256, prefill_chunk=CHUNK)


@pytest.mark.parametrize("family", KINDS)
def test_a_step_in_all_of_them_is_one_library(tmp_path: Path, family: str) -> None:
    plan = parse_plan(compile_model(layout_of(family, tmp_path), VARIANTS, functions=("decode",)).plan)
    assert [variant.name for variant in plan.variants] == [variant.name for variant in VARIANTS]


def test_a_sum_that_is_too_long_for_a_product_to_make_has_its_own_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_inputs, "MOST_BYTES", 0)
    compiled = compile_model(layout_of("gemma3_text", tmp_path), VARIANTS[:1], functions=("decode",))
    assert not [kernel.name for kernel in parse_plan(compiled.plan).variants[0].kernels if kernel.name.startswith("joined_gemv")]
