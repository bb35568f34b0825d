"""The engine on a model with states in slots: what it goes back to, forks and continues has the tokens of operators without a cache."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from families import open_tiny
from open_page import page_console
from small_kernels import small_kernels
from webllm_build.build import build
from webllm_build.config import BuildRequest
from webllm_build.model import load_model
from webllm_build.model.numpy_operators import NumpyOperators


@pytest.mark.parametrize(("family", "device"), [("lfm2", "gpu"), ("granitemoehybrid-experts", "cpu")])
def test_answers_of_a_model_with_states_in_slots(tmp_path: Path, chromium_path: Path, family: str, device: str) -> None:
    """Without experts, and with: to the engine they are alike on both."""
    folder, out, cache = tmp_path / "tiny", tmp_path / "site", tmp_path / "cache"
    checkpoint = open_tiny(family, "hugging_face", folder)
    request = BuildRequest("site", models=(str(folder),), out=out, quantization="f16", variants=("f32",), context_length=512)
    with small_kernels():
        build(replace(request, cpu=device == "cpu", cache_dir=cache))
    query = "device=cpu&variant=cpu-f32" if device == "cpu" else "device=gpu"
    *lines, last = page_console("browser/recurrence.html", {"site": out}, query, program=chromium_path, seconds=300)
    assert last.strip() == "DONE", "\n".join([*lines, last])
    model, said = load_model(checkpoint), [json.loads(line.removeprefix("SAID ")) for line in lines]
    for answer in said:
        text = [*answer["prompt"], *answer["ids"]]
        operators = NumpyOperators(checkpoint, model.norm_eps, text[:-1])
        likeliest = model.logits(operators, model.hidden(operators)).argmax(1)
        assert answer["ids"] == likeliest[len(answer["prompt"]) - 1 :].tolist(), answer["name"]
    assert len(said) == 6 and all(len(answer["ids"]) > 4 for answer in said)  # few of them come to an end by themselves
    assert len(said[-1]["prompt"]) < 256 < len(said[-1]["prompt"]) + len(said[-1]["ids"])
