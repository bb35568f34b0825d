"""Weights become one aligned byte stream in shards; nothing is lost, reordered or held in memory as a whole."""

from __future__ import annotations

import hashlib
import json
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from golden_file import assert_golden
from package_sample import FACTS, LIBRARY, SHAPES, TOKENIZER, sample_model, sample_weights, tree
from webllm_build.errors import DamagedEntry, MalformedFile
from webllm_build.limits_generated import SHARD_BYTES
from webllm_build.package.manifest import read_manifest
from webllm_build.package.model_folder import CompiledModel, read_weights, write_weights
from webllm_build.package.output import Stage
from webllm_build.quantize import Packed
from webllm_build.quantize.probe import Probe

PROBE = Probe((3, 4), (0.5, -2e-7))
BREAKAGES = {
    "probe": lambda m: m.update(probe={"tokens": [1], "values": ["x"]}),
    "format": lambda m: m.update(format=2),
    "shape": lambda m: m["tensors"][0].update(shape="7"),
    "negative": lambda m: m["tensors"][1].update(offset=-256),
    "boolean": lambda m: m.update(eos_token_ids=[True]),
    "overlap": lambda m: m["tensors"][1].update(offset=0),
    "unaligned": lambda m: m["tensors"][1].update(offset=260),
    "beyond the end": lambda m: m["tensors"][-1].update(bytes=1 << 40),
    "shard size": lambda m: m["weights"]["shards"][0].update(bytes=4),
    "path": lambda m: m["library"].update(file="../../etc/passwd"),
    "absolute": lambda m: m["tokenizer"].update(file="/etc/passwd"),
    "other hash": lambda m: m["library"].update(sha256="0" * 64),
    "missing": lambda m: m.pop("weights"),
    "scheme": lambda m: m["schemes"].update(norm=4),
    "not an object": lambda m: m.update(model=[1]),
}


def test_shards_hold_every_tensor_at_its_aligned_offset(tmp_path: Path) -> None:
    weights = write_weights(tmp_path, sample_weights(), shard_bytes=1000)
    stream = b"".join((tmp_path / shard.file).read_bytes() for shard in weights.shards)
    assert [shard.bytes for shard in weights.shards[:-1]] == [1000] * (len(weights.shards) - 1)
    assert len(weights.shards) > 2
    assert len(stream) == weights.bytes
    assert [tensor.name for tensor in weights.tensors] == list(SHAPES)
    covered = np.zeros(len(stream), bool)
    for tensor, source in zip(weights.tensors, sample_weights(), strict=True):
        assert tensor.offset % 256 == 0
        assert (tensor.shape, tensor.dtype) == (source.shape, source.dtype)
        assert stream[tensor.offset : tensor.offset + tensor.bytes] == source.data.tobytes()
        covered[tensor.offset : tensor.offset + tensor.bytes] = True
    assert not any(np.frombuffer(stream, np.uint8)[~covered])


def test_a_shard_that_ends_exactly_is_not_followed_by_an_empty_one(tmp_path: Path) -> None:
    packed = Packed("w", "uint32", (512,), np.arange(512, dtype=np.uint32))
    weights = write_weights(tmp_path, [packed], shard_bytes=1024)
    assert [shard.bytes for shard in weights.shards] == [1024, 1024]
    assert not (tmp_path / "shard.partial").exists()


def written(model: CompiledModel, folder: Path) -> Path:
    """The folder with the model's files, as a result holds it."""
    folder.mkdir(parents=True)
    model.write(Stage(folder), model.manifest())
    return folder / "model"


def test_names_carry_the_digest(tmp_path: Path) -> None:
    model = sample_model(tmp_path, shard_bytes=1000)
    folder, manifest = written(model, tmp_path / "out"), model.manifest()
    for entry in manifest.files:
        digest = hashlib.sha256((folder / entry.file).read_bytes()).hexdigest()
        assert entry.sha256 == digest
        assert entry.file.split(".")[1] == digest[:16]
        assert (folder / entry.file).stat().st_size == entry.bytes
    assert hashlib.sha256((folder / manifest.file).read_bytes()).hexdigest() == manifest.sha256
    assert manifest.file == f"manifest.{manifest.sha256[:32]}.json"
    assert {path.name for path in folder.iterdir()} == {manifest.file, *(entry.file for entry in manifest.files)}


