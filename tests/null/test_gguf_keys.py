"""What a GGUF says is computed or refused, and what it does not say is as llama.cpp takes it (load_arch_hparams of src/models)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tiny_models import hugging_face_weights, write_gguf

from families import TOKENS, open_tiny, reference
from webllm_build.errors import MalformedFile, ModelWarning, UnsupportedArchitecture
from webllm_build.model import load_model
from webllm_build.model.gemma2 import GGUF_KEYS as OF_GEMMA_2
from webllm_build.model.gguf import hugging_face_config
from webllm_build.model.numpy_operators import NumpyOperators
from webllm_build.model.state import Pages
from webllm_build.source.checkpoint import Checkpoint, Tensor
from webllm_build.source.gguf import open_gguf

Said = Mapping[str, object]
FULL, PATTERN, SWA = "rope.freq_base", "attention.sliding_window_pattern", "rope.freq_base_swa"


def saying(checkpoint: Checkpoint, said: Said) -> Checkpoint:
    """With these of the architecture's keys; None: without."""
    prefix = f"{checkpoint.config['general.architecture']}."
    config = {**checkpoint.config, **{prefix + key: value for key, value in said.items()}}
    return replace(checkpoint, config={key: value for key, value in config.items() if value is not None})


def tiny(family: str, tmp_path: Path) -> Checkpoint:
    return (
        open_gguf(write_gguf(tmp_path / "tiny.gguf", hugging_face_weights())) if family == "tiny" else open_tiny(family, "gguf", tmp_path)
    )


def outputs(checkpoint: Checkpoint) -> npt.NDArray[np.floating[Any]]:
    model = load_model(checkpoint)
    operators = NumpyOperators(checkpoint, model.norm_eps, [token % model.vocab_size for token in TOKENS])
    states = model.hidden(operators)
    return model.normed(operators, states) if model.head is None else model.logits(operators, states)


