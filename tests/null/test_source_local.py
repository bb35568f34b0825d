"""Hugging Face folders: the same numbers as the safetensors library reads, and refusals of everything that lies."""

from __future__ import annotations

import json
import shlex
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from safetensors.numpy import load_file, save_file
from tiny_models import HARMS, harm, safetensors_bytes

from webllm_build.errors import MalformedFile, MissingFile, ModelWarning, SourceError, UnsupportedEncoding
from webllm_build.model import check_tied, load_model
from webllm_build.model.config import Reader
from webllm_build.source.folder import LocalFile
from webllm_build.source.local import open_folder, tensor_of
from webllm_build.source.safetensors_header import read_safetensors
from webllm_build.source.tokenizer_json import read_facts
from webllm_build.source.tokenizer_process import encode

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
SINGLE, SHARDED = FIXTURES / "tiny-llama", FIXTURES / "tiny-llama-sharded"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SINGLE, tmp_path / "model"))


@pytest.fixture
def sharded(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHARDED, tmp_path / "model"))


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    value = json.loads(path.read_text()) if path.is_file() else {}
    change(value)
    path.write_text(json.dumps(value))


def test_a_folder_holds_what_the_safetensors_library_reads() -> None:
    checkpoint = open_folder(SINGLE, "tiny")
    expected = load_file(SINGLE / "model.safetensors")
    assert set(checkpoint.tensors) == set(expected)
    for name, value in expected.items():
        tensor = checkpoint.tensors[name]
        assert (tensor.encoding, tensor.shape) == ("f16", value.shape)
        np.testing.assert_array_equal(tensor.dequantize(), value.astype(np.float32))


def test_bfloat16_shards_hold_the_same_numbers() -> None:
    single, sharded = open_folder(SINGLE, "tiny"), open_folder(SHARDED, "tiny")
    assert set(single.tensors) == set(sharded.tensors)
    for name, tensor in sharded.tensors.items():
        assert tensor.encoding == "bf16"
        np.testing.assert_array_equal(tensor.dequantize(), single.tensors[name].dequantize())
    assert single.digest != sharded.digest


def test_configuration_tokenizer_and_ends_are_read(folder: Path) -> None:
    (folder / "README.md").write_text("---\nlanguage: en\nlicense: llama3.2\n---\n# Tiny\nlicense: mit\n")
    checkpoint = open_folder(folder, "tiny")
    assert checkpoint.config == json.loads((folder / "config.json").read_text())
    assert checkpoint.tokenizer.tokenizer_json == (folder / "tokenizer.json").read_bytes()
    assert checkpoint.tokenizer.config["eos_token"] == "</s>"
    assert "<|assistant|>" in str(checkpoint.tokenizer.config["chat_template"])
    assert checkpoint.eos_token_ids == (2,)
    assert checkpoint.license == "llama3.2"
    (folder / "README.md").write_text("---\nlicense: other\nlicense_name: lfm1.0\n---\n")
    assert open_folder(folder, "tiny").license == "lfm1.0"


