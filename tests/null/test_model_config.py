"""A foreign config.json: what is read, what stops the build."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

import activations
from families import RECIPES
from webllm_build.errors import UnsupportedArchitecture
from webllm_build.model import read_model
from webllm_build.model.common import FUNCTIONS
from webllm_build.model.decoder import Decoder
from webllm_build.model.numpy_operators import ACTIVATIONS
from webllm_build.model.ops import Function
from webllm_build.model.rope import RopeSettings
from webllm_build.model.state import Pages
from webllm_build.model.weights import interleaved_halves, qkv_row_order

CONFIG: dict[str, object] = {
    "model_type": "llama",
    "hidden_size": 96,
    "intermediate_size": 160,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "num_key_value_heads": 1,
    "vocab_size": 300,
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "tie_word_embeddings": False,
    "hidden_act": "silu",
    "torch_dtype": "float32",
}


def parse(config: dict[str, object]) -> Decoder:
    return read_model("test", config)


def test_reads_a_config() -> None:
    model = parse(CONFIG)
    state, _ = model.states
    assert isinstance(state, Pages)
    assert (state.heads, state.kv_heads, state.head_dim) == (3, 1, 32)
    assert not model.tied


def test_what_a_family_always_has_may_be_said() -> None:
    """transformers takes no notice of it."""
    for said in (True, False, None):
        assert parse(CONFIG | {"model_type": "qwen2", "attention_bias": said, "qkv_bias": said}).states


def test_reads_rope_parameters_of_newer_files() -> None:
    older = parse(CONFIG | {"rope_theta": 500000.0, "rope_scaling": {"rope_type": "linear", "factor": 4.0}})
    newer = {key: value for key, value in CONFIG.items() if key != "rope_theta"}
    newer["rope_parameters"] = {"rope_type": "linear", "factor": 4.0, "rope_theta": 500000.0}
    assert parse(newer).ropes == older.ropes


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"hidden_size": 0}, "hidden_size"),
        ({"hidden_size": "96"}, "hidden_size"),
        ({"hidden_size": True}, "hidden_size"),
        ({"hidden_size": None}, "hidden_size"),
        ({"hidden_size": 1 << 40}, "hidden_size"),
        ({"rms_norm_eps": float("nan")}, "rms_norm_eps"),
        ({"hidden_act": "prelu"}, "hidden_act"),
        ({"attention_bias": 2}, "attention_bias"),
        ({"num_key_value_heads": 2}, "multiple of key-value heads"),
        ({"head_dim": 520}, "at most 512"),
        ({"head_dim": 31, "rope_scaling": {"rope_type": "yarn", "factor": 2.0}}, "no pairs"),
        ({"num_hidden_layers": 1025}, "num_hidden_layers"),
        ({"rope_scaling": {"rope_type": "dynamic", "alpha": 2.0}}, "dynamic"),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, "low_freq_factor"),
        ({"rope_scaling": {"rope_type": "linear", "factor": -1}}, "factor"),
        ({"rope_scaling": [1]}, "rope_scaling"),
        ({"logit_scale": 0.1}, "logit_scale"),
        ({"sliding_window": 256}, "sliding_window"),
    ],
)
def test_stops_at_what_it_does_not_know(change: dict[str, object], word: str) -> None:
    with pytest.raises(UnsupportedArchitecture, match=word):
        parse(CONFIG | change)


def test_a_model_of_more_than_text_is_told_where_its_text_is() -> None:
    with pytest.raises(UnsupportedArchitecture, match="more than text") as caught:
        parse({"model_type": "paligemma", "text_config": {"model_type": "gemma"}, "vision_config": {}})
    assert "GGUF" in caught.value.hint


F, S = "full_attention", "sliding_attention"


@pytest.mark.parametrize(
    ("kind", "change", "windows"),
    [
        ("qwen2", {}, [None, None]),
        ("qwen2", {"max_window_layers": 1}, [None, 64]),
        ("qwen3", {"max_window_layers": 0}, [64, 64]),
        ("qwen3", {"max_window_layers": 1, "use_sliding_window": False}, [None, None]),
        ("qwen3", {"max_window_layers": 1, "sliding_window": None}, [None, None]),
        ("qwen2", {"max_window_layers": 1, "sliding_window": 512}, [None, None]),
        ("qwen2", {"layer_types": [S, F]}, [64, None]),
        ("qwen3_moe", {"max_window_layers": 28}, [64, 64]),
        ("qwen3_moe", {"use_sliding_window": False}, [None, None]),
        ("smollm3", {"no_rope_layers": [1, 0]}, [None, 64]),
        ("smollm3", {"no_rope_layers": [1, 0], "layer_types": [S, F]}, [64, None]),
    ],
)
def test_layers_have_the_windows_that_transformers_gives_them(kind: str, change: dict[str, object], windows: list[int | None]) -> None:
    window: dict[str, object] = {"model_type": kind, "use_sliding_window": True, "sliding_window": 64}
    states = parse(CONFIG | window | change).states
    assert [state.window for state in states if isinstance(state, Pages)] == windows


def test_a_layer_with_a_window_needs_one() -> None:
    with pytest.raises(UnsupportedArchitecture, match="layer_types"):
        parse(CONFIG | {"model_type": "qwen3", "layer_types": [F, S]})


def test_names_every_unknown_key() -> None:
    with pytest.raises(UnsupportedArchitecture, match="alpha, beta"):
        parse(CONFIG | {"beta": 1, "alpha": 2})


def test_llama3_scaling_keeps_high_and_divides_low_frequencies() -> None:
    factors = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
    plain = RopeSettings(500000.0).inverse_frequencies(128)
    scaled = RopeSettings(500000.0, "llama3", factors).inverse_frequencies(128)
    wavelength = 2 * np.pi / plain
    np.testing.assert_allclose(scaled[wavelength < 8192 / 4], plain[wavelength < 8192 / 4])
    np.testing.assert_allclose(scaled[wavelength > 8192], plain[wavelength > 8192] / 8)
    assert (np.diff(scaled) < 0).all()


def test_row_orders_are_permutations_that_put_partners_side_by_side() -> None:
    assert qkv_row_order(1, 1, 8, 4).tolist() == [0, 2, 1, 3, 4, 5, 6, 7, 8, 10, 9, 11, *range(12, 24)]
    order = qkv_row_order(2, 1, 8, 8)
    assert sorted(order) == list(range(32))
    assert order[:4].tolist() == [0, 4, 1, 5]
    assert order[24:].tolist() == list(range(24, 32))
    assert interleaved_halves(6).tolist() == [0, 3, 1, 4, 2, 5]


SCALING: dict[str, object] = {"rope_type": "linear", "factor": 2.0}


@pytest.mark.parametrize(
    ("family", "said", "means"),
    [
        ("apertus", {"rope_parameters": None, "rope_scaling": SCALING}, {"rope_theta": 12e6}),
        ("gemma3_text", {"attn_logit_softcapping": 20.0}, {"attn_logit_softcapping": None}),
        ("llama-biased", {"chunk_size_feed_forward": 2}, {"chunk_size_feed_forward": 0}),
        ("qwen2_vl", {"num_hidden_layers": None}, {"num_hidden_layers": 80}),
    ],
)
def test_keys_mean_what_they_do_to_transformers(family: str, said: dict[str, object], means: dict[str, object]) -> None:
    """As compared with it on random configs."""
    config = {key: value for key, value in (RECIPES[family]["config"] | said).items() if value is not None}
    assert read_model("a model", config).description == read_model("a model", config | means).description


def test_gemma_3_caps_logits_where_its_text_is_alone() -> None:
    """transformers' class for pictures takes no notice of it."""
    capped, text, whole = {"final_logit_softcapping": 30.0}, RECIPES["gemma3_text"]["config"], RECIPES["gemma3"]["config"]
    assert (read_model("text", text).logit_softcap, read_model("text", text | capped).logit_softcap) == (None, 30.0)
    assert read_model("whole", whole | {"text_config": whole["text_config"] | capped}).logit_softcap is None


