"""What Qwen3.5's files have beside what answers need, and what of its config is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from families import FIXTURES, open_tiny
from webllm_build.errors import MalformedFile, ModelWarning, UnsupportedArchitecture
from webllm_build.model import load_model, read_model

CONFIG = json.loads((FIXTURES / "tiny-qwen3_5_text" / "config.json").read_text("utf-8"))


def test_tensors_that_draft_are_left_out_and_said_so(tmp_path: Path) -> None:
    checkpoint = open_tiny("qwen3_5_text", "hugging_face", tmp_path)
    tensor = next(iter(checkpoint.tensors.values()))
    with pytest.warns(ModelWarning, match="2 tensors of .* are left out"):
        load_model(replace(checkpoint, tensors={**checkpoint.tensors, "mtp.fc.weight": tensor, "mtp.norm.weight": tensor}))
    with pytest.raises(MalformedFile, match="left over: other"):
        load_model(replace(checkpoint, tensors={**checkpoint.tensors, "other.weight": tensor}))


def test_layers_of_a_gguf_that_draft_are_left_out_and_said_so(tmp_path: Path) -> None:
    checkpoint = open_tiny("qwen3_5_text", "gguf", tmp_path)
    tensor = next(iter(checkpoint.tensors.values()))
    drafting = {f"blk.4.{name}.weight": tensor for name in ("attn_norm", "nextn.eh_proj")}
    with pytest.warns(ModelWarning, match="2 tensors of .* are left out"):
        model = load_model(replace(checkpoint, tensors={**checkpoint.tensors, **drafting}))
    assert len(model.layers) == 4
    with pytest.raises(MalformedFile, match=r"left over: blk\.5"):
        load_model(replace(checkpoint, tensors={**checkpoint.tensors, "blk.5.attn_norm.weight": tensor}))


def test_every_fourth_layer_attends_where_no_file_says_which() -> None:
    model = read_model("a model", {**CONFIG, "layer_types": None, "num_hidden_layers": 8})
    assert [state.kind for state in model.states] == ["slots", "slots", "slots", "pages"] * 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"attn_output_gate": False}, "attn_output_gate"),
        ({"mamba_ssm_dtype": "bfloat16"}, "mamba_ssm_dtype"),
        ({"linear_num_value_heads": 3}, "multiple of key heads, and even"),
        ({"linear_key_head_dim": 260}, "multiples of 4 up to 256"),
        ({"linear_conv_kernel_dim": 9}, "2 to 8 taps"),
        ({"linear_value_head_dim": 20}, "not multiples of 32"),
        ({"layer_types": ["mamba"] * 4}, "layer_types"),
    ],
)
def test_what_is_not_computed_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(UnsupportedArchitecture, match=message):
        read_model("a model", CONFIG | change)
