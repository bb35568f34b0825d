"""Vocabularies of GGUFs: real ones, cut down, against the ids that Hugging Face's tokenizers make, in Python and in the page.

golden/make_vocabularies.py makes them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers

from webllm_build.errors import MalformedFile, MissingFile, ModelWarning
from webllm_build.package.assets import runtime_folder
from webllm_build.source.checkpoint import Tokenizer
from webllm_build.source.gguf_header import Metadata, Value
from webllm_build.source.gguf_pre_tokenizers import PRE_TOKENIZERS, pre_tokenizer
from webllm_build.source.gguf_tokenizer import eos_token_ids, read_tokenizer
from webllm_build.source.tokenizer_json import read_facts
from webllm_build.source.tokenizer_process import run_child
from webllm_build.tokenizer_check import CHECK, find_node

VOCABULARIES: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).resolve().parents[1] / "fixtures" / "vocabularies.json").read_text("utf-8")
)


def metadata(**values: Value) -> Metadata:
    return Metadata(Path("x.gguf"), {f"tokenizer.ggml.{key}": value for key, value in values.items()})


def converted(vocabulary: dict[str, Any], **changes: Value) -> Tokenizer:
    values = {key: value for key, value in vocabulary.items() if key not in ("texts", "ids")} | changes
    arrays = {"scores": np.float32, "token_type": np.int32}
    return read_tokenizer(metadata(**{key: np.array(value, arrays[key]) if key in arrays else value for key, value in values.items()}))


def encode(tokenizer: Tokenizer, texts: list[str], *, special: bool = False) -> list[list[int]]:
    library = tokenizers.Tokenizer.from_str(tokenizer.tokenizer_json.decode())
    return [library.encode(text, add_special_tokens=special).ids for text in texts]


@pytest.mark.parametrize("kind", VOCABULARIES)
def test_texts_become_the_tokens_that_the_model_was_trained_with(kind: str) -> None:
    vocabulary = VOCABULARIES[kind]
    tokenizer = converted(vocabulary)
    read_facts(tokenizer)
    assert encode(tokenizer, vocabulary["texts"]) == vocabulary["ids"]


@pytest.mark.parametrize("kind", VOCABULARIES)
def test_texts_become_the_same_tokens_in_the_page(kind: str) -> None:
    vocabulary, node = VOCABULARIES[kind], find_node()
    if node is None:
        pytest.skip("there is no Node")
    request = {"tokenizer": converted(vocabulary).tokenizer_json.decode(), "config": {}, "conversations": [], "texts": vocabulary["texts"]}
    assert run_child([node, str(runtime_folder() / CHECK)], request)["ids"] == vocabulary["ids"]


def test_smaug_cuts_like_llama() -> None:
    vocabulary = VOCABULARIES["llama-bpe"]
    assert encode(converted(vocabulary, pre="smaug-bpe"), vocabulary["texts"]) == vocabulary["ids"]


def test_bert_puts_its_marks_around_a_text() -> None:
    vocabulary = VOCABULARIES["bert-bge"]
    tokenizer = converted(vocabulary)
    first, last = vocabulary["cls_token_id"], vocabulary["seperator_token_id"]
    assert encode(tokenizer, vocabulary["texts"], special=True) == [[first, *ids, last] for ids in vocabulary["ids"]]
    assert (tokenizer.config["bos_token"], tokenizer.config["eos_token"]) == ("[CLS]", "[SEP]")


def test_a_text_may_keep_its_case_and_accents() -> None:
    vocabulary = VOCABULARIES["bert-bge"]
    document = json.loads(converted(vocabulary, **{"normalizer.lowercase": False}).tokenizer_json)
    assert (document["normalizer"]["lowercase"], document["normalizer"]["strip_accents"]) == (False, False)


def test_word_pieces_are_told_apart() -> None:
    vocabulary = VOCABULARIES["bert-bge"]
    twice = [*vocabulary["tokens"][:-1], "[same]", "\u2581[same]"]
    with pytest.raises(MalformedFile, match="same word piece twice"):
        converted({**vocabulary, "tokens": twice, "token_type": [*vocabulary["token_type"], 1]})
    with pytest.warns(ModelWarning, match="unknown_token_id is 4096"), pytest.raises(MissingFile, match="no unknown token"):
        converted(vocabulary, unknown_token_id=4096)


def unigram(**changes: Value) -> Tokenizer:
    tokens = ["<pad>", "</s>", "<unk>", "\u2581", "\u2581the", "\u2581cat", "th", "e", "c", "at", "<0x41>", "<x>"]
    scores = [0, 0, 0, -2, -3, -4, -5, -5, -6, -6, -9, 0]
    types = [3, 3, 2, 1, 1, 1, 1, 1, 1, 1, 5, 4]
    values: dict[str, Value] = {"scores": np.array(scores, np.float32), "token_type": np.array(types, np.int32), "add_space_prefix": True}
    return read_tokenizer(metadata(model="t5", tokens=tokens, **{**values, **changes}))


def test_unigram_takes_the_likeliest_cut() -> None:
    tokenizer = unigram()
    assert encode(tokenizer, ["the cat", "that", "zz e", "a<x>"]) == [[4, 5], [3, 6, 9], [3, 2, 3, 7], [3, 2, 11]]
    assert encode(tokenizer, ["the"], special=True) == [[4, 1]]
    assert encode(unigram(add_space_prefix=False, add_eos_token=False), ["the"], special=True) == [[6, 7]]
    assert encode(unigram(remove_extra_whitespaces=True), ["  the   cat "]) == [[4, 5]]


def test_marks_of_a_gap_are_tokens_of_their_own_though_the_file_takes_them_for_words() -> None:
    vocabulary, marks = VOCABULARIES["llama-spm"], ["▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>"]
    count = len(vocabulary["tokens"])
    longer: dict[str, list[object]] = {"tokens": [*marks], "token_type": [1] * 4, "scores": [0.0] * 4}
    tokenizer = converted({**vocabulary, **{key: vocabulary[key] + values for key, values in longer.items()}})
    added = {token["content"]: token["id"] for token in json.loads(tokenizer.tokenizer_json)["added_tokens"]}
    assert [added[mark] for mark in marks] == [count, count + 1, count + 2, count + 3]
    assert encode(tokenizer, ["▁<PRE>"]) == [[count]]


def test_the_file_decides_whether_a_text_ends() -> None:
    vocabulary = VOCABULARIES["qwen2"]
    tokenizer = converted({**vocabulary, "eos_token_id": 0}, add_eos_token=True)
    assert encode(tokenizer, ["a"], special=True)[0][-1] == 0
    assert tokenizer.config["add_eos_token"] is True


def test_bert_ends_where_llama_cpp_says() -> None:
    assert eos_token_ids(metadata(model="bert", tokens=["[PAD]"] * 200)) == (102,)


def test_berts_marks_may_have_other_ids() -> None:
    vocabulary = VOCABULARIES["bert-bge"]
    config = converted(vocabulary, cls_token_id=7, seperator_token_id=8).config
    assert (config["bos_token"], config["eos_token"]) == tuple(vocabulary["tokens"][7:9])


def test_berts_marks_are_there_whatever_else_the_file_says() -> None:
    """As in llama.cpp, which asks a vocabulary of this kind neither whether they are added nor for another end."""
    vocabulary = VOCABULARIES["bert-bge"]
    tokenizer = converted(vocabulary, eos_token_id=9, bos_token_id=7, add_bos_token=False, add_eos_token=False)
    assert encode(tokenizer, vocabulary["texts"][:1], special=True) == [[7, *vocabulary["ids"][0], vocabulary["seperator_token_id"]]]


@pytest.mark.parametrize(("kind", "pre", "begins"), [("gemma4", None, True), ("gpt2", "gemma4", True), ("gpt2", "sarvam-moe", False)])
def test_a_text_of_gemma_4_begins_though_early_files_say_no(kind: str, pre: str | None, begins: bool) -> None:
    said: dict[str, Value] = {"merges": [], "bos_token_id": 0, "unknown_token_id": 1, "add_bos_token": False}
    said |= {} if pre is None else {"pre": pre}
    tokenizer = read_tokenizer(metadata(model=kind, tokens=["<bos>", "<unk>", "a"], token_type=np.array([3, 2, 1], np.int32), **said))
    assert encode(tokenizer, ["a"], special=True) == [[0, 2] if begins else [2]]
    assert tokenizer.config["add_bos_token"] is begins


def test_what_marks_another_file_ends_an_answer() -> None:
    said = {"fim_pre_token_id": 3, "fim_pad_token_id": 4, "fim_rep_token_id": 5, "fim_sep_token_id": 6, "eos_token_id": 2}
    assert eos_token_ids(metadata(model="gpt2", tokens=["a"] * 9, **said)) == (2, 4, 5, 6)


@pytest.mark.parametrize("kind", [None, "", "default", "none"])
def test_without_a_kind_there_is_a_warning(kind: str | None) -> None:
    with pytest.warns(ModelWarning, match="default"):
        values = {key: value for key, value in VOCABULARIES["falcon"].items() if key != "pre"}
        assert converted(values, **({} if kind is None else {"pre": kind}))


@pytest.mark.parametrize(
    ("size", "token", "expected"),
    [
        (128256, "<|begin_of_text|>", "llama-bpe"),
        (151936, "<|endoftext|>", "qwen2"),
        (49152, "<|endoftext|>", "smollm"),
        (50257, "<|endoftext|>", "gpt-2"),
        (131072, "[INST]", "tekken"),
        (128256, "<s>", "default"),
        (60000, "<|endoftext|>", "default"),
    ],
)
def test_a_family_is_known_by_its_vocabulary(size: int, token: str, expected: str) -> None:
    with pytest.warns(ModelWarning, match=f"Taken: {expected}"):
        assert pre_tokenizer("x.gguf", None, [token, *map(str, range(size - 1))]) == PRE_TOKENIZERS[expected]


@pytest.mark.parametrize("kind", ["tekken", "gpt-4o"])
def test_words_are_cut_where_case_changes(kind: str) -> None:
    letters = [chr(code) for code in (*range(33, 127), *range(161, 173), *range(174, 324))]
    document = read_tokenizer(metadata(model="gpt2", tokens=letters, merges=[], pre=kind)).tokenizer_json
    cut = tokenizers.Tokenizer.from_str(document.decode()).pre_tokenizer.pre_tokenize_str
    assert [piece for piece, _ in cut("helloWORLD aB")] == ["hello", "WORLD", "\u0120a", "B"]
    assert [piece for piece, _ in cut("1234")] == (["1", "2", "3", "4"] if kind == "tekken" else ["123", "4"])
    assert [piece for piece, _ in cut("it's")] == (["it", "'s"] if kind == "tekken" else ["it's"])


def test_a_vocabulary_cannot_blow_up() -> None:
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    tokens = ["<unk>", *(letter * length for letter in letters for length in range(1, 513))]
    values: dict[str, Value] = {"scores": np.zeros(len(tokens), np.float32), "token_type": np.array([2] + [1] * (len(tokens) - 1))}
    with pytest.raises(MalformedFile, match="too much alike"):
        read_tokenizer(metadata(model="llama", tokens=tokens, unknown_token_id=0, **values))