def test_end_tokens_are_all_that_any_file_names(folder: Path) -> None:
    edit(folder / "generation_config.json", lambda value: value.update(eos_token_id=[7, 5, 7, -1, "2", True]))
    assert open_folder(folder, "tiny").eos_token_ids == (7, 5, 2)
    (folder / "generation_config.json").unlink()
    edit(folder / "config.json", lambda value: value.update(eos_token_id=[3]))
    assert open_folder(folder, "tiny").eos_token_ids == (3, 2)
    edit(folder / "config.json", lambda value: value.pop("eos_token_id"))
    assert open_folder(folder, "tiny").eos_token_ids == (2,)  # from the tokenizer's eos_token
    edit(folder / "tokenizer_config.json", lambda value: value.pop("eos_token"))
    assert open_folder(folder, "tiny").eos_token_ids == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("special_tokens_map.json", {"eos_token": {"content": "<|user|>", "lstrip": False}}),
        ("special_tokens_map.json", {"eot_token": "<|user|>"}),
        ("tokenizer_config.json", {"eot_token": "<|user|>"}),
        ("tokenizer_config.json", {"extra_special_tokens": {"eot_token": "<|user|>"}}),
        ("tokenizer_config.json", {"model_specific_special_tokens": {"eom_token": {"content": "<|user|>"}}}),
        ("config.json", {"text_config": {"eos_token_id": 4}}),
        ("generation_config.json", {"eos_token_id": [4.0, "2"]}),
        ("generation_config.json", {"stop_strings": ["<|user|>", "no token", 7]}),
        ("generation_config.json", {"stop_strings": "<|user|>"}),
        ("generation_config.json", {"eos_token": "<|user|>"}),
        ("config.json", {"eos_token_ids": [4]}),
        ("tokenizer_config.json", {"eos_token_id": 4}),
    ],
)
def test_end_tokens_that_are_given_as_text_count_too(folder: Path, name: str, value: dict[str, object]) -> None:
    edit(folder / name, lambda old: old.update(value))
    assert set(open_folder(folder, "tiny").eos_token_ids) == {2, 4}


def test_tokens_that_only_the_configuration_adds_are_tokens(folder: Path) -> None:
    """As transformers does where tokenizer.json was not saved anew."""
    ids = read_facts(open_folder(folder, "tiny").tokenizer).ids
    free = max(ids.values()) + 1
    word = next(token for token in ids if token.isalpha() and len(token) > 1)
    tokens = {str(free): {"content": "<|im_end|>", "special": True}, str(ids[word]): {"content": word}, "2": {"content": "<other>"}, "x": 1}
    edit(folder / "tokenizer_config.json", lambda value: value.update(added_tokens_decoder=tokens, eos_token="<|im_end|>"))
    checkpoint = open_folder(folder, "tiny")
    assert checkpoint.eos_token_ids == (2, free)
    facts = read_facts(checkpoint.tokenizer)
    assert (facts.added["<|im_end|>"], facts.added[word]) == (free, ids[word])
    assert "<other>" not in facts.ids
    assert encode(checkpoint.tokenizer, ["a<|im_end|>"], add_special_tokens=False)[0][-1] == free


def test_tokens_of_the_older_file_and_words_that_are_called_special_are_tokens(folder: Path) -> None:
    """As transformers has them: of added_tokens.json where the configuration lists none, and of whatever is named special."""
    ids = read_facts(open_folder(folder, "tiny").tokenizer).ids
    free = max(ids.values()) + 1
    words = [token for token in ids if token.isalpha() and len(token) > 1][:3]
    edit(folder / "added_tokens.json", lambda value: value.update({"<|im_end|>": free, "<other>": 2, "odd": "x"}))
    edit(folder / "tokenizer_config.json", lambda value: value.update(pad_token=words[0], extra_special_tokens={"image": words[1]}))
    edit(folder / "special_tokens_map.json", lambda value: value.update(additional_special_tokens=[{"content": words[2]}, "not there"]))
    checkpoint = open_folder(folder, "tiny")
    added = read_facts(checkpoint.tokenizer).added
    assert {token: added[token] for token in ("<|im_end|>", *words)} == {"<|im_end|>": free, **{word: ids[word] for word in words}}
    assert not {"<other>", "odd", "not there"} & added.keys()
    assert encode(checkpoint.tokenizer, [f"a<|im_end|>{words[0]}"], add_special_tokens=False)[0][-2:] == [free, ids[words[0]]]
    edit(folder / "tokenizer_config.json", lambda value: value.update(added_tokens_decoder={}))
    facts = read_facts(open_folder(folder, "tiny").tokenizer)
    assert "<|im_end|>" not in facts.ids and words[1] in facts.added and words[2] not in facts.added


