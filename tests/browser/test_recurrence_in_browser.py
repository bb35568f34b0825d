"""The engine on a model with a recurrent layer: what it goes back to, forks and continues has the tokens of a reference without a cache."""

from __future__ import annotations

import json
from pathlib import Path

import toy_kernel
from open_page import page_console
from toy_recurrent import Reference, write
from webllm_build.build import build
from webllm_build.config import BuildRequest


def test_answers_of_a_model_with_states_in_slots(tmp_path: Path, chromium_path: Path) -> None:
    model, out, cache = write(tmp_path / "toy"), tmp_path / "site", tmp_path / "cache"
    with toy_kernel.registered():
        build(BuildRequest("site", model=str(model), out=out, quantization="f16", variants=("f32",), cpu=False, cache_dir=cache))
    *lines, last = page_console("browser/recurrence.html", {"site": out}, program=chromium_path, seconds=300)
    assert last.strip() == "DONE", "\n".join([*lines, last])
    reference, said = Reference(), [json.loads(line.removeprefix("SAID ")) for line in lines]
    for answer in said:
        assert answer["ids"] == reference.greedy(answer["prompt"], len(answer["ids"])), answer["name"]
    assert len(said) == 6 and all(len(answer["ids"]) > 4 for answer in said)  # few of them come to an end by themselves
    assert len(said[-1]["prompt"]) < 256 < len(said[-1]["prompt"]) + len(said[-1]["ids"])
