"""Folders of matrices of -1, 0 and 1, in the ways that transformers reads."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import load_file, save_file

from families import FIXTURES, TOKENS, open_tiny, reference
from webllm_build.errors import MalformedFile, UnsupportedEncoding
from webllm_build.model import load_model
from webllm_build.model.numpy_operators import NumpyOperators
from webllm_build.quantize.pack import choose_scheme, is_repacked
from webllm_build.source.checkpoint import Checkpoint
from webllm_build.source.local import open_folder

NAME = "model.layers.0.mlp.up_proj"
# transformers' own example of how such matrices are packed, four times as wide.
PACKED = np.tile(np.array([[0b10100001, 0b00011000], [0b10010000, 0b00001010]], np.uint8), 16)
CODES = np.tile(np.array([[0, -1], [-1, 1], [-1, 1], [-1, 1], [1, 0], [0, -1], [1, -1], [1, -1]], np.float32), 16)
Arrays = Mapping[str, npt.NDArray[np.generic]]


def opened(folder: Path, said: Mapping[str, object], tensors: Arrays) -> Checkpoint:
    shutil.copytree(FIXTURES / "tiny-llama", folder)
    path = folder / "config.json"
    config = {**json.loads(path.read_text("utf-8")), "quantization_config": {"quant_method": "bitnet", **said}}
    path.write_text(json.dumps(config), "utf-8")
    save_file(dict(tensors), folder / "model.safetensors")
    return open_folder(folder, "tiny")


@pytest.mark.parametrize(
    ("said", "factor"),
    [
        ({}, 1 / 4),
        ({"linear_class": "bitlinear", "modules_to_not_convert": ["lm_head"]}, 1 / 4),
        ({"linear_class": "autobitlinear", "quantization_mode": "offline", "modules_to_not_convert": None}, 4),
    ],
)
@pytest.mark.parametrize("weight", [PACKED, CODES])
def test_codes_are_times_their_number(tmp_path: Path, said: Mapping[str, object], factor: float, weight: npt.NDArray[np.generic]) -> None:
    checkpoint = opened(tmp_path / "model", said, {f"{NAME}.weight": weight, f"{NAME}.weight_scale": np.array([4], np.float32)})
    assert list(checkpoint.tensors) == [f"{NAME}.weight"] and "quantization_config" not in checkpoint.config
    tensor = checkpoint.tensors[f"{NAME}.weight"]
    np.testing.assert_array_equal(tensor.dequantize(), CODES * factor)
    assert all(np.array_equal(tensor.rows(row, row + 1), tensor.read()[row : row + 1]) for row in range(len(CODES)))


def test_what_is_rounded_whenever_it_is_used_is_rounded_once(tmp_path: Path) -> None:
    """But neither the embedding nor what is no matrix."""
    values = np.random.default_rng(7).normal(size=(2048, 32)).astype(np.float32)
    tensors = dict.fromkeys((f"{NAME}.weight", "lm_head.weight", "model.embed_tokens.weight"), values) | {"model.norm.weight": values[0]}
    said = {"linear_class": "autobitlinear", "quantization_mode": "online"}
    found = {name: tensor.dequantize() for name, tensor in opened(tmp_path / "model", said, tensors).tensors.items()}
    mean = np.abs(values).mean()
    rounded = np.clip(np.rint(values / mean), -1, 1) * np.float16(mean).astype(np.float32)
    assert np.unique(np.abs(rounded)).size == 2
    np.testing.assert_array_equal(found.pop(f"{NAME}.weight"), rounded)
    assert all(np.array_equal(found[name], tensors[name]) for name in found)


def test_a_packed_model_is_the_one_that_was_packed(tmp_path: Path) -> None:
    """What transformers computes with its matrices as numbers; and their codes are kept."""
    packed: dict[str, npt.NDArray[np.generic]] = {}
    for name, values in load_file(FIXTURES / "tiny-bitnet" / "model.safetensors").items():
        if not name.endswith("_proj.weight"):
            packed[name] = values
            continue
        codes = (np.sign(values) + 1).astype(np.uint8).reshape(4, -1, values.shape[1])
        packed[name] = (codes << np.array([0, 2, 4, 6], np.uint8)[:, None, None]).sum(0, dtype=np.uint8)
        packed[f"{name}_scale"] = np.array([1 / 8], np.float32)
    open_tiny("bitnet", "hugging_face", tmp_path)
    path = tmp_path / "config.json"
    said = {"quant_method": "bitnet", "linear_class": "autobitlinear", "quantization_mode": "offline"}
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "quantization_config": said}), "utf-8")
    save_file(packed, tmp_path / "model.safetensors")
    checkpoint = open_folder(tmp_path, "tiny-bitnet")
    model, expected = load_model(checkpoint), reference("bitnet")
    operators = NumpyOperators(checkpoint, model.norm_eps, TOKENS)
    assert np.linalg.norm(model.logits(operators, model.hidden(operators)) - expected) < 1e-5 * np.linalg.norm(expected)
    qkv = model.layers[0].weights[1]
    assert qkv.name.endswith("qkv")
    assert all(is_repacked(tensor.encoding, choose_scheme(qkv, checkpoint, "auto")) for tensor in qkv.tensors(checkpoint))


@pytest.mark.parametrize(
    "said",
    [{"use_rms_norm": True}, {"linear_class": "other"}, {"quantization_mode": ["online"]}, {"modules_to_not_convert": ["q_proj", []]}],
)
def test_other_ways_are_refused(tmp_path: Path, said: Mapping[str, object]) -> None:
    with pytest.raises(UnsupportedEncoding, match=r"in a way that is not known: [a-z_]+ "):
        opened(tmp_path / "model", said, {f"{NAME}.weight": PACKED})


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    scale = np.array([4], np.float32)
    for number, (weight, of) in enumerate([(PACKED, np.ones(2, np.float32)), (PACKED[:, :30], scale), (PACKED[0], scale)]):
        with pytest.raises(UnsupportedEncoding, match=re.escape(NAME)):
            opened(tmp_path / str(number), {}, {f"{NAME}.weight": weight, f"{NAME}.weight_scale": of})
    checkpoint = opened(tmp_path / "model", {}, {f"{NAME}.weight": CODES / 2, f"{NAME}.weight_scale": scale})
    with pytest.raises(MalformedFile, match="other numbers than -1, 0 and 1"):
        checkpoint.tensors[f"{NAME}.weight"].read()