def test_what_a_gpu_is_checked_by_stays_with_the_weights(tmp_path: Path) -> None:
    model = sample_model(tmp_path / "sample")
    write_weights(tmp_path / "weights", sample_weights(), probe=lambda stored: PROBE)
    folder = written(replace(model, weights=read_weights(tmp_path / "weights")), tmp_path / "out")
    (path,) = folder.glob("manifest.*.json")
    assert read_manifest(path).probe == PROBE


@pytest.mark.parametrize("harm", ["number", "cut", "gone"])
def test_a_damaged_index_is_never_used(tmp_path: Path, harm: str) -> None:
    write_weights(tmp_path, sample_weights())
    (index,) = tmp_path.glob("index.*.json")
    data = index.read_bytes()
    index.unlink()
    if harm != "gone":
        index.write_bytes(data.replace(b'"offset": 256', b'"offset": 512') if harm == "number" else data[:50])
    with pytest.raises(DamagedEntry, match="damaged"):
        read_weights(tmp_path)


@pytest.mark.parametrize("harm", ["zeros", "cut", "gone"])
def test_a_damaged_shard_is_never_written(tmp_path: Path, harm: str) -> None:
    model = sample_model(tmp_path, shard_bytes=1000)
    shard = model.weights.folder / model.weights.shards[1].file
    data = shard.read_bytes()
    shard.unlink()
    if harm != "gone":
        shard.write_bytes(bytes(100) + data[100:] if harm == "zeros" else data[:100])
    with pytest.raises(DamagedEntry, match=r"weights-0001"):
        written(model, tmp_path / "out")


def test_shards_stay_below_what_hosts_accept() -> None:
    assert SHARD_BYTES == 24 * 1024 * 1024


def test_arrays_are_not_collected(tmp_path: Path) -> None:
    given: list[weakref.ref[object]] = []
    alive: list[int] = []

    def weights() -> Iterator[Packed]:
        for index in range(10):
            data = np.full(1000, index, np.uint32)
            given.append(weakref.ref(data))
            alive.append(sum(reference() is not None for reference in given))
            yield Packed(f"w{index}", "uint32", (1000,), data)
            del data

    write_weights(tmp_path, weights())
    assert max(alive) <= 2  # the one being made and the one being written


def test_big_endian_and_strided_arrays_are_written_little_endian_and_dense(tmp_path: Path) -> None:
    values = np.arange(24, dtype=">u4").reshape(4, 6)[:, ::2]
    weights = write_weights(tmp_path, [Packed("w", "uint32", (4, 3), values)])
    data = (tmp_path / weights.shards[0].file).read_bytes()
    assert data == values.astype("<u4").tobytes()


def test_progress_ends_at_the_size_of_the_stream(tmp_path: Path) -> None:
    seen: list[int] = []
    weights = write_weights(tmp_path, sample_weights(), seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == weights.bytes


def test_an_interrupted_write_leaves_no_partial_shard(tmp_path: Path) -> None:
    def weights() -> Iterator[Packed]:
        yield from sample_weights()
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_weights(tmp_path, weights())
    assert list(tmp_path.iterdir()) == []


class Counted:
    """A buffer that tells when its data is asked for."""

    def __init__(self, packed: Packed, asked: list[str], stop: str = "") -> None:
        self.name, self.dtype, self.shape, self.nbytes = packed.name, packed.dtype, packed.shape, packed.nbytes
        self._packed, self._asked, self._stop = packed, asked, stop

    @property
    def data(self) -> npt.NDArray[Any]:
        if self.name == self._stop:
            raise KeyboardInterrupt
        self._asked.append(self.name)
        return self._packed.data


@pytest.mark.parametrize("harm", ["none", "damaged", "surplus", "killed"])
def test_an_interrupted_write_goes_on_behind_its_last_whole_shard(tmp_path: Path, harm: str) -> None:
    whole = write_weights(tmp_path / "whole", sample_weights(), shard_bytes=1000)
    names, asked, again = list(SHAPES), list[str](), list[str]()
    with pytest.raises(KeyboardInterrupt):
        write_weights(tmp_path / "cut", (Counted(packed, asked, names[-1]) for packed in sample_weights()), shard_bytes=1000)
    kept = sorted((tmp_path / "cut").glob("weights-*.bin"))
    assert len(kept) > 1 and asked == names[:-1]
    if harm == "damaged":
        kept[1].write_bytes(bytes(1000))
    if harm == "killed":
        (tmp_path / "cut" / "shard.partial").write_bytes(bytes(10))
    if harm == "surplus":
        (tmp_path / "cut" / "weights-0099.0123456789abcdef.bin").write_bytes(bytes(1000))
    assert write_weights(tmp_path / "cut", (Counted(packed, again) for packed in sample_weights()), shard_bytes=1000).shards == whole.shards
    assert tree(tmp_path / "cut") == tree(tmp_path / "whole")
    held = 1000 * (1 if harm == "damaged" else len(kept))
    assert again == [tensor.name for tensor in whole.tensors if tensor.offset + tensor.bytes > held]


def test_weights_are_read_back(tmp_path: Path) -> None:
    weights = write_weights(tmp_path, sample_weights(), shard_bytes=1000)
    assert read_weights(tmp_path) == weights
    stream = b"".join((tmp_path / shard.file).read_bytes() for shard in weights.shards)
    for begin, end in ((0, 7), (900, 1100), (999, 2001), (1000, 2000), (0, len(stream))):
        assert weights.read(begin, end).tobytes() == stream[begin:end]
    (tmp_path / weights.shards[1].file).write_bytes(b"short")
    with pytest.raises(MalformedFile, match="another size"):
        read_weights(tmp_path)


def test_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    models = [sample_model(tmp_path / name, seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))]
    first, second, other = (tree(written(model, tmp_path / f"out{number}")) for number, model in enumerate(models))
    assert first == second
    assert other.keys().isdisjoint(name for name in first if name.startswith(("manifest", "weights")))


