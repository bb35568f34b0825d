"""Rope settings in every place where transformers 5 takes them, and configs that must pass or must not."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, strategies as st

from families import FIXTURES, RECIPES
from webllm_build.errors import ModelWarning, UnsupportedArchitecture
from webllm_build.model import read_model
from webllm_build.model.attention import Rope
from webllm_build.model.config import Reader
from webllm_build.model.rope import RopeSettings

LLAMA3: dict[str, object] = {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
ORIGINAL = {"original_max_position_embeddings": 8192}
FULL = {**LLAMA3, **ORIGINAL}


def rope(config: Mapping[str, object]) -> RopeSettings:
    read = Reader("llama", {"max_position_embeddings": 131072, **config}, ())
    read.integer("max_position_embeddings")
    settings = read.rope(default_theta=10000.0)
    read.finish()
    return settings


# Expected: theta and the divisor of the lowest frequency, by transformers 5.24's convert_rope_params_to_dict.
@pytest.mark.parametrize(
    ("config", "theta", "divisor"),
    [
        ({}, 1e4, 1),
        ({"rope_theta": 5e5}, 5e5, 1),
        ({"rope_theta": "10000"}, 1e4, 1),
        ({"rope_theta": None, "rope_scaling": None, "rope_parameters": None}, 1e4, 1),
        ({"rope_scaling": {"rope_type": "default", "rope_theta": 5e5}}, 5e5, 1),
        ({"rope_scaling": {"type": "linear", "factor": 2.0}, "rope_theta": 5e5}, 5e5, 2),
        ({"rope_parameters": {"rope_type": "default"}, "rope_theta": 5e5}, 5e5, 1),
        ({"rope_parameters": {}, "rope_theta": 5e5}, 5e5, 1),
        ({"rope_parameters": {"rope_theta": 5e5}}, 5e5, 1),
        ({"rope_parameters": {"rope_theta": 5e5, "rope_type": "linear", "factor": 4}, "rope_scaling": {}}, 5e5, 4),
        ({"rope_parameters": {"rope_theta": 5e5}, "rope_theta": 500000, "rope_scaling": None}, 5e5, 1),
        ({"rope_scaling": FULL, "rope_theta": 5e5}, 5e5, 32),
        ({"rope_scaling": FULL, "rope_parameters": {**FULL, "rope_theta": 5e5}, "rope_theta": 5e5}, 5e5, 32),
        ({"rope_scaling": LLAMA3, **ORIGINAL}, 1e4, 32),
        ({"rope_scaling": {"rope_type": "default", "factor": 1.0, "attention_factor": None}}, 1e4, 1),
        ({"rope_scaling": {"rope_type": "dynamic", "factor": 2.0}}, 1e4, 1),  # within the context
        ({"rope_scaling": {"rope_type": "dynamic", "factor": 2.0, **ORIGINAL}, "rope_theta": 1e4}, 1e4, 1),
        ({"rope_scaling": {"type": "linear", "factor": 2.0, **ORIGINAL}, **ORIGINAL}, 1e4, 2),
        (ORIGINAL, 1e4, 1),
    ],
)
def test_takes_settings_where_transformers_does(config: dict[str, object], theta: float, divisor: float) -> None:
    settings = rope(config)
    assert settings.theta == theta
    plain = theta ** (-np.arange(0, 128, 2) / 128)
    np.testing.assert_allclose(settings.inverse_frequencies(128)[-1], plain[-1] / divisor)


def test_llama3_without_the_original_length_takes_the_context() -> None:
    assert rope({"rope_scaling": LLAMA3}).inverse_frequencies(64).tolist() == (
        rope({"rope_scaling": {**LLAMA3, "original_max_position_embeddings": 131072}}).inverse_frequencies(64).tolist()
    )


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ({"rope_theta": 1e4, "rope_scaling": {"rope_type": "default", "rope_theta": 5e5}}, "disagree"),
        ({"rope_theta": 1e4, "rope_parameters": {"rope_type": "default", "rope_theta": 5e5}}, "disagree"),
        ({"rope_scaling": {"type": "linear", "factor": 2.0}, "rope_parameters": {"rope_type": "default"}}, "disagree"),
        ({"rope_scaling": {"type": "linear", "factor": 2.0}, "rope_parameters": {"type": "linear", "factor": 4.0}}, "disagree"),
        ({"rope_scaling": {"type": "linear", "rope_type": "default", "factor": 2.0}}, "disagree"),
        # transformers reads none of rope_parameters beside a rope_scaling
        ({"rope_scaling": {"type": "linear", "factor": 2.0}, "rope_parameters": {"rope_theta": 5e5}}, "disagree"),
        ({"rope_scaling": FULL, "original_max_position_embeddings": 4096}, "disagree"),
        ({"rope_scaling": {**LLAMA3, **ORIGINAL, "low_freq_factor": 4.0}}, "low_freq_factor"),
        ({"rope_scaling": {**LLAMA3, **ORIGINAL, "low_freq_factor": 5.0}}, "low_freq_factor"),
        ({"rope_scaling": {**LLAMA3, **ORIGINAL, "factor": 10**400}}, "factor"),
        ({"rope_scaling": {"rope_type": "linear", "factor": 0.5}}, "factor"),
        ({"rope_scaling": {"rope_type": "linear", "factor": 1e-300}}, "factor"),
        ({"rope_scaling": {"rope_type": "default", "factor": 2.0}}, "factor"),
        ({"rope_scaling": {"rope_type": ["linear"], "factor": 2.0}}, "kind"),
        ({"rope_theta": 10**400}, "rope_theta"),
        ({"rope_theta": 1e-300}, "rope_theta"),
        ({"rope_theta": 1e300}, "rope_theta"),
        ({"rope_theta": "ten thousand"}, "rope_theta"),
        ({"partial_rotary_factor": 0.5, "rope_scaling": {"rope_type": "linear", "factor": 2.0}}, "partial_rotary_factor"),
    ],
)
def test_stops_where_places_disagree_or_numbers_are_absurd(config: dict[str, object], word: str) -> None:
    with pytest.raises(UnsupportedArchitecture, match=word):
        rope(config)


def two_ropes(config: Mapping[str, object]) -> tuple[RopeSettings, RopeSettings]:
    read = Reader("gemma3_text", config, ())
    whole = read.layer_rope("full_attention", default_theta=1e6)
    local = read.layer_rope("sliding_attention", default_theta=1e4, theta_key="rope_local_base_freq", scaled=False)
    read.finish()
    return whole, local


@pytest.mark.parametrize(
    "config",
    [
        {"rope_theta": 2e6, "rope_local_base_freq": 2e4, "rope_scaling": {"rope_type": "linear", "factor": 8.0}},
        {
            "rope_parameters": {
                "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 2e6},
                "sliding_attention": {"rope_type": "default", "rope_theta": 2e4},
            }
        },
        {
            "rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8.0}, "sliding_attention": None},
            "rope_theta": 2e6,
            "rope_local_base_freq": 2e4,
        },
    ],
)
def test_each_kind_of_layer_has_its_rope(config: dict[str, object]) -> None:
    whole, local = two_ropes(config)
    assert (whole.theta, whole.kind, whole.values) == (2e6, "linear", {"factor": 8.0})
    assert (local.theta, local.kind) == (2e4, "default")


def test_an_old_name_of_a_kind_counts_where_transformers_looks_for_it() -> None:
    """Not in what is merged into an object of a kind of layers, which has one already."""
    old: dict[str, object] = {"type": "linear", "factor": 8.0}
    with pytest.warns(ModelWarning, match="'linear' as `type`"):
        assert two_ropes({"rope_scaling": old})[0].kind == "default"
    assert two_ropes({"rope_parameters": {"full_attention": old}})[0].kind == "linear"


def test_layer_ropes_have_defaults_and_refuse_what_is_not_asked_for() -> None:
    assert [settings.theta for settings in two_ropes({})] == [1e6, 1e4]
    for parameters in ({"rope_type": "linear", "factor": 8.0}, {"chunked_attention": {"rope_type": "default"}}, [1], {"full_attention": 3}):
        with pytest.raises(UnsupportedArchitecture, match="rope_parameters"):
            two_ropes({"rope_parameters": parameters})


@pytest.mark.parametrize(
    "change",
    [
        {"_attn_implementation_autoset": True},
        {"sliding_window": None},
        {"use_sliding_window": False},
        {"attention_bias": 0, "mlp_bias": 0},
        {"layer_types": ["full_attention", "full_attention"]},
        {"auto_map": {"AutoModel": "x.Y"}, "tokenizer_class": "LlamaTokenizer"},
        {"max_length": 20, "do_sample": True, "temperature": 0.6, "top_p": 0.9, "repetition_penalty": 1.1},
        {"id2label": {"0": "A"}, "label2id": {"A": 0}, "problem_type": None, "task_specific_params": None},
        {"quantization_config": None},
        {"use_bfloat16": False, "is_decoder": False, "is_encoder_decoder": False, "neftune_noise_alpha": None, "output_attentions": False},
        {"nobody_knows_this": None},
        {"resid_pdrop": 0.1, "embd_pdrop": 0.1, "hidden_dropout": 0.1, "attention_probs_dropout_prob": 0.1, "pretraining_tp": 2},
        {"max_sequence_length": 2048, "model_max_length": 4096, "tokenizer_padding_side": "right", "use_flash_attention": False},
        {"use_sliding_window": False, "sliding_window": 4096, "max_window_layers": 28},
        {"sliding_window": 131072},
        {"sliding_window": 0, "num_experts": 0, "num_nextn_predict_layers": 0, "output_router_logits": False, "router_aux_loss_coef": 0.01},
        {"bias": False, "qkv_bias": False, "use_qk_norm": False, "alibi": False, "lm_head_bias": False, "attn_temperature_tuning": False},
        {"embedding_multiplier": 1.0, "residual_multiplier": 1, "logits_scaling": 1.0, "rotary_pct": 1.0, "rope_type": "default"},
        {"mlp_only_layers": [], "no_rope_layers": [], "a_tool_left_this": {}, "per_layer_config": {}},
        {"layer_types": None, "sliding_window_pattern": None, "left_by_a_tool": ""},
        {"trust_remote_code": True, "_num_labels": 2, "num_logits_to_keep": 0, "logits_to_keep": 1, "kv_cache_dtype": "fp8_e5m2"},
        {"max_position_embeddings": 512.0},
        {"fp16": True, "seq_length": 2048, "n_ctx": 2048, "language": ["en"], "license": "mit", "summary_type": "cls_index", "seed": 1},
        {"use_flash_attention_2": True, "use_memory_efficient_attention": False, "use_sdpa": True, "use_xformers": None},
    ],
)
def test_bookkeeping_nulls_and_neutral_values_pass(change: dict[str, object]) -> None:
    rope(change)


@pytest.mark.parametrize(
    "change",
    [
        {"layer_types": ["full_attention", "sliding_attention"]},
        {"layer_types": [[]]},
        {"sliding_window": 4096},
        {"use_sliding_window": True},
        {"is_encoder_decoder": True},
        {"attn_logit_softcapping": 50.0},
        {"use_sliding_window": True, "sliding_window": 4096},
        {"use_qk_norm": True},
        {"num_experts": 8},
        {"embedding_multiplier": 12.0},
        {"no_rope_layers": [0, 1]},
        {"nobody\nknows\x1b[31m": 1},
    ],
)
def test_a_key_that_changes_the_mathematics_stops(change: dict[str, object]) -> None:
    with pytest.raises(UnsupportedArchitecture) as caught:
        rope(change)
    assert caught.value.message.isprintable()


def test_the_context_has_a_bound_of_its_own_and_so_have_layers() -> None:
    read = Reader("llama", {"max_position_embeddings": 4194304, "num_hidden_layers": 1025, "hidden_size": (1 << 20) + 1}, ())
    assert read.integer("max_position_embeddings") == 4194304
    for key in ("num_hidden_layers", "hidden_size"):
        with pytest.raises(UnsupportedArchitecture, match=key):
            read.integer(key)


NUMBERS = st.integers(-(10**400), 10**400) | st.floats(allow_nan=False)
INNER_KEYS = st.sampled_from([*FULL, "rope_theta", "type", "full_attention"])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=8) | st.just("llama3"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(INNER_KEYS, inner),
    max_leaves=8,
)
KEYS = ["rope_theta", "rope_scaling", "rope_parameters", "partial_rotary_factor", "max_position_embeddings", "rms_norm_eps", "layer_types"]


@given(st.dictionaries(st.sampled_from([*KEYS, *ORIGINAL]) | st.text(max_size=6), JSON, max_size=6))
def test_no_config_ends_in_anything_but_an_answer_or_its_error(config: dict[str, object]) -> None:
    config = json.loads(json.dumps(config))
    try:
        read = Reader("llama", config, ())
        read.integer("max_position_embeddings", default=8)
        read.number("rms_norm_eps", default=1e-5)
        read.layer_types(2, default=("full_attention",) * 2)
        settings = read.rope(default_theta=1e4)
        read.finish()
    except UnsupportedArchitecture:
        return
    assert np.isfinite(settings.inverse_frequencies(64)).all()


LONG: dict[str, object] = {"short_factor": [1.0, 1.5], "long_factor": [2, 4]}


def phi3(config: Mapping[str, object]) -> Rope:
    read = Reader("phi3", {"max_position_embeddings": 131072, **config}, ())
    read.integer("max_position_embeddings")
    found = Rope.of(read.rope(default_theta=10000.0, partial=True), 32)
    read.finish()
    return found


@pytest.mark.parametrize(
    "config",
    [
        {"rope_scaling": {"type": "longrope", **LONG}, "original_max_position_embeddings": 4096, "partial_rotary_factor": 0.125},
        {"rope_scaling": {"type": "su", **LONG}, "original_max_position_embeddings": 4096, "partial_rotary_factor": 0.125},
        {
            "rope_parameters": {
                "rope_type": "longrope",
                "rope_theta": 10000.0,
                "partial_rotary_factor": 0.125,
                "original_max_position_embeddings": 4096,
                "factor": 32.0,
                **LONG,
            }
        },
    ],
)
def test_longrope_has_a_table_for_long_sequences_and_scales_what_turns(config: dict[str, object]) -> None:
    found = phi3(config)
    still = (0.0,) * 14
    assert (found.inv_freq, found.turned) == ((1.0, 0.01 / 1.5, *still), 4)
    assert found.long_inv_freq == (0.5, 0.01 / 4, *still)
    assert found.scale == pytest.approx((1 + np.log(32) / np.log(4096)) ** 0.5)
    assert (found.at_length(4096), found.at_length(4097)) == (found.inv_freq, found.long_inv_freq)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"short_factor": None}, "short_factor"),
        ({"long_factor": [1.0, -1.0]}, "long_factor"),
        ({"long_factor": [1.0, "x"]}, "long_factor"),
        ({"long_factor": [1.0] * 600}, "long_factor"),
        ({"long_factor": [1.0] * 3}, "2 positive numbers"),
        ({"long_mscale": 1.2}, "long_mscale"),
        ({"original_max_position_embeddings": 8192}, "disagree"),
        ({"factor": 0.5}, "factor"),
        ({"partial_rotary_factor": 0.5}, "disagree"),
    ],
)
def test_longrope_that_says_something_else_is_refused(change: dict[str, object], words: str) -> None:
    scaling = {"type": "longrope", **LONG, **change}
    with pytest.raises(UnsupportedArchitecture) as error:
        phi3({"rope_scaling": scaling, "original_max_position_embeddings": 4096, "partial_rotary_factor": 0.125})
    assert words in f"{error.value.message} {error.value.hint}"


def test_heads_that_turn_in_part_are_for_families_that_have_them() -> None:
    """In others transformers takes no notice of it, of the default kind."""
    inside = {"partial_rotary_factor": 0.5, "rope_type": "default", "rope_theta": 1e4}
    for config in ({"partial_rotary_factor": 0.5}, {"rope_parameters": inside}):
        with pytest.warns(ModelWarning, match="all of a head turns in a llama model"):
            assert rope(config).partial == 1
    with pytest.warns(ModelWarning, match="all of a head turns"):
        assert two_ropes({"rope_parameters": {"full_attention": inside}})[0].partial == 1


def test_a_part_that_is_null_is_no_default() -> None:
    config = json.loads((FIXTURES / "tiny-glm" / "config.json").read_text("utf-8"))
    absent = {key: value for key, value in config.items() if key != "partial_rotary_factor"}
    half, whole = (read_model("a model", {**absent, **said}).description for said in ({}, {"partial_rotary_factor": None}))
    assert half == read_model("a model", {**absent, "partial_rotary_factor": 0.5}).description
    assert whole == read_model("a model", {**absent, "partial_rotary_factor": 1.0}).description != half


def test_a_kind_of_layers_may_have_a_rope_where_there_are_none_of_it() -> None:
    """As in the fixture's config, whose layers are of two kinds."""
    config = json.loads((FIXTURES / "tiny-gemma4_text" / "config.json").read_text("utf-8"))
    read_model("a model", {**config, "layer_types": ["full_attention"] * 6, "num_kv_shared_layers": 0})