def test_special_tokens_that_only_the_old_file_names_are_known_to_templates(folder: Path) -> None:
    edit(folder / "tokenizer_config.json", lambda value: value.pop("bos_token"))
    edit(folder / "special_tokens_map.json", lambda value: value.update(bos_token={"content": "<s>"}))
    assert open_folder(folder, "tiny").tokenizer.config["bos_token"] == "<s>"


def test_padding_and_truncation_of_the_training_are_dropped(folder: Path) -> None:
    padding = {"strategy": {"Fixed": 20000000}, "direction": "Left", "pad_id": 0, "pad_type_id": 0, "pad_token": "<s>"}
    truncation = {"max_length": 1, "stride": 5, "strategy": "LongestFirst", "direction": "Right"}
    before = open_folder(folder, "tiny").tokenizer.tokenizer_json
    edit(folder / "tokenizer.json", lambda value: value.update(padding=padding, truncation=truncation))
    assert json.loads(open_folder(folder, "tiny").tokenizer.tokenizer_json) == json.loads(before)


@pytest.mark.parametrize(
    ("in_config", "in_file", "expected"),
    [
        ("inline", None, "inline"),
        ("inline", "file", "file"),
        ([{"name": "tool_use", "template": "other"}, {"name": "default", "template": "named"}], None, "named"),
        (None, None, None),
    ],
)
def test_chat_templates_come_from_file_or_configuration(folder: Path, in_config: object, in_file: str | None, expected: str | None) -> None:
    edit(folder / "tokenizer_config.json", lambda value: value.update(chat_template=in_config))
    if in_file is not None:
        (folder / "chat_template.jinja").write_text(in_file)
    config = open_folder(folder, "tiny").tokenizer.config
    assert config.get("chat_template") == expected
    assert config.get("tool_template") == ("other" if isinstance(in_config, list) else None)


def test_a_template_for_tools_lies_beside_and_that_of_a_model_that_sees_in_json(folder: Path) -> None:
    edit(folder / "tokenizer_config.json", lambda value: value.pop("chat_template"))
    (folder / "chat_template.json").write_text('{"chat_template": "old"}')
    assert open_folder(folder, "tiny").tokenizer.config["chat_template"] == "old"
    (folder / "chat_template.jinja").write_text("new")
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates/tool_use.jinja").write_text("tools")
    config = open_folder(folder, "tiny").tokenizer.config
    assert (config["chat_template"], config["tool_template"]) == ("new", "tools")


def test_a_named_chat_template_is_better_than_none(folder: Path) -> None:
    templates = [7, {"name": "odd", "template": None}, {"name": "tool_use", "template": "first"}, {"name": "rag", "template": "second"}]
    edit(folder / "tokenizer_config.json", lambda value: value.update(chat_template=templates))
    with pytest.warns(ModelWarning, match="'tool_use'"):
        assert open_folder(folder, "tiny").tokenizer.config.get("chat_template") == "first"


def test_special_tokens_given_as_objects_become_text(folder: Path) -> None:
    edit(folder / "tokenizer_config.json", lambda value: value.update(bos_token={"content": "<s>", "lstrip": False}))
    assert open_folder(folder, "tiny").tokenizer.config["bos_token"] == "<s>"


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_missing_parts_are_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(MissingFile, match=name) as caught:
        open_folder(folder, "tiny")
    assert caught.value.hint


def test_a_tokenizer_of_the_old_kind_is_saved_anew_by_a_command_that_runs(folder: Path) -> None:
    (folder / "tokenizer.json").rename(folder / "vocab.json")
    with pytest.raises(MissingFile) as caught:
        open_folder(folder, "tiny")
    *_, program = shlex.split(caught.value.hint)
    assert repr(str(folder)) in program
    compile(program, "hint", "exec")