def test_minicpm3_may_have_biases_of_its_feed_forward_blocks() -> None:
    config = RECIPES["minicpm3"]["config"] | {"mlp_bias": True}
    assert {"layers.1.gate_up_bias", "layers.1.down_bias"} <= {weight.name for weight in read_model("a model", config).weights}


def test_a_config_without_a_kind_is_told_so() -> None:
    with pytest.raises(UnsupportedArchitecture, match="a model has no model_type") as refused:
        read_model("a model", {"hidden_size": 64})
    assert "Did you mean" not in refused.value.hint


def test_a_table_of_kinds_of_tokens_has_rows() -> None:
    with pytest.raises(UnsupportedArchitecture, match="type_vocab_size"):
        read_model("a model", RECIPES["nomic_bert"]["config"] | {"type_vocab_size": 0})


def test_activations_are_transformers_by_its_names() -> None:
    """All of those that learn nothing, but for one that no feed-forward block has."""
    assert {*FUNCTIONS} == activations.NAMES - {"sqrtsoftplus"}
    assert {*activations.EXPECTED} == {*get_args(Function)}


@pytest.mark.parametrize("function", activations.EXPECTED)
def test_activations_make_what_transformers_do(function: Function) -> None:
    with np.errstate(over="ignore"):
        activations.check(function, ACTIVATIONS[function](activations.X.astype(np.float64)))


@pytest.mark.parametrize("name", ["mish", "linear"])
def test_a_block_may_have_a_rare_activation(name: str) -> None:
    for family in ("llama-biased", "phi"):
        assert read_model("a model", RECIPES[family]["config"] | {"hidden_act": name}).layers


@pytest.mark.parametrize(("size", "heads", "wide"), [(8, 3, 32), (36, 4, 40), (36, 3, 64), (48, 3, 64), (80, 4, 80)])
def test_heads_that_no_kernel_has_have_zeros_behind_them(size: int, heads: int, wide: int) -> None:
    """Up to a size that kernels have, of which all heads together are whole blocks."""
    config = CONFIG | {"head_dim": size, "num_attention_heads": heads, "num_key_value_heads": heads, "intermediate_size": 161}
    shapes = {weight.name: weight.shape for weight in read_model("a model", config).weights}
    assert (shapes["layers.0.qkv"], shapes["layers.0.o"]) == ((3 * heads * wide, 96), (96, heads * wide))
    assert (shapes["layers.0.gate_up"], shapes["layers.0.down"]) == ((2 * 192, 96), (96, 192))
