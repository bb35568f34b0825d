"""Importance matrices of llama.cpp, in both of its formats, and what is none."""

from __future__ import annotations

import struct
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt
import pytest

from webllm_build.cache import Cache
from webllm_build.config import BuildRequest, resolve
from webllm_build.errors import ConfigError, MalformedFile, MissingFile
from webllm_build.model import load_model
from webllm_build.model.decoder import Decoder
from webllm_build.progress import Silent
from webllm_build.quantize.imatrix import read_imatrix
from webllm_build.recipe import Recipe
from webllm_build.source.local import open_folder
from webllm_build.weights import store_weights

TINY = Path(__file__).parents[1] / "fixtures" / "tiny-llama"
INPUTS = {"attn_q": 96, "attn_k": 96, "attn_v": 96, "attn_output": 192, "ffn_gate": 96, "ffn_up": 96, "ffn_down": 128}
CALLS = 12
Sums = dict[str, npt.NDArray[np.float32]]


def sums(layers: int = 2) -> Sums:
    random = np.random.default_rng(2)
    names = [(f"blk.{layer}.{part}.weight", size) for layer in range(layers) for part, size in INPUTS.items()]
    return {name: (random.standard_normal(size) ** 2).astype(np.float32) * CALLS for name, size in names}


def write_older(path: Path, entries: Sums) -> Path:
    parts = [struct.pack("<i", len(entries))]
    for name, values in entries.items():
        parts.append(struct.pack("<i", len(name)) + name.encode() + struct.pack("<ii", CALLS, values.size) + values.tobytes())
    path.write_bytes(b"".join(parts) + struct.pack("<ii", CALLS, 4) + b"wiki")
    return path


def write_gguf(path: Path, entries: Sums, counts: bool = True) -> Path:
    writer = gguf.GGUFWriter(path, "")
    writer.add_type("imatrix")
    writer.add_array("imatrix.datasets", ["wiki"])
    for name, values in entries.items():
        writer.add_tensor(f"{name}.in_sum2", values.reshape(1, -1))
        if counts:
            writer.add_tensor(f"{name}.counts", np.array([[CALLS]], np.float32))
    for write in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        write()
    return path


@pytest.fixture(scope="module")
def model() -> Decoder:
    return load_model(open_folder(TINY, "tiny"))


@pytest.mark.parametrize("write", [write_older, write_gguf])
def test_inputs_count_as_the_file_says(tmp_path: Path, model: Decoder, write: object) -> None:
    entries = sums()
    found = read_imatrix(write(tmp_path / "imatrix", entries), model)  # type: ignore[operator]
    names = {"qkv": "attn_q", "o": "attn_output", "gate_up": "ffn_gate", "down": "ffn_down"}
    assert found.keys() == {f"layers.{layer}.{part}" for layer in range(2) for part in names}  # of tables it says nothing
    for name, values in found.items():
        _, layer, part = name.split(".")
        expected = entries[f"blk.{layer}.{names[part]}.weight"]
        np.testing.assert_allclose(values, expected / expected.max(), rtol=1e-6)


def test_a_build_takes_it_in_the_place_of_a_text(tmp_path: Path) -> None:
    def shards(**options: object) -> tuple[str, ...]:
        request = BuildRequest(kind="site", models=(str(TINY),), cache_dir=tmp_path / "cache", **options)  # type: ignore[arg-type]
        with Cache(request.cache_dir) as cache:
            return tuple(shard.sha256 for shard in store_weights(Recipe.read(request, cache, Silent()), cache, Silent()).shards)

    path = write_gguf(tmp_path / "imatrix.gguf", sums())
    given = shards(imatrix=path)
    assert given != shards()
    write_gguf(path, {name: np.ones_like(values) for name, values in sums().items()})
    assert shards(imatrix=path) != given


def test_a_text_beside_it_is_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no --calibrate beside it"):
        resolve(BuildRequest(kind="site", imatrix=tmp_path / "x", calibrate="text"))


def test_what_is_none_is_told(tmp_path: Path, model: Decoder) -> None:
    whole = write_older(tmp_path / "whole", sums()).read_bytes()

    def refused(content: bytes, words: str) -> None:
        path = tmp_path / "bad"
        path.write_bytes(content)
        with pytest.raises(MalformedFile, match=words) as caught:
            read_imatrix(path, model)
        assert "bad" in caught.value.message

    for content in (b"x", b"\0" * 64, b"\xff" * 64, b"GGUF", whole[:100], whole[:-100], struct.pack("<ii", 1, 1 << 30)):
        refused(content, "not an importance|truncated|ends at|empty")
    for value in (np.uint32(0x7FA00000).view(np.float32), np.inf):  # a NaN at which arithmetic would warn
        wild = sums()
        wild["blk.1.ffn_up.weight"][3] = value
        refused(write_older(tmp_path / "wild", wild).read_bytes(), "cannot be means of squares")
    refused(write_gguf(tmp_path / "no counts", sums(), counts=False).read_bytes(), "no counts")
    with pytest.raises(MissingFile):
        read_imatrix(tmp_path / "none", model)


def test_one_of_another_model_is_told(tmp_path: Path, model: Decoder) -> None:
    other = {name: np.ones(64, np.float32) for name in sums()}
    with pytest.raises(MalformedFile, match="64 values, and the model 96 inputs"):
        read_imatrix(write_older(tmp_path / "other", other), model)
    with pytest.raises(MalformedFile, match=r"none of the model's matrices, but enc\.0"):
        read_imatrix(write_older(tmp_path / "names", {"enc.0": np.ones(96, np.float32)}), model)