def test_how_much_of_a_head_turns_is_read_where_transformers_does() -> None:
    """Of GPT-NeoX not from beside the rope's objects, where it would say nothing."""
    config = json.loads((FIXTURES / "tiny-gpt_neox" / "config.json").read_text("utf-8"))
    with pytest.raises(UnsupportedArchitecture, match="partial_rotary_factor"):
        read_model("a model", {**config, "partial_rotary_factor": 0.5})
    read_model("a model", {**config, "partial_rotary_factor": config["rotary_pct"]})


def test_in_proportion_a_part_of_a_head_turns_as_in_a_head_that_turns_whole() -> None:
    settings = rope({"rope_parameters": {"rope_type": "proportional", "partial_rotary_factor": 0.25, "rope_theta": 1e6}})
    turn = Rope.of(settings, 64)
    np.testing.assert_allclose(turn.inv_freq, [*(1e6 ** (-2 * i / 64) for i in range(8)), *[0] * 24])
    assert turn.turned == 64, "pairs lie half a head apart, and not half of what turns"
    assert Rope.of(rope({"rope_parameters": {"rope_theta": 1e6}}), 64).turned == 64


# As transformers' configs, of which some have a rope of their own where a file has none.
@pytest.mark.parametrize(
    ("family", "given", "theta", "scale"),
    [
        ("gpt_oss", {}, 150000.0, 1 + 0.1 * np.log(32)),
        ("gpt_oss", {"rope_parameters": None}, 150000.0, 1 + 0.1 * np.log(32)),
        ("gpt_oss", {"rope_parameters": {"rope_type": "default"}}, 150000.0, 1.0),
        ("gpt_oss", {"rope_scaling": {"rope_type": "linear", "factor": 2.0}, "rope_theta": 5e5}, 5e5, 1.0),
        ("ministral3", {"rope_parameters": None}, 1e6, 1.0),
        ("qwen3", {"rope_parameters": None, "rope_theta": 5e5}, 5e5, 1.0),
        ("qwen3", {"rope_scaling": {"type": "yarn", "factor": 4.0, **ORIGINAL, "attn_factor": 0.9}}, 1e4, 1.1386),
        ("smollm3", {}, 2e6, 1.0),
    ],
)
def test_a_family_takes_its_own_rope_where_a_config_has_none(family: str, given: dict[str, object], theta: float, scale: float) -> None:
    config = json.loads((FIXTURES / f"tiny-{family}" / "config.json").read_text("utf-8"))
    bare = {key: value for key, value in config.items() if not key.startswith("rope_")}
    rope = read_model("a model", {**bare, "max_position_embeddings": 131072, **given}).ropes[0]
    plain = RopeSettings(theta).inverse_frequencies(2 * len(rope.inv_freq))
    factor = 2 if "linear" in str(given) else 1
    assert rope.scale == pytest.approx(scale, rel=1e-4) and rope.inv_freq[:2] == pytest.approx(plain[:2] / factor)


KINDS: dict[str, dict[str, object]] = {
    "linear": {"type": "linear", "factor": 2.0},
    "dynamic": {"rope_type": "dynamic", "factor": 2.0},
    "yarn": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64},
    "llama3": {**LLAMA3, "original_max_position_embeddings": 64},
}
ALL_FAMILIES = {name: recipe["config"] for name, recipe in RECIPES.items() if "-" not in name and "text_config" not in recipe["config"]}
# Gemma 4 has ropes by layers alone, Phi-3 a length of its own, BERT and GPT-2 none.
TURNING = [family for family in ALL_FAMILIES if family not in ("bert", "gpt2", "xlm-roberta", "gemma4_text", "phi3")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", TURNING)
def test_every_family_takes_every_kind_of_rope(family: str, kind: str) -> None:
    config = {key: value for key, value in ALL_FAMILIES[family].items() if key not in ("rope_parameters", "rope_scaling")}
    assert read_model(family, {**config, "rope_scaling": KINDS[kind]}).ropes
    assert read_model(family, {**config, "rope_scaling": None, "rope_parameters": None}).ropes
