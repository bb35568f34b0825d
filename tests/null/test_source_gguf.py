"""GGUF files: names, row order, metadata, and every way in which a hostile file may lie."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from tiny_models import (
    HARMS,
    HEAD_DIM,
    HIDDEN,
    KV_HEADS,
    VOCAB,
    Floats,
    gguf_bytes,
    gguf_key,
    gguf_string,
    gguf_tensor,
    harm,
    hugging_face_weights,
    write_gguf,
)

from webllm_build.errors import MalformedFile, MissingFile, SourceError, UnsupportedArchitecture, UnsupportedEncoding
from webllm_build.model import load_model
from webllm_build.source import gguf_header
from webllm_build.source.files import SourceFile
from webllm_build.source.folder import LocalFile
from webllm_build.source.gguf import open_gguf
from webllm_build.source.gguf_header import read_gguf

F32, Q4_0, UINT8, UINT32, FLOAT32, STRING, ARRAY, BOOL = 0, 2, 0, 4, 6, 8, 9, 7


def test_reading_is_lazy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: list[int] = []
    read = SourceFile.read

    def counted(file: SourceFile, begin: int, end: int) -> npt.NDArray[np.uint8]:
        wanted.append(end - begin)
        return read(file, begin, end)

    monkeypatch.setattr(SourceFile, "read", counted)
    monkeypatch.setattr(gguf_header, "FIRST_BYTES", 64)
    checkpoint = open_gguf(path := write_gguf(tmp_path / "tiny.gguf", hugging_face_weights()))
    assert len(wanted) < 12 and sum(wanted) < path.stat().st_size / 20
    wanted.clear()
    raw = checkpoint.tensors["token_embd.weight"].read()
    assert wanted == [raw.nbytes]
    assert checkpoint.tensors["token_embd.weight"].rows(3, 5).tobytes() == raw[3:5].tobytes()
    assert wanted == [raw.nbytes, 2 * raw.shape[1]]


@pytest.mark.parametrize("kind", HARMS)
def test_a_file_that_changes_while_it_is_read_is_told(tmp_path: Path, kind: str) -> None:
    path = write_gguf(tmp_path / "tiny.gguf", hugging_face_weights())
    checkpoint = open_gguf(path)
    harm(path, kind)
    with pytest.raises(SourceError, match="changed while"):
        checkpoint.tensors["token_embd.weight"].read()


def test_metadata_and_tensors_are_as_in_the_file(tmp_path: Path) -> None:
    checkpoint = open_gguf(write_gguf(tmp_path / "tiny.gguf", hugging_face_weights()))
    assert checkpoint.format == "gguf"
    assert (checkpoint.name, checkpoint.license, checkpoint.eos_token_ids) == ("Tiny", "mit", (2,))
    assert checkpoint.config["general.architecture"] == "llama"
    assert checkpoint.config["llama.attention.layer_norm_rms_epsilon"] == 1e-5
    assert not any(key.startswith("tokenizer.") for key in checkpoint.config)
    assert checkpoint.tensors["blk.1.attn_k.weight"].shape == (KV_HEADS * HEAD_DIM, HIDDEN)


# Of each type a number that no narrower one holds, or that says its sign.
NUMBERS = {"B": 255, "b": -1, "H": 65535, "h": -32768, "I": 2**32 - 1, "i": -(2**31), "f": 2.5, "Q": 2**64 - 1, "q": -(2**63), "d": 1e300}


@pytest.mark.parametrize(("form", "kind"), zip(NUMBERS, (0, 1, 2, 3, 4, 5, 6, 10, 11, 12), strict=True))
def test_numbers_of_each_type_are_as_in_the_file(tmp_path: Path, form: str, kind: int) -> None:
    pair = (3, NUMBERS[form])
    keys = [gguf_key(b"one", kind, struct.pack(f"<{form}", pair[1])), gguf_key(b"two", ARRAY, struct.pack(f"<IQ2{form}", kind, 2, *pair))]
    (tmp_path / "numbers.gguf").write_bytes(gguf_bytes(keys=keys))
    metadata = read_gguf(LocalFile(tmp_path / "numbers.gguf")).metadata
    found = metadata.numbers("two")
    assert found is not None
    assert (metadata.values()["one"], found.tolist()) == (pair[1], [*pair])


def test_the_digest_follows_the_content(tmp_path: Path) -> None:
    weights = hugging_face_weights()
    first = open_gguf(write_gguf(tmp_path / "a.gguf", weights)).digest
    assert open_gguf(write_gguf(tmp_path / "b.gguf", weights)).digest == first
    weights["model.norm.weight"] = weights["model.norm.weight"] + 1
    assert open_gguf(write_gguf(tmp_path / "c.gguf", weights)).digest != first


@pytest.mark.parametrize(
    ("metadata", "error", "words"),
    [
        ({"split.count": 3}, SourceError, "one part of 3"),
        ({"split.count": 1 << 31}, SourceError, "one part of 2147483648"),
        ({"general.type": "adapter", "general.base_model.0.name": "Big"}, UnsupportedArchitecture, "adapter .* for Big"),
        ({"general.type": "mmproj"}, UnsupportedArchitecture, "mmproj"),
        ({"general.architecture": 7}, MalformedFile, "not a string"),
    ],
)
def test_metadata_that_cannot_be_is_refused(tmp_path: Path, metadata: dict[str, object], error: type[SourceError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        open_gguf(write_gguf(tmp_path / "tiny.gguf", hugging_face_weights(), metadata=metadata))
    assert caught.value.hint


@pytest.mark.parametrize(
    "metadata",
    [
        {"general.description": b"Mod\xe8le"},
        {"general.tags": [b"fran\xe7ais"]},
        {"tokenizer.huggingface.json": "x" * (20 << 20)},
        {"tokenizer.ggml.add_bos_token": np.uint8(0)},
    ],
)
def test_what_llama_cpp_tolerates_passes(tmp_path: Path, metadata: dict[str, object]) -> None:
    plain = open_gguf(write_gguf(tmp_path / "plain.gguf", hugging_face_weights()))
    assert open_gguf(write_gguf(tmp_path / "tiny.gguf", hugging_face_weights(), metadata=metadata)).tokenizer == plain.tokenizer


def test_names_of_another_type_are_no_names(tmp_path: Path) -> None:
    checkpoint = open_gguf(write_gguf(tmp_path / "tiny.gguf", hugging_face_weights(), metadata={"general.name": 7, "general.license": 1.5}))
    assert (checkpoint.name, checkpoint.license) == ("tiny", None)


def test_a_file_without_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match="tokenizer"):
        open_gguf(write_gguf(tmp_path / "tiny.gguf", hugging_face_weights(), tokenizer=False))


def tensor_of(offset: int = 0, shape: tuple[int, ...] = (32, 2), kind: int = F32, name: bytes = b"t") -> bytes:
    return gguf_tensor(name, shape, kind, offset)


MALFORMED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "four bytes": (b"GGUF", "ends at 4"),
    "another format": (gguf_bytes(magic=b"PK\3\4"), "not a GGUF"),
    "more keys than bytes": (gguf_bytes(key_count=1000), "the file ends"),
    "2^60 keys": (gguf_bytes(key_count=1 << 60), "more than any model has"),
    "2^60 tensors": (gguf_bytes(tensor_count=1 << 60), "more than any model has"),
    "huge key": (gguf_bytes(keys=[struct.pack("<Q", 1 << 62)]), "a string of"),
    "key past the end": (gguf_bytes(keys=[struct.pack("<Q", 5000)]), "the file ends"),
    "key that is not UTF-8": (gguf_bytes(keys=[gguf_key(b"\xff\xfe", UINT32, bytes(4))]), "not UTF-8"),
    "same key twice": (gguf_bytes(keys=[gguf_key(b"k", UINT32, bytes(4))] * 2), "twice"),
    "unknown value type": (gguf_bytes(keys=[gguf_key(b"k", 99, bytes(64))]), "value type 99"),
    "array of arrays": (gguf_bytes(keys=[gguf_key(b"k", ARRAY, struct.pack("<IQ", ARRAY, 1) + bytes(64))]), "value type 9"),
    "2^60 numbers": (gguf_bytes(keys=[gguf_key(b"k", ARRAY, struct.pack("<IQ", FLOAT32, 1 << 60))]), "the file ends"),
    "2^60 strings": (gguf_bytes(keys=[gguf_key(b"k", ARRAY, struct.pack("<IQ", STRING, 1 << 60))]), "an array of"),
    "alignment 3": (gguf_bytes(keys=[gguf_key(b"general.alignment", UINT32, struct.pack("<I", 3))]), "general.alignment"),
    "alignment 0": (gguf_bytes(keys=[gguf_key(b"general.alignment", UINT32, bytes(4))]), "general.alignment"),
    "alignment as text": (gguf_bytes(keys=[gguf_key(b"general.alignment", STRING, gguf_string(b"32"))]), "general.alignment"),
    "truncated data": (gguf_bytes(tensors=[tensor_of()], data=bytes(255)), "ends at byte 256 of 255"),
    "offset outside": (gguf_bytes(tensors=[tensor_of(offset=1 << 40)], data=bytes(256)), "truncated"),
    "offset 2^64 - 32": (gguf_bytes(tensors=[tensor_of(offset=(1 << 64) - 32)], data=bytes(256)), "truncated"),
    "offset not aligned": (gguf_bytes(tensors=[tensor_of(offset=4)], data=bytes(512)), "multiple of 32"),
    "overlap": (gguf_bytes(tensors=[tensor_of(), tensor_of(offset=128, name=b"u")], data=bytes(512)), "overlap"),
    "same place twice": (gguf_bytes(tensors=[tensor_of(), tensor_of(name=b"u")], data=bytes(512)), "overlap"),
    "name of two lines": (gguf_bytes(tensors=[tensor_of(name=b"u\nv")], data=bytes(256)), "printable line"),
    "same tensor twice": (gguf_bytes(tensors=[tensor_of(), tensor_of(offset=256)], data=bytes(512)), "twice"),
    "no dimensions": (gguf_bytes(tensors=[tensor_of(shape=())], data=bytes(512)), "0 dimensions"),
    "five dimensions": (gguf_bytes(tensors=[tensor_of(shape=(1, 1, 1, 1, 1))], data=bytes(512)), "5 dimensions"),
    "2^32 dimensions": (gguf_bytes(tensors=[gguf_string(b"t") + struct.pack("<I", (1 << 32) - 1)]), "dimensions"),
    "extent zero": (gguf_bytes(tensors=[tensor_of(shape=(32, 0))], data=bytes(512)), "does not fit"),
    "product beyond 64 bits": (gguf_bytes(tensors=[tensor_of(shape=(1 << 40, 1 << 40))], data=bytes(512)), "truncated"),
    "row that is no whole block": (gguf_bytes(tensors=[tensor_of(shape=(33, 2), kind=Q4_0)], data=bytes(512)), "blocks of 32"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_headers_are_refused(tmp_path: Path, name: str) -> None:
    content, words = MALFORMED[name]
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    with pytest.raises(MalformedFile, match=words) as caught:
        read_gguf(LocalFile(path))
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_a_well_formed_header_of_the_same_make_is_read(tmp_path: Path) -> None:
    """The counterpart of MALFORMED: its builder makes files that are right where nothing is wrong."""
    path = tmp_path / "good.gguf"
    keys = [gguf_key(b"flag", BOOL, b"\x02"), gguf_key(b"general.alignment", UINT32, struct.pack("<I", 64))]
    values = np.arange(64, dtype=np.float32)
    ones = [tensor_of(offset=256, name=b"u", shape=(32, 2, 1, 1)), tensor_of(offset=512, name=b"v", shape=(32, 1))]
    content = gguf_bytes(keys=keys, tensors=[tensor_of(), *ones])
    path.write_bytes(content + bytes(-len(content) % 64) + values.tobytes() + bytes(384))
    header = read_gguf(LocalFile(path))
    assert [header.tensors[name].shape for name in "tuv"] == [(2, 32), (2, 32), (1, 32)]
    assert header.metadata.flag("flag") is True
    np.testing.assert_array_equal(header.tensors["t"].read(0, 2).view(np.float32), values.reshape(2, 32))


@pytest.mark.parametrize(("version", "words"), [(1, "version 1"), (0, "version 0"), (3 << 24, "big-endian")])
def test_other_versions_are_refused(tmp_path: Path, version: int, words: str) -> None:
    path = tmp_path / "old.gguf"
    path.write_bytes(gguf_bytes(version=version))
    with pytest.raises(SourceError, match=words):
        read_gguf(LocalFile(path))


def test_an_unknown_tensor_type_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "new.gguf"
    path.write_bytes(gguf_bytes(tensors=[tensor_of(kind=9999)], data=bytes(512)))
    with pytest.raises(UnsupportedEncoding, match="9999"):
        read_gguf(LocalFile(path))


def test_a_type_that_is_no_weight_is_refused_when_it_is_decoded(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "tiny.gguf", hugging_face_weights(), tensors={"extra": np.zeros((2, 2), np.int32)})
    with pytest.raises(UnsupportedEncoding, match="i32"):
        open_gguf(path).tensors["extra"].dequantize()


@pytest.mark.parametrize("kind", ["numbers", "strings"])
def test_a_header_is_not_large_though_the_file_claims_to_be(tmp_path: Path, kind: str) -> None:
    """A sparse file takes no disk; what it says must not take memory."""
    path, each = tmp_path / "sparse.gguf", 16 << 20
    count = struct.pack("<IQ", UINT8, 1 << 33) if kind == "numbers" else struct.pack("<IQ", STRING, 64)
    head = struct.pack("<IQQ", 3, 0, 1)
    with path.open("wb") as file:
        start = file.write(b"GGUF" + head + gguf_key(b"k", ARRAY, count))
        for number in range(64 if kind == "strings" else 0):
            file.seek(start + number * (8 + each))
            file.write(struct.pack("<Q", each))
        file.truncate(1 << 34)
    with pytest.raises(MalformedFile, match="header takes more"):
        read_gguf(LocalFile(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match=r"none\.gguf"):
        read_gguf(LocalFile(tmp_path / "none.gguf"))


@pytest.fixture(scope="module")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf", hugging_face_weights(), encoding="q4_1").read_bytes()


def open_bytes(folder: Path, content: bytes) -> None:
    """Open a file and use all of it; only errors with a message may come out."""
    path = folder / "mutated.gguf"
    path.write_bytes(content)
    try:
        checkpoint = open_gguf(path)
        for tensor in checkpoint.tensors.values():
            values: Floats = tensor.dequantize()
            assert values.shape == tensor.shape
        load_model(checkpoint)
    except (SourceError, UnsupportedArchitecture) as error:
        assert error.message
    finally:
        path.unlink()


FUZZ = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(data=st.data())
def test_changed_bytes_never_escape_as_another_error(tmp_path: Path, tiny_file: bytes, data: st.DataObject) -> None:
    header = tiny_file.index(b"blk.1.ffn_down.weight") + 64
    changed = bytearray(tiny_file)
    for position, value in data.draw(st.lists(st.tuples(st.integers(0, header - 1), st.integers(0, 255)), min_size=1, max_size=4)):
        changed[position] = value
    open_bytes(tmp_path, bytes(changed))


@FUZZ
@given(data=st.data())
def test_wild_numbers_never_escape_as_another_error(tmp_path: Path, tiny_file: bytes, data: st.DataObject) -> None:
    header = tiny_file.index(b"blk.1.ffn_down.weight") + 64
    position = data.draw(st.integers(4, header - 8))
    value = data.draw(st.sampled_from([0, 1, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1, VOCAB, len(tiny_file)]))
    open_bytes(tmp_path, tiny_file[:position] + struct.pack("<Q", value) + tiny_file[position + 8 :])


@settings(FUZZ, max_examples=50)
@given(data=st.data())
def test_truncated_files_are_malformed(tmp_path: Path, tiny_file: bytes, data: st.DataObject) -> None:
    path = tmp_path / "short.gguf"
    # Padding after the last tensor may be missing.
    path.write_bytes(tiny_file[: data.draw(st.integers(0, len(tiny_file) - 33))])
    with pytest.raises(MalformedFile):
        open_gguf(path)