@pytest.mark.parametrize(
    ("family", "said", "meant"),
    [
        ("cohere", {"logit_scale": None}, {"logit_scale": 1.0}),
        (
            "gemma2",
            {"attn_logit_softcapping": None, "final_logit_softcapping": None},
            {"attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0},
        ),
        ("gemma4_text", {"final_logit_softcapping": None}, {"final_logit_softcapping": 30.0}),
        ("granite", {"attention.scale": None}, {"attention.scale": 32**-0.5}),
        ("granitemoehybrid", {"attention.scale": None}, {"attention.scale": 32**-0.5}),
        ("modernbert", {FULL: None}, {FULL: 10000.0}),
        ("olmo3", {FULL: 777.0, SWA: None}, {FULL: 777.0, SWA: 777.0}),
        ("gpt_oss", {"rope.scaling.factor": None}, {"rope.scaling.type": "none", "rope.scaling.factor": None}),
        ("gpt_oss", {"rope.scaling.factor": 0.0}, {"rope.scaling.type": "none", "rope.scaling.factor": None}),
    ],
)
def test_what_a_file_lacks_is_as_llama_cpp_takes_it(tmp_path: Path, family: str, said: Said, meant: Said) -> None:
    checkpoint = tiny(family, tmp_path)
    found = outputs(saying(checkpoint, said))
    np.testing.assert_allclose(found, outputs(saying(checkpoint, meant)), rtol=1e-6, atol=1e-7)
    assert not np.allclose(found, outputs(checkpoint), rtol=1e-3)


@pytest.mark.parametrize(
    ("family", "said", "meant"),
    [
        ("cohere2", {PATTERN: 2}, {PATTERN: [True, False, True, False]}),
        ("gemma2", {PATTERN: 1}, {"attention.sliding_window": 0}),
        ("gemma2", {PATTERN: [False, True]}, {PATTERN: np.array([0, 1])}),
        ("gemma3_text", {"final_logit_softcapping": 0.5}, {"final_logit_softcapping": 0.5, "attention.scale": 0.0}),
        ("gpt_oss", {PATTERN: 1}, {PATTERN: [False, False]}),
        ("granite_swa-turning", {"attention.rope_pattern": [False] * 4}, {"attention.rope_pattern": np.zeros(4, np.bool_), FULL: 2.0}),
        ("gpt_oss", {"rope.scaling.attn_factor": 2}, {"rope.scaling.attn_factor": 2.0}),
        ("modernbert", {PATTERN: [True, False, True, False]}, {PATTERN: np.array([1, 0, 1, 0], np.uint32)}),
    ],
)
def test_what_llama_cpp_reads_is_computed(tmp_path: Path, family: str, said: Said, meant: Said) -> None:
    checkpoint = tiny(family, tmp_path)
    found = outputs(saying(checkpoint, said))
    np.testing.assert_array_equal(found, outputs(saying(checkpoint, meant)))
    assert not np.allclose(found, outputs(checkpoint), rtol=1e-3)


@pytest.mark.parametrize(
    ("family", "said"),
    [
        ("bert", {"attention.key_length": 32, "attention.value_length": 32}),
        ("gemma3_text-vectors", {"attention.causal": False}),
        ("cohere2", {PATTERN: 4, SWA: 50000.0}),
        ("gemma2", {PATTERN: 2, SWA: 10000.0}),
        ("gemma3_text", {"final_logit_softcapping": 0.0}),
        ("hunyuan_v1_dense", {"expert_count": 1, "expert_used_count": 1}),
        ("phi3", {"rope.scaling.factor": 1.0}),
        ("stablelm", {"use_parallel_residual": True}),  # as converters say where a config.json says nothing
        ("stablelm-head_norms", {"use_parallel_residual": False}),
    ],
)
def test_what_changes_nothing_passes(tmp_path: Path, family: str, said: Said) -> None:
    checkpoint = tiny(family, tmp_path)
    np.testing.assert_array_equal(outputs(saying(checkpoint, said)), outputs(checkpoint))


@pytest.mark.parametrize(
    ("family", "key"),
    [("granite", "residual_scale"), ("granite", "embedding_scale"), ("granite", "attention.scale"), ("olmo", "attention.clamp_kqv")],
)
def test_a_factor_of_0_is_none(tmp_path: Path, family: str, key: str) -> None:
    checkpoint = tiny(family, tmp_path)
    np.testing.assert_array_equal(outputs(saying(checkpoint, {key: 0.0})), outputs(saying(checkpoint, {key: None})))


@pytest.mark.parametrize(
    ("family", "said", "words"),
    [
        ("cohere2", {SWA: 9.0}, r"cohere2\.rope\.freq_base_swa = 9\.0"),
        ("phi3", {"rope.scaling.factor": 4.0}, r"phi3\.rope\.scaling\.factor = 4\.0"),
        ("tiny", {"expert_count": 2}, "expert_count = 2"),
        ("modernbert", {"attention.causal": True}, "attention.causal is True"),
        ("granitemoehybrid", {"ssm.inner_size": 129}, "mamba_expand"),
        ("qwen3_5_text", {"ssm.inner_size": 129}, "linear_value_head_dim"),
        ("phi3", {"rope.scaling.type": "yarn"}, "yarn"),
    ],
)
def test_what_is_not_computed_is_refused(tmp_path: Path, family: str, said: Said, words: str) -> None:
    with pytest.raises(UnsupportedArchitecture, match=words):
        load_model(saying(tiny(family, tmp_path), said))


@pytest.mark.parametrize(
    ("family", "key"),
    [
        ("bert", "attention.layer_norm_epsilon"),
        ("gpt2", "attention.layer_norm_epsilon"),
        ("lfm2", "attention.layer_norm_rms_epsilon"),
        ("lfm2", "context_length"),
        ("lfm2", "shortconv.l_cache"),
        ("cohere2", "logit_scale"),
        ("granite", "logit_scale"),
        ("granitemoe", "logit_scale"),
        ("gemma4_text", PATTERN),
        ("gpt_neox", "use_parallel_residual"),
        ("gpt_oss", "expert_used_count"),
        ("lfm2_moe", "expert_used_count"),
        ("lfm2_moe", "expert_gating_func"),
        ("falcon_h1", "ssm.group_count"),
        ("qwen3_5_text", "ssm.state_size"),
    ],
)
def test_what_llama_cpp_demands_is_demanded(tmp_path: Path, family: str, key: str) -> None:
    with pytest.raises(MalformedFile, match=rf"does not say .*\.{key}"):
        load_model(saying(tiny(family, tmp_path), {key: None}))


def test_all_layers_have_experts_where_a_file_names_none_that_have_not(tmp_path: Path) -> None:
    with pytest.raises(MalformedFile, match=r"blk\.0\.ffn_gate_inp\.weight"):
        load_model(saying(tiny("lfm2_moe", tmp_path), {"leading_dense_block_count": None}))


@pytest.mark.parametrize(
    ("family", "key", "value", "words"),
    [
        ("granitemoehybrid", "attention.head_count_kv", 1, r"blk\.0\.attn_k\.weight"),
        ("qwen3_5_text", "attention.recurrent_layers", False, r"blk\.0\.attn_qkv\.weight is"),
        ("qwen3_5_text", "attention.recurrent_layers", True, r"ssm_conv1d\.weight"),
    ],
)
def test_one_value_is_that_of_all_layers(tmp_path: Path, family: str, key: str, value: object, words: str) -> None:
    """Also where there is one for each, and all are equal: these files have layers of two kinds."""
    checkpoint = tiny(family, tmp_path)
    for said in (value, [value] * len(np.atleast_1d(np.array(checkpoint.config[f"{checkpoint.config['general.architecture']}.{key}"])))):
        with pytest.raises(MalformedFile, match=words):
            load_model(saying(checkpoint, {key: said}))


def test_scores_are_scaled_by_the_size_of_heads(tmp_path: Path) -> None:
    """Which follows from others where the file does not say it."""
    checkpoint = saying(tiny("gemma2", tmp_path), {"attention.key_length": None, "attention.value_length": None})
    config = hugging_face_config(checkpoint, "gemma2", OF_GEMMA_2, {})
    assert (config["head_dim"], config["query_pre_attn_scalar"]) == (16, 16)


def test_glm_4_has_biases_where_a_file_has(tmp_path: Path) -> None:
    """As 9B of May 2025 has none, though there are in what transformers takes for its config."""
    checkpoint = tiny("glm4", tmp_path)
    without = {name: tensor for name, tensor in checkpoint.tensors.items() if not re.search(r"attn_[qkv]\.bias", name)}
    names = {weight.name for weight in load_model(replace(checkpoint, tensors=without)).weights}
    assert "layers.0.qkv_bias" in {weight.name for weight in load_model(checkpoint).weights} - names


def test_exaone_4_of_64_layers_has_windows(tmp_path: Path) -> None:
    """Which other files without a word of them have not."""
    said = {"attention.sliding_window": None, PATTERN: None, "context_length": 8192}
    tiny_one = saying(tiny("exaone4", tmp_path), said)
    first = {name.removeprefix("blk.0."): tensor for name, tensor in tiny_one.tensors.items() if name.startswith("blk.0.")}
    more = {f"blk.{layer}.{name}": tensor for layer in range(64) for name, tensor in first.items()}
    large = saying(replace(tiny_one, tensors={**tiny_one.tensors, **more}), {"block_count": 64})
    models = load_model(large), load_model(tiny_one)
    windows = [[state.window for layer in model.layers for state in layer.states if isinstance(state, Pages)] for model in models]
    assert windows == [[4096, 4096, 4096, None] * 16, [None] * 4]


@pytest.mark.parametrize("family", ["gemma3_text", "bert", "gpt2"])
def test_divisors_that_nobody_takes_are_refused(tmp_path: Path, family: str) -> None:
    checkpoint = tiny(family, tmp_path)
    divisors = Tensor.of("rope_freqs.weight", (16,), "f32", np.full((1, 16), 2, np.float32).view(np.uint8))
    with pytest.raises(UnsupportedArchitecture, match="divides rotary frequencies"):
        load_model(replace(checkpoint, tensors={**checkpoint.tensors, divisors.name: divisors}))


@pytest.mark.parametrize("kind", [0, 2**32 - 1])
def test_a_text_model_that_names_no_pooling_chats(tmp_path: Path, kind: int) -> None:
    assert open_gguf(write_gguf(tmp_path / "tiny.gguf", hugging_face_weights(), metadata={"llama.pooling_type": kind})).embedding is None


def test_an_unknown_pooling_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedArchitecture, match="pooling_type 7") as caught:
        open_gguf(write_gguf(tmp_path / "tiny.gguf", hugging_face_weights(), metadata={"llama.pooling_type": 7}))
    assert "3 (last)" in caught.value.hint


