"""A model is compiled in all variants at once, as a command does it that names none."""

from __future__ import annotations

from pathlib import Path

import pytest

from families import open_tiny
from packed_model import CHUNK
from webllm_build.compile.io import Layout
from webllm_build.compile.pipeline import compile_model
from webllm_build.compile.plan import parse_plan
from webllm_build.compile.target import VARIANTS
from webllm_build.model import load_model
from webllm_build.quantize.pack import choose_scheme

# Norms behind layers, per-layer embeddings, sinks and experts, Mamba, short convolutions, the delta rule.
KINDS = ("gemma3_text", "gemma4_text", "gpt_oss", "granitemoehybrid", "lfm2", "qwen3_5_text")


@pytest.mark.parametrize("family", KINDS)
def test_a_step_in_all_of_them_is_one_library(tmp_path: Path, family: str) -> None:
    checkpoint = open_tiny(family, "hugging_face", tmp_path)
    model = load_model(checkpoint)
    schemes = {weight.name: choose_scheme(weight, checkpoint, "q8") for weight in model.weights}
    layout = Layout.of(model, schemes, context_length=256, prefill_chunk=CHUNK)
    plan = parse_plan(compile_model(layout, VARIANTS, functions=("decode",)).plan)
    assert [variant.name for variant in plan.variants] == [variant.name for variant in VARIANTS]
