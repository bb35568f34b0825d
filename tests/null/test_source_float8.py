"""Folders of quantized weights: eight-bit floats become numbers by their scales, and what else there is is refused by its name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tiny_models import safetensors_bytes

from webllm_build.errors import UnsupportedEncoding
from webllm_build.source.local import open_folder

TINY = Path(__file__).resolve().parents[1] / "fixtures" / "tiny-llama"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY, tmp_path / "model"))


def says(folder: Path, quantization: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "quantization_config": quantization}))


def entry(begin: int, end: int, dtype: str, shape: list[int]) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"quant_method": "gptq"}, "by gptq"),
        ({"quant_method": "compressed-tensors", "format": "pack-quantized"}, "by compressed-tensors pack-quantized"),
        ({"bits": 2}, "does not name"),
        ({"quant_method": ["fp8"]}, "fp8"),
        ("awq", "does not name"),
    ],
)
def test_quantized_folders_are_refused_by_name(folder: Path, said: object, named: str) -> None:
    says(folder, said)
    with pytest.raises(UnsupportedEncoding, match=named):
        open_folder(folder, "tiny")


FLOAT8 = np.array([[0x38, 0xB8, 0x7E], [0x01, 0x40, 0x08], [0x00, 0x80, 0x30]], np.uint8)  # E4M3's
NUMBERS = np.array([[1, -1, 448], [2**-9, 2, 2**-6], [0, 0, 0.5]], np.float32)


@pytest.mark.parametrize(
    ("end", "scales", "quantization"),
    [
        ("_scale_inv", [[2, 3], [4, 5]], {"quant_method": "fp8", "weight_block_size": [2, 2]}),
        ("_scale_inv", 2, {"quant_method": "fp8", "weight_block_size": None}),
        ("_scale", [[2], [3], [4]], {"quant_method": "compressed-tensors", "format": "float-quantized"}),
        ("_scale", [2, 3, 4], {"quant_method": "fbgemm_fp8"}),
    ],
)
def test_eight_bit_floats_are_read_with_their_scales(folder: Path, end: str, scales: object, quantization: dict[str, object]) -> None:
    says(folder, quantization)
    factors = np.array(scales, np.float32)
    header = {
        "a.weight": entry(0, 9, "F8_E4M3", [3, 3]),
        f"a.weight{end}": entry(9, 9 + factors.nbytes, "F32", list(factors.shape)),
        "a.activation_scale": entry(9 + factors.nbytes, 13 + factors.nbytes, "F32", []),
    }
    (folder / "model.safetensors").write_bytes(safetensors_bytes(header, FLOAT8.tobytes() + factors.tobytes() + bytes(4)))
    checkpoint = open_folder(folder, "tiny")
    assert list(checkpoint.tensors) == ["a.weight"] and "quantization_config" not in checkpoint.config
    of_each = np.repeat(np.repeat(factors, 2, 0), 2, 1)[:3, :3] if factors.shape == (2, 2) else factors.reshape(-1, 1)
    np.testing.assert_array_equal(checkpoint.tensors["a.weight"].dequantize(), NUMBERS * of_each)
    last = checkpoint.tensors["a.weight"].rows(2, 3).view(np.float32)
    np.testing.assert_array_equal(last, (NUMBERS * of_each)[2:])


@pytest.mark.parametrize("shape", [None, [2, 1], [3, 3]])
def test_eight_bit_floats_without_scales_that_fit_are_refused(folder: Path, shape: list[int] | None) -> None:
    says(folder, {"quant_method": "fp8"})
    header, end = {"a.weight": entry(0, 9, "F8_E4M3", [3, 3])}, 9
    if shape is not None:
        end += 4 * shape[0] * shape[1]
        header["a.weight_scale_inv"] = entry(9, end, "F32", shape)
    (folder / "model.safetensors").write_bytes(safetensors_bytes(header, bytes(end)))
    with pytest.raises(UnsupportedEncoding, match=r"tensor a\.weight"):
        open_folder(folder, "tiny")