def test_other_ways_to_draw_tokens_are_told(tmp_path: Path) -> None:
    said = {"general.sampling.temp": 0.5, "general.sampling.mirostat": 2, "general.sampling.xtc_probability": 0.0}
    with pytest.warns(ModelWarning, match="mirostat = 2") as told:
        checkpoint = open_gguf(write_gguf(tmp_path / "tiny.gguf", hugging_face_weights(), metadata=said))
    assert checkpoint.sampling == {"temperature": 0.5} and len(told) == 1


def test_granite_turns_unless_the_file_says_that_it_does_not(tmp_path: Path) -> None:
    checkpoint = tiny("granite", tmp_path)
    still = load_model(saying(checkpoint, {"rope.scaling.finetuned": False}))
    assert {rope.inv_freq for rope in still.ropes} == {(0.0,) * 16}
    np.testing.assert_array_equal(outputs(saying(checkpoint, {"rope.scaling.finetuned": True})), outputs(checkpoint))


@pytest.mark.parametrize("sections", [[4, 4, 0, 0], [2, 2, 2, 2]])
def test_glm_4_of_a_model_that_sees_has_its_rows_in_halves(tmp_path: Path, sections: list[int]) -> None:
    """As its converter puts them: the first elements of all pairs that turn, then the second ones."""
    checkpoint = tiny("glm4", tmp_path)
    head_dim, turned = (int(str(checkpoint.config[f"glm4.{key}"])) for key in ("attention.key_length", "rope.dimension_count"))

    def in_halves(tensor: Tensor) -> Tensor:
        rows = np.arange(tensor.shape[0]).reshape(-1, head_dim)
        order = np.concatenate([rows[:, 0:turned:2], rows[:, 1:turned:2], rows[:, turned:]], axis=1).ravel()
        values = np.ascontiguousarray(tensor.dequantize()[order], np.float32)
        return Tensor.of(tensor.name, tensor.shape, "f32", values.reshape(-1, values.shape[-1]).view(np.uint8))

    moved = {name: in_halves(tensor) if ".attn_q." in name or ".attn_k." in name else tensor for name, tensor in checkpoint.tensors.items()}
    found = outputs(saying(replace(checkpoint, tensors=moved), {"rope.dimension_sections": sections}))
    assert np.linalg.norm(found - reference("glm4")) < 1e-5 * np.linalg.norm(reference("glm4"))
    np.testing.assert_array_equal(outputs(saying(checkpoint, {"rope.dimension_sections": [4, 0, 0, 0]})), outputs(checkpoint))
