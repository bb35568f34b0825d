"""A GGUF in parts, as the gguf package's own writer splits it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tiny_models import hugging_face_weights, write_gguf

from webllm_build.errors import MalformedFile, MissingFile, SourceError
from webllm_build.model import load_model
from webllm_build.source.gguf import open_gguf

COUNT = 3


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    write_gguf(tmp_path / "tiny.gguf", hugging_face_weights(), part_tensors=8)
    found = sorted(tmp_path.glob("tiny-0000?-of-00003.gguf"))
    assert len(found) == COUNT
    return found


@pytest.mark.parametrize("named", range(COUNT))
def test_any_part_stands_for_all(parts: list[Path], named: int, tmp_path: Path) -> None:
    whole = open_gguf(write_gguf(tmp_path / "whole.gguf", hugging_face_weights()))
    checkpoint = open_gguf(parts[named])
    assert checkpoint.tensors.keys() == whole.tensors.keys() and checkpoint.name == "Tiny"
    assert all(checkpoint.tensors[name].read().tobytes() == whole.tensors[name].read().tobytes() for name in whole.tensors)
    assert load_model(checkpoint).description == load_model(whole).description
    assert checkpoint.digest == open_gguf(parts[0]).digest != whole.digest


def test_a_change_of_any_part_changes_the_digest(parts: list[Path]) -> None:
    before = open_gguf(parts[0]).digest
    content = bytearray(parts[2].read_bytes())
    content[-40] ^= 1
    parts[2].write_bytes(content)
    assert open_gguf(parts[0]).digest != before


def test_missing_parts_are_named(parts: list[Path]) -> None:
    for part in parts[1:]:
        part.unlink()
    with pytest.raises(MissingFile, match=r"lacks tiny-00002-of-00003\.gguf, tiny-00003-of-00003\.gguf"):
        open_gguf(parts[0])


def test_the_first_part_may_be_the_missing_one(parts: list[Path]) -> None:
    parts[0].unlink()
    with pytest.raises(MissingFile, match=r"lacks tiny-00001-of-00003\.gguf"):
        open_gguf(parts[2])


@pytest.mark.parametrize("name", ["tiny.gguf", "tiny-00001-of-00002.gguf", "tiny-1-of-3.gguf"])
def test_a_part_of_another_name_says_how_parts_are_called(parts: list[Path], name: str) -> None:
    renamed = parts[0].rename(parts[0].with_name(name))
    with pytest.raises(SourceError, match="one part of 3") as caught:
        open_gguf(renamed)
    assert "NAME-00001-of-00003.gguf" in caught.value.hint


def test_parts_in_another_order_are_told(parts: list[Path]) -> None:
    shutil.copy(parts[1], parts[2])
    with pytest.raises(MalformedFile, match="part 1 by its metadata, counted from 0, and 2 by its name"):
        open_gguf(parts[0])


def test_a_tensor_of_two_parts_is_told(parts: list[Path]) -> None:
    data = bytearray(parts[1].read_bytes())
    data[data.index(b"split.no") + 12] = 2  # behind the type
    parts[2].write_bytes(data)
    with pytest.raises(MalformedFile, match="is in an earlier part, too"):
        open_gguf(parts[0])


def test_parts_of_different_files_are_told(parts: list[Path], tmp_path: Path) -> None:
    weights = hugging_face_weights()
    del weights["lm_head.weight"]
    (tmp_path / "other").mkdir()
    write_gguf(tmp_path / "other" / "tiny.gguf", weights, part_tensors=8)
    shutil.copy(tmp_path / "other" / parts[2].name, parts[2])
    with pytest.raises(MalformedFile, match="tensors"):
        open_gguf(parts[0])


def test_a_part_without_the_data_that_it_names_is_truncated(parts: list[Path]) -> None:
    parts[1].write_bytes(parts[1].read_bytes()[:-64])
    with pytest.raises(MalformedFile, match=r"00002.*truncated"):
        open_gguf(parts[0])
