"""How Gemma 4's layers differ from each other, and what of its config is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from families import FIXTURES, TOKENS, open_tiny, reference
from webllm_build.compile.io import Layout
from webllm_build.errors import MalformedFile, ModelWarning, UnsupportedArchitecture
from webllm_build.model import load_model, read_model
from webllm_build.model.decoder import Decoder
from webllm_build.model.numpy_operators import NumpyOperators
from webllm_build.model.state import Pages
from webllm_build.quantize import SCHEMES, scheme_of_floats
from webllm_build.sizes import layout_of, memory_at, weight_bytes
from webllm_build.source.checkpoint import Tensor

CONFIG = json.loads((FIXTURES / "tiny-gemma4_text" / "config.json").read_text("utf-8"))
FULL, SLIDING = "full_attention", "sliding_attention"
E2B = json.loads((FIXTURES / "configs" / "gemma-4-e2b-it.json").read_text("utf-8"))["config"]


def pages(model: Decoder) -> dict[str, Pages]:
    return {state.name: state for state in model.states if isinstance(state, Pages)}


def test_pages_of_layers_that_share_them_exist_once() -> None:
    model = read_model("E2B", E2B)
    found = pages(model)
    assert list(found) == [f"kv{layer}" for layer in range(15)]
    assert {(state.head_dim, state.window) for state in found.values()} == {(256, 512), (512, None)}
    read = [layer.states[0].name for layer in model.layers]
    assert read[15:] == ["kv14" if layer % 5 == 4 else "kv13" for layer in range(15, 35)]


@pytest.mark.parametrize(("family", "others"), [("gemma4_text", 3), ("gemma4_text-experts", 0), ("lfm2", 0), ("bert", 0), ("phi3", 0)])
def test_layers_that_later_tokens_do_not_see_are_known(family: str, others: int) -> None:
    model = read_model(family, json.loads((FIXTURES / f"tiny-{family}" / "config.json").read_text("utf-8")))
    assert len(model.layers) - model.remembered == others
    # Of the last of the others keys and values alone, but for mixtures of experts and texts that come whole.
    assert model.remembered - model.whole == (family in ("gemma4_text", "lfm2", "phi3"))


def test_the_table_is_in_the_download_and_not_in_memory() -> None:
    layout = layout_of(read_model("E2B", E2B), "auto")
    table = sum(stored.bytes for stored in layout.stored)
    assert table == 262144 * 35 * 256 * 9 // 16  # 4.5 bits
    assert weight_bytes(layout) - memory_at(layout, "float16", 4096).weights == table
    assert [stored.row_bytes for stored in layout.stored] == [4480, 560]
    assert all(buffer.bytes <= 128 << 20 for buffer in (*layout.weights, *layout.io))


def test_per_layer_config_says_what_other_keys_say() -> None:
    full = {"head_dim": 64, "num_key_value_heads": 2}
    rest = {key: value for key, value in CONFIG.items() if key != "global_head_dim"}
    model = read_model("a model", {**rest, "per_layer_config": {"2": full, "5": {"head_dim": 64}}})
    assert model.description == read_model("a model", CONFIG).description
    assert pages(read_model("a model", {**CONFIG, "per_layer_config": {}}))["kv2"].head_dim == 32


def test_heads_of_full_layers_have_another_number_of_keys_where_these_are_values() -> None:
    change: dict[str, Any] = {"num_global_key_value_heads": 1}
    assert pages(read_model("a model", CONFIG | change))["kv2"].kv_heads == 2
    assert pages(read_model("a model", CONFIG | change | {"attention_k_eq_v": True}))["kv2"].kv_heads == 1


def test_the_last_layer_sees_all_and_others_by_default_as_often_as_in_gemma_3() -> None:
    rest = {key: value for key, value in CONFIG.items() if key not in ("layer_types", "rope_parameters", "num_kv_shared_layers")}
    model = read_model("a model", {**rest, "num_hidden_layers": 8})
    assert [state.window for state in pages(model).values()] == [8, 8, 8, 8, 8, None, 8, None]
    assert [rope.inv_freq[1:2] for rope in model.ropes] == [(1e4 ** (-2 / 32),), (1e6 ** (-2 / 64),)]
    assert [sum(frequency != 0 for frequency in rope.inv_freq) for rope in model.ropes] == [16, 8]


def test_proportional_frequencies_may_be_divided() -> None:
    ropes = json.loads(json.dumps(CONFIG["rope_parameters"]))
    ropes[FULL]["factor"] = 8.0
    plain, divided = (read_model("a model", CONFIG | {"rope_parameters": each}).ropes[1] for each in (CONFIG["rope_parameters"], ropes))
    assert np.allclose(divided.inv_freq, np.array(plain.inv_freq) / 8)


def test_keys_of_layers_that_have_none_are_left_out_and_said_so(tmp_path: Path) -> None:
    checkpoint = open_tiny("gemma4_text", "hugging_face", tmp_path)
    tensor = next(iter(checkpoint.tensors.values()))
    names = [f"model.layers.3.self_attn.{part}.weight" for part in ("k_proj", "v_proj", "k_norm")]
    with pytest.warns(ModelWarning, match="3 tensors of .* are left out"):
        load_model(replace(checkpoint, tensors={**checkpoint.tensors, **dict.fromkeys(names, tensor)}))
    with pytest.raises(MalformedFile, match=r"left over: model\.layers\.2\.self_attn\.other"):
        load_model(replace(checkpoint, tensors={**checkpoint.tensors, "model.layers.2.self_attn.other.weight": tensor}))


def test_a_gguf_says_how_much_of_a_head_turns_by_its_divisors(tmp_path: Path) -> None:
    checkpoint = open_tiny("gemma4_text", "gguf", tmp_path)

    def with_divisors(values: list[float]) -> Decoder:
        raw = np.array(values, np.float32).view(np.uint8).reshape(1, -1)
        divisors = Tensor.of("rope_freqs.weight", (len(values),), "f32", raw)
        return load_model(replace(checkpoint, tensors={**checkpoint.tensors, divisors.name: divisors}))

    model = with_divisors([1.0] * 4 + [1e30] * 28)
    assert [sum(frequency != 0 for frequency in rope.inv_freq) for rope in model.ropes] == [16, 4]
    with pytest.raises(UnsupportedArchitecture, match="other numbers"):
        with_divisors([1.0] * 8 + [2.0] * 24)


def test_a_gguf_may_have_gates_and_ups_of_experts_apart(tmp_path: Path) -> None:
    checkpoint = open_tiny("gemma4_text-experts", "gguf", tmp_path)
    tensors = dict(checkpoint.tensors)
    for layer in range(2):
        name = f"blk.{layer}.ffn_{{}}_exps.weight"
        both = tensors.pop(name.format("gate_up"))
        rows = both.read().reshape(both.shape[0], both.shape[1], -1)
        for part, raw in zip(("gate", "up"), np.split(rows, 2, axis=1), strict=True):
            shape, whole = (both.shape[0], both.shape[1] // 2, both.shape[2]), np.ascontiguousarray(raw).reshape(-1, raw.shape[-1])
            tensors[name.format(part)] = Tensor.of(name.format(part), shape, both.encoding, whole)
    apart = replace(checkpoint, tensors=tensors)
    model = load_model(apart)
    operators = NumpyOperators(apart, model.norm_eps, TOKENS)
    found, expected = model.logits(operators, model.hidden(operators)), reference("gemma4_text-experts")
    assert np.linalg.norm(found - expected) < 1e-5 * np.linalg.norm(expected)


def test_rows_are_whole_words_of_every_buffer() -> None:
    model = read_model("a model", CONFIG)
    schemes = {weight.name: scheme_of_floats(weight, "auto") for weight in model.weights}
    Layout.of(model, schemes, 256, 64)
    with pytest.raises(UnsupportedArchitecture, match="not whole words as mxfp4"):
        Layout.of(model, schemes | {"layer_table": SCHEMES["mxfp4"]}, 256, 64)


def test_a_table_of_more_rows_than_tokens_is_read_by_token(tmp_path: Path) -> None:
    checkpoint = open_tiny("gemma4_text", "hugging_face", tmp_path)
    model = load_model(checkpoint)
    assert checkpoint.tensors["model.embed_tokens_per_layer.weight"].shape[0] == 320
    assert model.weights[-1].shape == (300, 192)
    operators = NumpyOperators(checkpoint, model.norm_eps, TOKENS)
    found, expected = model.logits(operators, model.hidden(operators)), reference("gemma4_text")
    assert np.linalg.norm(found - expected) < 1e-5 * np.linalg.norm(expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_kv_shared_layers": 6}, "attend to the keys of others"),
        ({"num_kv_shared_layers": 4}, "attend to the keys of others"),
        ({"num_kv_shared_layers": 7}, "attend to the keys of others"),
        ({"use_bidirectional_attention": "all"}, "use_bidirectional_attention"),
        ({"enable_moe_block": True, "num_experts": 4}, "top_k_experts"),
        ({"vocab_size_per_layer_input": 299}, "vocab_size_per_layer_input"),
        ({"hidden_size_per_layer_input": 40}, "hidden_size_per_layer_input is 40"),
        ({"hidden_activation": "silu"}, "hidden_activation"),
        ({"per_layer_config": {"2": {"head_dim": 64}}}, "several sizes"),
        ({"per_layer_config": {"2": {"num_attention_heads": 2}}}, "num_attention_heads"),
        ({"per_layer_config": {"6": {"head_dim": 64}}}, "layers from 0 to 5"),
        ({"per_layer_config": {"2": {"head_dim": -64}}}, r"per_layer_config\.2\.head_dim"),
        ({"layer_types": ["mamba"] * 6}, "layer_types"),
        ({"rope_parameters": {FULL: {"rope_type": "proportional", "partial_rotary_factor": 2}}}, "partial_rotary_factor"),
    ],
)
def test_what_is_not_computed_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(UnsupportedArchitecture, match=message):
        read_model("a model", CONFIG | change)


@pytest.mark.parametrize("kind", ["gemma3n", "embedding_gemma2", "phi3_v"])
def test_what_has_a_name_like_it_is_refused_with_what_is_built(kind: str) -> None:
    with pytest.raises(UnsupportedArchitecture, match="not built") as caught:
        read_model("a model", {"model_type": kind, "text_config": {}})
    assert "build" in caught.value.hint
