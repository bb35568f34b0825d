"""Which weights matter, from activations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from webllm_build.errors import MalformedFile, UnsupportedTokenizer
from webllm_build.model import load_model
from webllm_build.model.decoder import Decoder
from webllm_build.quantize import SCHEMES, Scheme, pack_weight
from webllm_build.quantize.calibrate import MAX_TOKENS, TEXT, calibration_tokens, gains_by_calibration, importances
from webllm_build.source.checkpoint import Checkpoint, Tensor, Tokenizer
from webllm_build.source.gguf import open_gguf
from webllm_build.source.local import open_folder

TOKENS = [3, 17, 5, 44, 8, 23, 9]


@pytest.fixture(scope="module")
def tiny() -> Checkpoint:
    return open_folder(Path(__file__).parents[1] / "fixtures" / "tiny-llama", "tiny-llama")


@pytest.fixture(scope="module")
def model(tiny: Checkpoint) -> Decoder:
    return load_model(tiny)


def test_every_input_of_every_multiplied_weight_is_measured(tiny: Checkpoint, model: Decoder) -> None:
    found = importances(model, tiny, TOKENS)
    multiplied = {weight.name: weight for layer in model.layers for weight in layer.weights if weight.kind == "linear"}
    assert model.head is not None
    multiplied[model.head.name] = model.head
    assert {name: square.shape for name, square in found.items()} == {name: weight.shape[1:] for name, weight in multiplied.items()}
    assert all(square.dtype == np.float32 and square.max() == 1 and (square >= 0).all() for square in found.values())


def test_a_head_with_a_bias_is_measured_too() -> None:
    checkpoint = open_gguf(Path(__file__).parents[1] / "fixtures" / "tiny-phi" / "model.gguf")
    phi = load_model(checkpoint)
    assert phi.head is not None and phi.head_bias is not None
    assert phi.head.name in importances(phi, checkpoint, TOKENS)


def test_importance_is_the_mean_square_of_the_inputs(tiny: Checkpoint, model: Decoder) -> None:
    embedded = tiny.tensors["model.embed_tokens.weight"].dequantize().astype(np.float64)[TOKENS]
    norm = tiny.tensors["model.layers.0.input_layernorm.weight"].dequantize()
    inputs = embedded / np.sqrt((embedded**2).mean(1, keepdims=True) + model.norm_eps) * norm
    expected = (inputs**2).mean(0)
    np.testing.assert_allclose(importances(model, tiny, TOKENS)["layers.0.qkv"], expected / expected.max(), atol=1e-5)


def test_progress_counts_the_weights(tiny: Checkpoint, model: Decoder) -> None:
    counts: list[int] = []
    found = importances(model, tiny, TOKENS, counts.append)
    assert counts == list(range(1, len(found) + 1))


def test_a_broken_weight_is_left_to_the_packer(tiny: Checkpoint, model: Decoder) -> None:
    name = "model.layers.0.mlp.down_proj.weight"
    tensor = tiny.tensors[name]
    values = tensor.dequantize().copy()
    values[0, 0] = np.nan
    broken = with_tensor(tiny, Tensor.of(name, tensor.shape, "f32", values.view(np.uint8)))
    found = importances(model, broken, TOKENS)
    assert all(np.isfinite(square).all() for square in found.values())
    weight = next(weight for weight in model.weights if weight.name == "layers.0.down")
    with pytest.raises(MalformedFile, match=name):
        pack_weight(weight, broken, SCHEMES["q4"], found.get(weight.name))


def test_packing_heeds_importance(tiny: Checkpoint, model: Decoder) -> None:
    weight = next(weight for weight in model.weights if weight.name == "layers.0.down")
    importance = np.linspace(0, 1, weight.shape[1]).astype(np.float32) ** 8
    values = weight.values(tiny)
    scheme = SCHEMES["q4"]
    plain, weighted = (pack_weight(weight, tiny, scheme, each) for each in (None, importance))
    assert weighted[0].data.tobytes() != plain[0].data.tobytes()
    expected = scheme.pack(scheme.encode(values, importance), weight.shape[1])
    assert [buffer.data.tobytes() for buffer in weighted] == [array.tobytes() for array in expected]


@pytest.mark.parametrize(
    ("scheme", "encoding", "gains"),
    [("q4", "f32", True), ("q4a", "q4_0", True), ("q4", "q4_0", False), ("q8", "f32", False), ("f16", "f32", False)],
)
def test_only_new_codes_of_few_bits_gain(tiny: Checkpoint, model: Decoder, scheme: str, encoding: str, gains: bool) -> None:
    tensors = {name: Tensor(name, tensor.shape, encoding, tensor.rows) for name, tensor in tiny.tensors.items()}
    schemes: Mapping[str, Scheme] = {w.name: SCHEMES[scheme if w.kind == "linear" else "f32"] for w in model.weights}
    assert gains_by_calibration(model, replace(tiny, tensors=tensors), schemes) == gains


def test_the_built_in_text_is_long_enough(tiny: Checkpoint, model: Decoder) -> None:
    text = TEXT.read_text("utf-8")
    tokens = calibration_tokens(tiny, model, text)
    assert len(tokens) == MAX_TOKENS
    assert len(set(tokens)) > 30
    assert tokens == calibration_tokens(tiny, model, text * 1000)


def test_texts_and_tokenizers_that_cannot_be_used_are_refused(tiny: Checkpoint, model: Decoder) -> None:
    with pytest.raises(MalformedFile, match=r"(?s)makes \d tokens.*--calibrate"):
        calibration_tokens(tiny, model, "a b")
    with pytest.raises(UnsupportedTokenizer, match="cannot be used"):
        calibration_tokens(replace(tiny, tokenizer=Tokenizer(b"{}", {})), model, "text " * 100)
    document = json.loads(tiny.tokenizer.tokenizer_json)
    document["added_tokens"] = [added_token(10_000, "beyond")]
    beyond = replace(tiny, tokenizer=Tokenizer(json.dumps(document).encode(), {}))
    assert 10_000 not in calibration_tokens(beyond, model, "beyond some words " * 100)


def added_token(identifier: int, content: str) -> dict[str, object]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": identifier, "content": content, "special": True, **flags}


def with_tensor(checkpoint: Checkpoint, tensor: Tensor) -> Checkpoint:
    return replace(checkpoint, tensors=dict(checkpoint.tensors) | {tensor.name: tensor})
