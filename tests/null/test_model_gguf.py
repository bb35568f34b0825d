"""What a GGUF's metadata and tensors mean: keys, names and row order of each architecture."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import pytest
from tiny_models import KV_HEADS, hugging_face_weights, write_gguf

from families import TOKENS, open_tiny, reference
from webllm_build.errors import MalformedFile, SourceError, UnsupportedArchitecture, WebllmBuildError
from webllm_build.model import load_model
from webllm_build.model.attention import Rope
from webllm_build.model.decoder import Decoder
from webllm_build.model.numpy_operators import NumpyOperators
from webllm_build.model.state import Pages
from webllm_build.model.weights import Source
from webllm_build.source.checkpoint import Checkpoint, Tensor
from webllm_build.source.gguf import open_gguf

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"


def tensors(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """What the model reads, by the names of Hugging Face."""
    sources = [source for weight in load_model(checkpoint).weights for source in weight.sources]
    return {source.in_files["hugging_face"].name: source.tensor(checkpoint) for source in sources if isinstance(source, Source)}


def model_of(path: Path, metadata: dict[str, object], *, tied: bool = False, architecture: str = "llama") -> Decoder:
    file = write_gguf(path / "tiny.gguf", hugging_face_weights(tied=tied), metadata=metadata, architecture=architecture)
    return load_model(open_gguf(file))


def test_float_weights_come_back_by_name_and_in_hugging_face_row_order(tmp_path: Path) -> None:
    weights = hugging_face_weights()
    found = tensors(open_gguf(write_gguf(tmp_path / "tiny.gguf", weights)))
    assert set(found) == set(weights)
    for name, expected in weights.items():
        assert found[name].shape == expected.shape
        np.testing.assert_array_equal(found[name].dequantize(), expected)


@pytest.mark.parametrize("encoding", ["f16", "bf16", "q4_0", "q4_1", "q8_0"])
def test_rows_stay_whole_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    """Row order is undone on encoded bytes: each row must hold what the encoder made of the row before it was moved."""
    weights = hugging_face_weights()
    found = tensors(open_gguf(write_gguf(tmp_path / "tiny.gguf", weights, encoding=encoding)))
    kind = gguf.GGMLQuantizationType[encoding.upper()]
    for name, value in weights.items():
        if value.ndim == 2:
            assert found[name].encoding == encoding
            encoded = gguf.quantize(value, kind)
            np.testing.assert_array_equal(found[name].read(), encoded.view(np.uint8).reshape(value.shape[0], -1))
            np.testing.assert_array_equal(found[name].dequantize(), gguf.dequantize(encoded, kind))


def test_metadata_describes_the_model(tmp_path: Path) -> None:
    model = model_of(tmp_path, {})
    assert (model.vocab_size, model.hidden_size, model.context_length, model.norm_eps) == (40, 128, 256, 1e-5)
    assert model.states == (Pages("kv0", 4, KV_HEADS, 32), Pages("kv1", 4, KV_HEADS, 32))
    assert model.ropes == (Rope(tuple(10000.0 ** (-np.arange(16) / 16))),)
    assert not model.tied


def test_without_an_output_matrix_the_embeddings_are_tied(tmp_path: Path) -> None:
    assert model_of(tmp_path, {}, tied=True).tied


def test_llama_3_rope_factors_divide_the_frequencies(tmp_path: Path) -> None:
    factors = np.linspace(1, 32, 16, dtype=np.float32)
    path = write_gguf(tmp_path / "tiny.gguf", hugging_face_weights(), tensors={"rope_freqs.weight": factors})
    (rope,) = load_model(open_gguf(path)).ropes
    np.testing.assert_allclose(rope.inv_freq, 10000.0 ** (-np.arange(16) / 16) / factors, rtol=1e-12)


@pytest.mark.parametrize(
    "scaling",
    [
        {"llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 4.0},
        {"llama.rope.scale_linear": 4.0},
        {"llama.rope.scaling.factor": 4.0, "llama.rope.scaling.finetuned": True},
    ],
)
def test_linear_scaling_in_new_and_early_files(tmp_path: Path, scaling: dict[str, object]) -> None:
    (rope,) = model_of(tmp_path, scaling).ropes
    np.testing.assert_allclose(rope.inv_freq, 10000.0 ** (-np.arange(16) / 16) / 4, rtol=1e-12)


@pytest.mark.parametrize(
    "metadata",
    [
        {"llama.rope.scale_linear": 1.0},
        {"llama.rope.scaling.type": "none", "llama.rope.scaling.attn_factor": 1.0},
        {"llama.rope.scaling.type": "linear"},
        {"llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 0.0},
        {"llama.tensor_data_layout": "Meta AI original pth"},
        {"llama.attention.sliding_window": 0},
        {"llama.attention.sliding_window": 256},  # as long as the context
        {"llama.expert_count": 0, "llama.expert_used_count": 0},
        {"llama.attention.value_length": 32, "llama.rope.dimension_count": 32},
        {"llama.attention.causal": True},
        {"llama.logit_scale": 0.0, "llama.residual_scale": 1.0, "llama.attention.scale": 0.0, "llama.use_parallel_residual": False},
        {"llama.attention.layer_norm_epsilon": 1e-5, "llama.leading_dense_block_count": 0},
        {"llama.rope.scaling.type": "none", "llama.rope.scaling.yarn_beta_fast": 32.0, "llama.rope.scaling.yarn_beta_slow": 1.0},
        {"llama.embedding_length_out": 128, "llama.attention.sliding_window_pattern": [], "llama.some_flags": [False, False]},
        {"llama.attention.q_lora_rank": 0, "llama.interleave_moe_layer_step": 0, "llama.swin_norm": False, "llama.ssm.conv_kernel": 0},
    ],
)
def test_metadata_that_asks_for_nothing_passes(tmp_path: Path, metadata: dict[str, object]) -> None:
    assert model_of(tmp_path, metadata).ropes == model_of(tmp_path, {}).ropes


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"llama.expert_count": 8}, "expert_count = 8"),
        ({"llama.rope.dimension_count": 8}, "dimension_count = 8"),
        ({"llama.logit_scale": 0.5}, "logit_scale = 0.5"),
        ({"llama.attention.sliding_window": 128}, "sliding_window = 128"),
        ({"llama.attention.causal": False}, "causal = False"),
        ({"llama.attention.value_length": 0}, "value_length = 0"),
        ({"llama.rope.scaling.type": "dynamic", "llama.rope.scaling.factor": 4.0}, "dynamic"),
        ({"llama.rope.scaling.type": 7}, "7"),
        ({"llama.sections": [1, 2]}, "sections = a list"),
        ({"llama.block_count": 1 << 20}, r"llama\.block_count is 1048576"),
    ],
)
def test_metadata_that_would_change_the_mathematics_is_refused(tmp_path: Path, metadata: dict[str, object], words: str) -> None:
    """Written last, as the writer refuses a key twice."""
    checkpoint = open_gguf(write_gguf(tmp_path / "tiny.gguf", hugging_face_weights()))
    with pytest.raises(UnsupportedArchitecture, match=words) as caught:
        load_model(replace(checkpoint, config={**checkpoint.config, **metadata}))
    assert caught.value.hint


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("tiny-*/model.gguf")), ids=lambda path: path.parent.name)
def test_no_array_escapes_as_another_error(path: Path) -> None:
    """In the place of any value: empty, of another length, of more than any model has layers."""
    checkpoint = open_gguf(path)
    arrays = itertools.cycle([np.array([], np.int32), np.array([3, 1], np.uint32), np.arange(3000)])
    for key in (key for key in checkpoint.config if not key.startswith("general.")):
        with suppress(WebllmBuildError):
            load_model(replace(checkpoint, config={**checkpoint.config, key: next(arrays)}))


@pytest.mark.parametrize("key", ["attention.sliding_window", "rope.scaling.type", "attention.scale"])
def test_an_array_longer_than_any_model_is_told(tmp_path: Path, key: str) -> None:
    checkpoint = open_gguf(write_gguf(tmp_path / "tiny.gguf", hugging_face_weights()))
    with pytest.raises(UnsupportedArchitecture, match="3000 values"):
        load_model(replace(checkpoint, config={**checkpoint.config, f"llama.{key}": np.zeros(3000)}))


def test_a_list_of_one_number_for_all_layers_is_that_number(tmp_path: Path) -> None:
    checkpoint = open_gguf(write_gguf(tmp_path / "tiny.gguf", hugging_face_weights()))
    for key, numbers in {"attention.head_count_kv": [KV_HEADS] * 2, "feed_forward_length": [96, 96]}.items():
        changed = {**checkpoint.config, f"llama.{key}": np.array(numbers, np.int32)}
        assert load_model(replace(checkpoint, config=changed)).description == load_model(checkpoint).description
    changed = {**checkpoint.config, "llama.attention.head_count_kv": np.array([2, 4], np.int32)}
    with pytest.raises(UnsupportedArchitecture, match=r"llama\.attention\.head_count_kv"):
        load_model(replace(checkpoint, config=changed))


def test_what_a_file_does_not_say_is_as_llama_cpp_takes_it(tmp_path: Path) -> None:
    """And not as the Hugging Face library does, whose defaults are others for some families."""
    checkpoint = open_gguf(FIXTURES / "tiny-gemma3_text" / "model.gguf")
    keys = {"gemma3.rope.freq_base", "gemma3.rope.scaling.type", "gemma3.rope.scaling.factor", "gemma3.attention.sliding_window"}
    model = load_model(replace(checkpoint, config={key: value for key, value in checkpoint.config.items() if key not in keys}))
    (rope,) = model.ropes
    np.testing.assert_allclose(rope.inv_freq, 10000.0 ** (-np.arange(16) / 16), rtol=1e-12)
    assert {state.window for state in model.states if isinstance(state, Pages)} == {None}
    heads = {"gemma3.attention.head_count_kv"}
    with pytest.raises(MalformedFile, match=r"attn_k\.weight is \[64, 64\], and not \[128, 64\]"):
        load_model(replace(checkpoint, config={key: value for key, value in checkpoint.config.items() if key not in heads}))


@pytest.mark.parametrize(("said", "windows"), [({}, {4096, None}), ({"gemma2.attention.sliding_window": 0}, {None})])
def test_the_first_files_of_gemma_2_have_its_window(said: dict[str, object], windows: set[int | None]) -> None:
    checkpoint = open_gguf(FIXTURES / "tiny-gemma2" / "model.gguf")
    kept = {key: value for key, value in checkpoint.config.items() if key != "gemma2.attention.sliding_window"}
    model = load_model(replace(checkpoint, config={**kept, "gemma2.context_length": 8192, **said}))
    assert {state.window for state in model.states if isinstance(state, Pages)} == windows


@pytest.mark.parametrize("family", ["cohere2", "gemma4_text", "gpt_oss"])
def test_layers_that_slide_have_a_window(family: str) -> None:
    checkpoint = open_gguf(FIXTURES / f"tiny-{family}" / "model.gguf")
    kept = {key: value for key, value in checkpoint.config.items() if not key.endswith(".attention.sliding_window")}
    for said in ({}, {f"{checkpoint.config['general.architecture']}.attention.sliding_window": 0}):
        with pytest.raises(MalformedFile, match=r"does not say .*\.attention\.sliding_window"):
            load_model(replace(checkpoint, config={**kept, **said}))


def test_rope_factors_are_few(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "tiny.gguf", hugging_face_weights(), tensors={"rope_freqs.weight": np.ones(257, np.float32)})
    with pytest.raises(MalformedFile, match="rope_freqs"):
        load_model(open_gguf(path))


@pytest.mark.parametrize(("said", "there"), [({"llama.rope.scaling.type": "longrope"}, ()), ({}, ("rope_factors_long.weight",))])
def test_longrope_has_both_lists_of_factors(tmp_path: Path, said: dict[str, object], there: tuple[str, ...]) -> None:
    path = write_gguf(tmp_path / "tiny.gguf", hugging_face_weights(), tensors={name: np.ones(16, np.float32) for name in there})
    checkpoint = open_gguf(path)
    with pytest.raises(MalformedFile, match=r"LongRoPE, and no tensor rope_factors_short\.weight"):
        load_model(replace(checkpoint, config={**checkpoint.config, **said}))


def test_missing_metadata_is_named_as_in_the_file(tmp_path: Path) -> None:
    checkpoint = open_gguf(write_gguf(tmp_path / "tiny.gguf", hugging_face_weights()))
    config = {key: value for key, value in checkpoint.config.items() if key != "llama.block_count"}
    with pytest.raises(UnsupportedArchitecture, match=r"llama\.block_count is missing"):
        load_model(replace(checkpoint, config=config))


def test_another_architecture_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedArchitecture, match="mamba"):
        model_of(tmp_path, {}, architecture="mamba")


def test_tensors_must_have_the_heads_that_the_metadata_says(tmp_path: Path) -> None:
    weights = hugging_face_weights()
    weights["model.layers.1.self_attn.v_proj.weight"] = weights["model.layers.1.self_attn.v_proj.weight"][:30]
    extra = {"blk.2.attn_k.weight": np.zeros((30, 128), np.float32), "blk.0.attn_norm.bias": np.zeros(128, np.float32)}
    checkpoint = open_gguf(write_gguf(tmp_path / "tiny.gguf", weights, tensors=extra))
    with pytest.raises(MalformedFile) as caught:
        load_model(checkpoint)
    for words in ("attn_v.weight is [30, 128], and not [64, 128]", "left over: blk.0.attn_norm.bias", "left over: blk.2.attn_k.weight"):
        assert words in caught.value.message


def test_a_vector_in_blocks_is_refused(tmp_path: Path) -> None:
    checkpoint = open_gguf(write_gguf(tmp_path / "tiny.gguf", hugging_face_weights()))
    norm = replace(checkpoint.tensors["output_norm.weight"], encoding="q8_0")
    with pytest.raises(SourceError, match="vector in q8_0"):
        load_model(replace(checkpoint, tensors={**checkpoint.tensors, "output_norm.weight": norm}))


@pytest.mark.parametrize(("factor", "scale"), [(None, 1.0), (0.5, 0.5), (1.0, 1.0)])
def test_yarn_scales_what_turns_as_llama_cpp_does(tmp_path: Path, factor: float | None, scale: float) -> None:
    given = {"type": "yarn", "factor": 4.0, "original_context_length": 64, "yarn_attn_factor": 0.8}
    given |= {} if factor is None else {"attn_factor": factor}
    (rope,) = model_of(tmp_path, {f"llama.rope.scaling.{key}": value for key, value in given.items()}).ropes
    assert rope.scale == pytest.approx(scale * (1 + 0.1 * np.log(4)))


def test_layers_behind_the_pooling_are_read(tmp_path: Path) -> None:
    dense = {"dense_2.weight": np.zeros((64, 128), np.float32), "dense_3.weight": np.zeros((32, 64), np.float32)}
    keys = {"llama.pooling_type": 1, "llama.dense_2_feat_in": 128, "llama.dense_2_feat_out": 64}
    file = write_gguf(tmp_path / "tiny.gguf", hugging_face_weights(), metadata=keys, tensors=dense)
    model = load_model(open_gguf(file))
    assert model.dimensions == 32 and {"dense0", "dense1"} <= {weight.name for weight in model.weights}


def joined(tensors: Mapping[str, Tensor], parts: Sequence[str], whole: str) -> dict[str, Tensor]:
    """As converters write them that are told to (--fuse-qkv, --fuse-gate-up-exps): rows below each other, of each expert."""
    made = dict(tensors)
    for layer in range(8):
        for end in (".weight", ".bias"):
            names = [f"blk.{layer}.{part}{end}" for part in parts]
            if all(name in tensors for name in names):
                values = np.concatenate([made.pop(name).dequantize() for name in names], axis=-2 if end == ".weight" else 0)
                name = f"blk.{layer}.{whole}{end}"
                made[name] = Tensor.of(name, values.shape, "f32", values.reshape(-1, values.shape[-1]).view(np.uint8))
    return made


JOINING = ("llama-biased", "stablelm", "qwen2", "qwen3", "gemma3_text", "ernie4_5", "qwen3_moe", "qwen3_5_moe_text")


@pytest.mark.parametrize("family", JOINING)
def test_what_a_converter_may_join_is_taken_apart(tmp_path: Path, family: str) -> None:
    checkpoint = open_tiny(family, "gguf", tmp_path)
    whole = joined(checkpoint.tensors, ("attn_q", "attn_k", "attn_v"), "attn_qkv")
    whole = joined(whole, ("ffn_gate_exps", "ffn_up_exps"), "ffn_gate_up_exps")
    found = replace(checkpoint, tensors=whole)
    assert len(whole) < len(checkpoint.tensors)
    model = load_model(found)
    operators = NumpyOperators(found, model.norm_eps, TOKENS)
    assert np.linalg.norm(model.logits(operators, model.hidden(operators)) - reference(family)) < 1e-5 * np.linalg.norm(reference(family))
    name = next(name for name in whole if name.endswith("attn_qkv.weight"))
    with pytest.raises(MalformedFile, match=r"attn_qkv\.weight is"):
        load_model(replace(found, tensors={**whole, name: whole[name].taken(range(32))}))
