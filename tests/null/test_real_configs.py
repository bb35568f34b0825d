"""Configs as published models have them: each is read, has the parameters that transformers counts, and fits default limits."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from webllm_build.compile.io import Layout
from webllm_build.limits_generated import MAX_CONTEXT
from webllm_build.model import read_model
from webllm_build.quantize import SCHEMES
from webllm_build.quantize.parts import LARGEST_BINDING

CONFIGS = sorted((Path(__file__).parents[1] / "fixtures" / "configs").glob("*.json"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_published_config_is_read(path: Path) -> None:
    found = json.loads(path.read_text("utf-8"))
    model = read_model(path.stem, found["config"])
    assert sum(math.prod(weight.shape) for weight in model.weights) == found["parameters"]
    schemes = {weight.name: SCHEMES["f16" if weight.kind == "linear" else "f32"] for weight in model.weights}
    layout = Layout.of(model, schemes, min(model.context_length, MAX_CONTEXT), 512)
    assert max(buffer.bytes for buffer in layout.weights) <= LARGEST_BINDING