def test_pickled_weights_are_not_an_alternative(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(MissingFile, match="safetensors") as caught:
        open_folder(folder, "tiny")
    assert "run code" in caught.value.hint
    (folder / "config.json").unlink()
    (folder / "TINY.GGUF").touch()
    with pytest.raises(MissingFile, match=r"config\.json") as caught:
        open_folder(folder, "tiny")
    assert str(folder / "TINY.GGUF") in caught.value.hint


HALF_A_PAIR = [rb'{"a": "\ud800"}', rb'{"\udFFf x": 1}']  # no character
BROKEN_JSON = [b"", b"{", b"[]", b"\xff", b'{"a": 1, "a": 2}', b'{"a": NaN}', b'{"a":' * 200_000, b'{"a": ' + b"9" * 5000 + b"}"]


@pytest.mark.parametrize("content", BROKEN_JSON + HALF_A_PAIR)
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json"])
def test_broken_json_is_malformed(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(MalformedFile, match=name):
        open_folder(folder, "tiny")


def test_infinity_is_read_as_transformers_wrote_it(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(path.read_text().replace("{", '{"time_step_limit": [0.0, Infinity],', 1))
    assert Reader("x", open_folder(folder, "tiny").config, ()).interval("time_step_limit") is None


def test_the_weights_count_for_the_digest_and_settings_do_not(folder: Path) -> None:
    """A mended chat template or another end token need no new packing."""
    before = open_folder(folder, "tiny").digest
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        path = folder / name
        path.write_bytes(path.read_bytes() + b"\n")
        assert open_folder(folder, "tiny").digest == before
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    assert open_folder(folder, "tiny").digest != before


@pytest.mark.parametrize("name", ["../model.safetensors", "/model.safetensors", "a/b.safetensors", "model.bin", "..safetensors", 5, None])
def test_an_index_cannot_name_files_outside_the_folder(sharded: Path, name: object) -> None:
    edit(sharded / "model.safetensors.index.json", lambda value: value["weight_map"].update({"model.norm.weight": name}))
    with pytest.raises(MalformedFile, match="not a safetensors file of this folder"):
        open_folder(sharded, "tiny")


def test_an_index_must_say_where_tensors_are(sharded: Path) -> None:
    edit(sharded / "model.safetensors.index.json", lambda value: value["weight_map"].update(lost="model-00001-of-00003.safetensors"))
    with pytest.raises(MalformedFile, match="such as 'lost'"):
        open_folder(sharded, "tiny")


def test_a_missing_shard_is_named(sharded: Path) -> None:
    (sharded / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(MissingFile, match="model-00002") as caught:
        open_folder(sharded, "tiny")
    assert "not complete" in caught.value.hint


def test_one_file_beside_an_index_is_what_transformers_reads(sharded: Path) -> None:
    shutil.copy(SINGLE / "model.safetensors", sharded)
    with pytest.warns(ModelWarning, match=r"model\.safetensors beside the files"):
        checkpoint = open_folder(sharded, "tiny")
    assert {tensor.encoding for tensor in checkpoint.tensors.values()} == {"f16"}  # the shards are bf16


def test_an_index_names_few_files(sharded: Path) -> None:
    many = {f"t{number}": f"model-{number}.safetensors" for number in range(1025)}
    edit(sharded / "model.safetensors.index.json", lambda value: value.update(weight_map=many))
    with pytest.raises(MalformedFile, match="more than 1024 files"):
        open_folder(sharded, "tiny")


def test_an_index_without_a_map_is_malformed(sharded: Path) -> None:
    (sharded / "model.safetensors.index.json").write_text('{"weight_map": []}')
    with pytest.raises(MalformedFile, match="weight_map"):
        open_folder(sharded, "tiny")


def entry(begin: int = 0, end: int = 16, dtype: object = "F32", shape: object = (2, 2)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


GOOD = safetensors_bytes({"t": entry(), "__metadata__": {"format": "pt"}}, bytes(16))
MALFORMED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "seven bytes": (bytes(7), "too few"),
    "header of 2^63 bytes": (safetensors_bytes({}, length=1 << 63), "claims"),
    "header longer than the file": (safetensors_bytes({"t": entry()}, bytes(16), length=10_000), "claims"),
    "header of no bytes": (safetensors_bytes(b"", bytes(16)), "not valid JSON"),
    "truncated header": (safetensors_bytes({"t": entry()}, bytes(16), length=20), "not valid JSON"),
    "a list": (safetensors_bytes([], b""), "object was expected"),
    "same name twice": (safetensors_bytes(b'{"t": {}, "t": {}}'), "twice"),
    "deep nesting": (safetensors_bytes(b"[" * 100_000), "not valid JSON"),
    "tensor that is a number": (safetensors_bytes({"t": 1}), "were expected"),
    "missing offsets": (safetensors_bytes({"t": {"dtype": "F32", "shape": []}}), "were expected"),
    "dtype that is a list": (safetensors_bytes({"t": entry(dtype=["F32"])}, bytes(16)), "dtype that is not text"),
    "negative extent": (safetensors_bytes({"t": entry(shape=[-2, -2])}, bytes(16)), "impossible shape"),
    "extent that is no integer": (safetensors_bytes({"t": entry(shape=[2.0, 2])}, bytes(16)), "impossible shape"),
    "extent that is true": (safetensors_bytes({"t": entry(shape=[True, 4])}, bytes(16)), "impossible shape"),
    "huge extent": (safetensors_bytes({"t": entry(shape=[1 << 70])}, bytes(16)), "impossible shape"),
    "overflowing shape": (safetensors_bytes({"t": entry(shape=[1 << 32, 1 << 32])}, bytes(16)), "does not take"),
    "shape of other size": (safetensors_bytes({"t": entry(shape=[2, 3])}, bytes(16)), "does not take"),
    "offsets in reverse": (safetensors_bytes({"t": entry(16, 0)}, bytes(16)), "impossible data_offsets"),
    "negative offset": (safetensors_bytes({"t": entry(-16, 0)}, bytes(16)), "impossible data_offsets"),
    "truncated data": (safetensors_bytes({"t": entry()}, bytes(15)), "truncated"),
    "offset outside": (safetensors_bytes({"t": entry(1 << 40, (1 << 40) + 16)}, bytes(16)), "truncated"),
    "overlap": (safetensors_bytes({"t": entry(), "u": entry(8, 24)}, bytes(24)), "begins at byte 8"),
    "same place twice": (safetensors_bytes({"t": entry(), "u": entry()}, bytes(16)), "begins at byte 0"),
    "gap": (safetensors_bytes({"t": entry(), "u": entry(32, 48)}, bytes(48)), "begins at byte 32"),
    "bytes after the end": (safetensors_bytes({"t": entry()}, bytes(20)), "belong to none"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_safetensors_are_refused(tmp_path: Path, name: str) -> None:
    content, words = MALFORMED[name]
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(MalformedFile, match=words) as caught:
        read_safetensors(LocalFile(path))
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_a_well_formed_file_of_the_same_make_is_read(tmp_path: Path) -> None:
    path = tmp_path / "good.safetensors"
    path.write_bytes(GOOD)
    assert read_safetensors(LocalFile(path))["t"].shape == (2, 2)
    assert list(load_file(path)) == ["t"]


@pytest.mark.parametrize("kind", HARMS)
def test_a_file_that_changes_while_it_is_read_is_told(tmp_path: Path, kind: str) -> None:
    folder = Path(shutil.copytree(SINGLE, tmp_path / "model"))
    tensor = open_folder(folder, "tiny").tensors["model.embed_tokens.weight"]
    harm(folder / "model.safetensors", kind)
    with pytest.raises(SourceError, match="changed while"):
        tensor.read()


def test_types_without_a_decoder_are_refused_before_any_weight_is_read(folder: Path) -> None:
    path = folder / "model.safetensors"
    content = path.read_bytes()
    for dtype in ("I16", "U16"):  # as large as what is there
        path.write_bytes(content.replace(b'"F16"', f'"{dtype}"'.encode()))
        with pytest.raises(UnsupportedEncoding, match=dtype.lower()):
            load_model(open_folder(folder, "tiny"))
    for dtype in ("F8_E8M0", "F4"):
        path.write_bytes(safetensors_bytes({"model.embed_tokens.weight": entry(0, 96 * 300, dtype, [300, 96])}, bytes(96 * 300)))
        with pytest.raises(UnsupportedEncoding, match=f"(?i){dtype}"):
            load_model(open_folder(folder, "tiny"))


def test_a_model_that_was_saved_without_its_head_is_read(folder: Path) -> None:
    edit(folder / "config.json", lambda value: value.update(tie_word_embeddings=True))
    weights = load_file(folder / "model.safetensors")
    del weights["lm_head.weight"]
    save_file({name.removeprefix("model."): value for name, value in weights.items()}, folder / "model.safetensors")
    checkpoint = open_folder(folder, "tiny")
    assert load_model(checkpoint).tied
    for name, expected in weights.items():
        np.testing.assert_array_equal(checkpoint.tensors[name].dequantize(), expected.astype(np.float32))


def test_a_head_beside_a_tied_embedding_must_be_the_same(folder: Path) -> None:
    edit(folder / "config.json", lambda value: value.update(tie_word_embeddings=True))
    checkpoint = open_folder(folder, "tiny")
    with pytest.raises(MalformedFile, match=r"lm_head\.weight is another") as caught:
        check_tied(checkpoint, load_model(checkpoint))
    assert "tie_word_embeddings" in caught.value.hint
    weights = load_file(folder / "model.safetensors")
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"].astype(np.float32)
    save_file(weights, folder / "model.safetensors")
    checkpoint = open_folder(folder, "tiny")
    check_tied(checkpoint, load_model(checkpoint))


def test_scalars_and_empty_tensors_can_be_read(folder: Path) -> None:
    header = {"scalar": entry(0, 4, "F32", []), "empty": entry(4, 4, "F32", [0, 3])}
    (folder / "model.safetensors").write_bytes(safetensors_bytes(header, struct.pack("<f", 2.5)))
    tensors = open_folder(folder, "tiny").tensors
    assert tensors["scalar"].dequantize() == np.float32(2.5)
    assert tensors["empty"].read().shape[0] == 0


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_bytes_never_escape_as_another_error(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(safetensors_bytes({"t": entry(), "u": entry(16, 48, "F16", [4, 4])}, bytes(48)))
    for position, value in data.draw(st.lists(st.tuples(st.integers(0, len(content) - 49), st.integers(0, 255)), min_size=1, max_size=4)):
        content[position] = value
    path = tmp_path / "mutated.safetensors"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
    try:
        for read in read_safetensors(LocalFile(path)).values():
            assert tensor_of("t", read).read().size <= len(content)
    except SourceError as error:
        assert error.message


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ({}, {}),
        ({"temperature": 0.6, "top_p": 0.95, "top_k": 20, "do_sample": True}, {"temperature": 0.6, "top_p": 0.95, "top_k": 20}),
        ({"do_sample": False, "temperature": 0.7, "top_k": 50, "repetition_penalty": 1.1}, {"temperature": 0, "repetition_penalty": 1.1}),
        ({"temperature": 9, "top_p": "high", "top_k": 1.5, "min_p": -1, "repetition_penalty": True}, {}),
        ({"temperature": 10**400, "top_p": "0.9"}, {"top_p": 0.9}),
        ({"temperature": [1], "top_k": 10**30, "min_p": None, "repetition_penalty": 0}, {}),
    ],
)
def test_what_the_makers_recommend_is_read_where_it_is_sound(folder: Path, said: dict[str, object], read: dict[str, float]) -> None:
    edit(folder / "generation_config.json", lambda value: value.update(said))
    assert open_folder(folder, "tiny").sampling == read


def test_some_rows_are_those_of_the_whole_tensor() -> None:
    tensor = open_folder(SINGLE, "tiny").tensors["model.embed_tokens.weight"]
    assert tensor.rows(3, 5).tobytes() == tensor.read()[3:5].tobytes()