def test_a_manifest_says_what_was_written(tmp_path: Path) -> None:
    model = sample_model(tmp_path, shard_bytes=1000)
    folder, manifest = written(model, tmp_path / "out"), model.manifest()
    assert read_manifest(folder / manifest.file) == manifest
    fields = json.loads((folder / manifest.file).read_bytes())
    assert fields["format"] == 1
    assert fields["model"]["name"] == FACTS.name
    assert fields["library"]["bytes"] == len(LIBRARY)
    assert fields["tokenizer_config"] == TOKENIZER.config
    assert fields["eos_token_ids"] == [2, 7]
    assert "base" not in fields["weights"]
    assert manifest.download_bytes == sum(
        path.stat().st_size for path in folder.iterdir() if path.name not in (manifest.file, manifest.grammar.file)
    )


def test_what_the_makers_recommend_goes_into_the_manifest_and_back(tmp_path: Path) -> None:
    manifest = replace(sample_model(tmp_path), sampling={"temperature": 0.6, "top_k": 20}).manifest()
    (tmp_path / "manifest.json").write_bytes(manifest.to_json())
    assert read_manifest(tmp_path / "manifest.json").to_json() == manifest.to_json()
    assert json.loads(manifest.to_json())["sampling"] == {"temperature": 0.6, "top_k": 20}
    assert b"sampling" not in sample_model(tmp_path / "silent").manifest().to_json()


def test_the_browser_is_tested_with_a_manifest_of_this_kind(tmp_path: Path) -> None:
    """runtime_js/test/app.test.ts parses the same file."""
    manifest = replace(sample_model(tmp_path).manifest(), generator="webllm-build 0")
    assert_golden("manifest.json", manifest.to_json().decode() + "\n")


def test_a_manifest_is_too_long_for_bundlers_to_write_it_into_a_script(tmp_path: Path) -> None:
    data = sample_model(tmp_path).manifest().to_json()
    assert len(data.rstrip()) < len(data) == 4096  # https://vite.dev/config/build-options#build-assetsinlinelimit


def test_an_unknown_license_is_kept_as_unknown(tmp_path: Path) -> None:
    manifest = sample_model(tmp_path, facts=replace(FACTS, license=None)).manifest()
    path = tmp_path / "manifest.json"
    path.write_bytes(manifest.to_json())
    assert read_manifest(path).model.license is None


@pytest.mark.parametrize("kind", BREAKAGES)
def test_a_damaged_manifest_is_refused(tmp_path: Path, kind: str) -> None:
    fields = json.loads(sample_model(tmp_path).manifest().to_json())
    BREAKAGES[kind](fields)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(fields))
    with pytest.raises(MalformedFile, match="not a manifest"):
        read_manifest(path)


@pytest.mark.parametrize("data", [b"", b"[]", b"nonsense", b"\xff\xfe", b"[" * 100_000])
def test_what_is_not_json_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(data)
    with pytest.raises(MalformedFile):
        read_manifest(path)
