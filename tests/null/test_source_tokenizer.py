"""tokenizer.json made from GGUF metadata: run by the tokenizers library, compared with encoders written here from their definitions."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from tiny_models import hugging_face_weights, write_gguf

import cut_model
from webllm_build.cache import Cache
from webllm_build.catalog import CATALOG
from webllm_build.config import default_cache_dir
from webllm_build.errors import MalformedFile, MissingFile, ModelWarning, SourceError, UnsupportedTokenizer
from webllm_build.source import Checkpoint, open_checkpoint
from webllm_build.source.folder import LocalFile
from webllm_build.source.gguf_header import Metadata, Value, read_gguf
from webllm_build.source.gguf_tokenizer import eos_token_ids, read_tokenizer

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "reference" / "smollm2.json"

TEXTS = [
    "",
    " ",
    "Hello, world!",
    "  two  spaces   and\ttabs\t\tand\n\nnewlines \n ",
    "trailing spaces    ",
    "it's they're I'LL can'T don\u2019t 'tis 'S",
    "1 23 456 7890 12345678901234567890",
    "v1.2.3-beta+4 3.14e-10 0x7fff ½ ² ٣٤ Ⅷ ௧௨",
    "naïve façade Zürich ﬁancée e\u0301 \u00a0nbsp\u3000wide",
    "日本語の文章。漢字かな交じり文、テスト\uff01",
    "Привет мир שלום עולם مرحبا بالعالم नमस्ते",
    "👍🏽 👨‍👩‍👧‍👦 🇩🇪 emoji…",
    "def f(x):\n    return x**2  # comment\n\n\nprint(f(3))",
    "https://example.org/a?b=c&d=%20#e",
    "___ --- *** ```code``` \\n <tag/> {[()]}",
    "\r\n\r\nwindows\r\nlines\r",
    "\u200bzero\ufeffwidth\u0000null",
    "aAbBcC" * 40,
]


# --- byte-level BPE, from the definition in GPT-2's encoder.py ---


def byte_letters() -> dict[int, str]:
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in printable}
    letters.update({byte: chr(256 + i) for i, byte in enumerate(b for b in range(256) if b not in printable)})
    return letters


def is_space(c: str) -> bool:
    return c in "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" or "\u2000" <= c <= "\u200a"


def kind(c: str) -> str:
    return "space" if is_space(c) else {"L": "letter", "N": "number"}.get(unicodedata.category(c)[0], "other")


def run_end(text: str, start: int, wanted: str) -> int:
    while start < len(text) and kind(text[start]) == wanted:
        start += 1
    return start


def gpt2_words(text: str) -> list[str]:
    """'s|'t|'re|'ve|'m|'ll|'d| ?letters| ?numbers| ?others|spaces but the last before a word|spaces"""
    words, i = [], 0
    while i < len(text):
        contraction = next((c for c in ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d") if text.startswith(c, i)), None)
        begin = i + 1 if text[i] == " " and i + 1 < len(text) and kind(text[i + 1]) != "space" else i
        if contraction:
            end = i + len(contraction)
        elif kind(text[begin]) != "space":
            end = run_end(text, begin, kind(text[begin]))
        else:
            end = run_end(text, i, "space")
            if end < len(text) and end - i > 1:
                end -= 1
        words.append(text[i:end])
        i = end
    return words


def smollm_words(text: str) -> list[str]:
    """Every digit by itself, the text between digits as GPT-2 does."""
    words, rest = [], ""
    for c in text:
        if kind(c) == "number":
            words += [*gpt2_words(rest), c]
            rest = ""
        else:
            rest += c
    return words + gpt2_words(rest)


def llama3_words(text: str) -> list[str]:
    """(?i:contractions)|[^\\r\\n letter number]?letters|numbers{1,3}| ?others newlines*|spaces* newlines+|spaces but the last|spaces"""
    words, i = [], 0
    while i < len(text):
        c, following = text[i], text[i + 1] if i + 1 < len(text) else ""
        contraction = next((s for s in ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d") if text[i:].lower().startswith(s)), None)
        blanks = run_end(text, i, "space")
        last_newline = max((j for j in range(i, blanks) if text[j] in "\r\n"), default=None)
        if contraction:
            end = i + len(contraction)
        elif kind(c) == "letter":
            end = run_end(text, i, "letter")
        elif c not in "\r\n" and kind(c) != "number" and following and kind(following) == "letter":
            end = run_end(text, i + 1, "letter")
        elif kind(c) == "number":
            end = min(run_end(text, i, "number"), i + 3)
        elif kind(c) == "other" or (c == " " and following and kind(following) == "other"):
            end = run_end(text, i + (c == " "), "other")
            while end < len(text) and text[end] in "\r\n":
                end += 1
        elif last_newline is not None:
            end = last_newline + 1
        elif blanks < len(text) and blanks - i > 1:
            end = blanks - 1
        else:
            end = blanks
        words.append(text[i:end])
        i = end
    return words


def merge_word(word: str, ranks: Mapping[tuple[str, str], int]) -> list[str]:
    parts = list(word)
    while len(parts) > 1:
        best = min(range(len(parts) - 1), key=lambda i: ranks.get((parts[i], parts[i + 1]), len(ranks)))
        if (parts[best], parts[best + 1]) not in ranks:
            break
        parts[best : best + 2] = [parts[best] + parts[best + 1]]
    return parts


@pytest.fixture(scope="module")
def smollm2() -> Checkpoint:
    return open_checkpoint("smollm2-135m", CATALOG, Cache(default_cache_dir()))


@pytest.fixture(scope="module")
def document(smollm2: Checkpoint) -> dict[str, object]:
    value: dict[str, object] = json.loads(smollm2.tokenizer.tokenizer_json)
    return value


@pytest.fixture(scope="module")
def library(smollm2: Checkpoint) -> tokenizers.Tokenizer:
    return tokenizers.Tokenizer.from_str(smollm2.tokenizer.tokenizer_json.decode())


@pytest.fixture(scope="module")
def gpt2_vocabulary() -> tuple[list[str], dict[tuple[str, str], int]]:
    """Tokens and merge ranks as the file holds them."""
    metadata = read_gguf(LocalFile(cut_model.smollm2())).metadata
    tokens, merges = metadata.texts("tokenizer.ggml.tokens"), metadata.texts("tokenizer.ggml.merges")
    assert tokens is not None
    assert merges is not None
    return tokens, {(merge.split(" ")[0], merge.split(" ")[1]): rank for rank, merge in enumerate(merges)}


@pytest.mark.parametrize("text", TEXTS)
def test_smollm2_encodes_as_the_definition_says(
    library: tokenizers.Tokenizer, gpt2_vocabulary: tuple[list[str], dict[tuple[str, str], int]], text: str
) -> None:
    tokens, ranks = gpt2_vocabulary
    ids = {token: index for index, token in enumerate(tokens)}
    letters = byte_letters()
    words = ["".join(letters[byte] for byte in word.encode()) for word in smollm_words(text)]
    expected = [ids[part] for word in words for part in merge_word(word, ranks)]
    assert library.encode(text).ids == expected
    assert library.decode(expected, skip_special_tokens=False) == text


def test_prompts_encode_as_transformers_did(smollm2: Checkpoint, library: tokenizers.Tokenizer) -> None:
    """The golden ids were made with a tokenizer that was put together by hand, through transformers."""
    from jinja2 import Environment

    template = Environment().from_string(str(smollm2.tokenizer.config["chat_template"]))
    prompts = json.loads(GOLDEN.read_text())["prompts"]
    assert len(prompts) >= 8
    for prompt in prompts:
        text = template.render(messages=prompt["messages"], add_generation_prompt=True)
        assert library.decode(prompt["prompt_ids"], skip_special_tokens=False) == text, prompt["name"]
        if not any("<|" in message["content"] for message in prompt["messages"]):  # control tokens in a message are text there
            assert library.encode(text).ids == prompt["prompt_ids"], prompt["name"]


def test_special_tokens_are_cut_out_of_text(library: tokenizers.Tokenizer) -> None:
    ids = library.encode("<|im_start|>user\nHi<|im_end|><|im_start|>").ids
    assert ids[0] == 1
    assert ids[-2:] == [2, 1]
    assert library.decode(ids) == "user\nHi"
    assert library.encode("<|im_start |>").ids[0] != 1


def test_special_flags_and_configuration(smollm2: Checkpoint, document: dict[str, object]) -> None:
    added = document["added_tokens"]
    assert isinstance(added, list)
    assert [token["id"] for token in added] == list(range(17))
    assert all(token["special"] and not token["normalized"] for token in added)
    config = smollm2.tokenizer.config
    assert (config["bos_token"], config["eos_token"], config["add_bos_token"]) == ("<|im_start|>", "<|im_end|>", False)
    assert smollm2.eos_token_ids == (2,)


# --- tiny vocabularies ---


def byte_values(pre: str, merges: Sequence[str] = (), extra: Sequence[str] = ()) -> dict[str, Value]:
    """A byte-level vocabulary: three control tokens, the 256 letters, the results of the merges, `extra`."""
    tokens = ["<s>", "</s>", "<pad>", *byte_letters().values(), *(merge.replace(" ", "") for merge in merges), *extra]
    types = np.array([3, 3, 3] + [1] * (len(tokens) - 3), np.int32)
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": pre,
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": types,
        "tokenizer.ggml.merges": list(merges),
        "tokenizer.ggml.bos_token_id": 0,
        "tokenizer.ggml.eos_token_id": 1,
    }


def byte_metadata(pre: str, merges: Sequence[str] = (), extra: Sequence[str] = (), changes: Mapping[str, Value] | None = None) -> Metadata:
    """The same as metadata; `changes` by the last part of their keys."""
    changed = {f"tokenizer.ggml.{key}": value for key, value in (changes or {}).items()}
    return Metadata(Path("tiny.gguf"), byte_values(pre, merges, extra) | changed)


def load(metadata: Metadata) -> tokenizers.Tokenizer:
    return tokenizers.Tokenizer.from_str(read_tokenizer(metadata).tokenizer_json.decode())


@pytest.mark.parametrize("pre", ["llama-bpe", "gpt-2", "smollm"])
@pytest.mark.parametrize("text", TEXTS)
def test_words_are_cut_as_the_kind_says(pre: str, text: str) -> None:
    words = {"llama-bpe": llama3_words, "gpt-2": gpt2_words, "smollm": smollm_words}[pre](text)
    letters = byte_letters()
    pieces = load(byte_metadata(pre)).pre_tokenizer.pre_tokenize_str(text)
    assert [piece for piece, _ in pieces] == ["".join(letters[byte] for byte in word.encode()) for word in words]


def test_qwen2_cuts_digits_one_by_one_and_composes_characters() -> None:
    tokenizer = load(byte_metadata("qwen2"))
    assert [piece for piece, _ in tokenizer.pre_tokenizer.pre_tokenize_str("ab 123!\n")] == ["ab", "Ġ", "1", "2", "3", "!Ċ"]
    assert tokenizer.encode("e\u0301").ids == tokenizer.encode("\u00e9").ids


def test_llama_3_begins_with_bos_and_takes_whole_words_first() -> None:
    metadata = byte_metadata("llama-bpe", merges=["a b"], extra=["abc"])
    tokenizer = load(metadata)
    tokens = metadata.texts("tokenizer.ggml.tokens")
    assert tokens is not None
    assert tokenizer.encode("abc").ids == [0, tokens.index("abc")]  # no merge makes it
    assert tokenizer.encode("abc", add_special_tokens=False).ids == [tokens.index("abc")]
    assert read_tokenizer(metadata).config["add_bos_token"] is True


def test_the_file_decides_whether_bos_is_added() -> None:
    assert load(byte_metadata("llama-bpe", changes={"add_bos_token": False})).encode("a").ids[0] != 0
    assert load(byte_metadata("gpt-2", changes={"add_bos_token": True})).encode("a").ids[0] == 0
    assert load(byte_metadata("gpt-2")).encode("a").ids[0] != 0


def test_user_defined_tokens_are_found_but_not_special() -> None:
    metadata = byte_metadata("gpt-2", extra=["<tool>"])
    types = metadata.numbers("tokenizer.ggml.token_type")
    assert types is not None
    types[-1] = 4
    tokenizer = load(metadata)
    ids = tokenizer.encode("a<tool>b").ids
    assert len(ids) == 3
    assert tokenizer.decode(ids) == "a<tool>b"


def test_merges_that_fit_no_vocabulary_are_left_out() -> None:
    metadata = byte_metadata("gpt-2", extra=["ab", "abc"], changes={"merges": ["a b", "x y", "ab c", "a bc d"]})
    with pytest.warns(ModelWarning, match="2 merges, such as 'x y'"):
        document = json.loads(read_tokenizer(metadata).tokenizer_json)
    assert document["model"]["merges"] == ["a b", "ab c"]


def test_all_ends_are_collected_once() -> None:
    listed = np.array([2, 7, -1, 259], np.int32)  # as Ollama's converter writes them
    assert eos_token_ids(byte_metadata("gpt-2", changes={"eot_token_id": 2, "eom_token_id": 1, "eos_token_ids": listed})) == (1, 2, 7)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"model": "rwkv"}, UnsupportedTokenizer, "rwkv"),
        ({"pre": "kimi-k2"}, UnsupportedTokenizer, "kimi-k2"),
        ({"model": "none"}, MissingFile, "no tokenizer"),
        ({"tokens": []}, MissingFile, "no tokenizer"),
        ({"tokens": ["a", "a"]}, MalformedFile, "same token twice"),
        ({"tokens": "abc"}, MalformedFile, "array of strings"),
        ({"token_type": np.ones(3, np.int32)}, MalformedFile, "3 token types"),
        ({"token_type": np.full(259, np.nan, np.float32)}, MalformedFile, "whole numbers"),
        ({"merges": ["a"]}, MalformedFile, "1 of 1 merges, such as 'a'"),
        ({"merges": ["a éé", "a b c"]}, MalformedFile, "2 of 2 merges"),
    ],
)
def test_tokenizers_that_cannot_be_read_are_refused(changes: dict[str, Value], error: type[SourceError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        read_tokenizer(byte_metadata("gpt-2", changes=changes))
    assert caught.value.hint


def test_special_ids_that_are_no_tokens_are_taken_for_none() -> None:
    metadata = byte_metadata("gpt-2", changes={"padding_token_id": 0xFFFFFFFF, "eot_token_id": 259, "bos_token_id": -1})
    with pytest.warns(ModelWarning, match="bos_token_id is -1"), pytest.warns(ModelWarning, match="padding_token_id is 4294967295"):
        config = read_tokenizer(metadata).config
    assert not {"pad_token", "bos_token"} & set(config)
    with pytest.warns(ModelWarning, match="eot_token_id is 259"):
        assert eos_token_ids(metadata) == (1,)


def test_tokens_without_a_text_have_places_of_their_own() -> None:
    model = json.loads(read_tokenizer(byte_metadata("gpt-2", extra=["", "", "x y"])).tokenizer_json)["model"]
    assert {"[EMPTY_259]": 259, "[EMPTY_260]": 260, "x y": 261}.items() <= model["vocab"].items()


def test_the_end_of_a_turn_is_a_control_token_whatever_the_file_says() -> None:
    ids = load(byte_metadata("gpt-2", extra=["<|im_end|>", "plain"])).encode("a<|im_end|>plain").ids
    assert ids[1] == 259 and 260 not in ids


@pytest.mark.parametrize("end", ["<end_of_turn>", "[EOT]"])
def test_a_tag_of_html_is_a_word_of_gemma(end: str) -> None:
    metadata = byte_metadata("gpt-2", extra=[end])
    tokens, types = metadata.texts("tokenizer.ggml.tokens"), metadata.numbers("tokenizer.ggml.token_type")
    assert tokens is not None and types is not None
    types[tokens.index("</s>")] = 1
    added = [token["content"] for token in json.loads(read_tokenizer(metadata).tokenizer_json)["added_tokens"]]
    assert end in added
    assert ("</s>" in added) == (end == "[EOT]")


def test_a_template_under_another_name_is_better_than_none() -> None:
    values: dict[str, Value] = {**byte_values("gpt-2"), "tokenizer.chat_template.tool_use": "tools"}
    for none in ({}, {"tokenizer.chat_template": ""}):
        with pytest.warns(ModelWarning, match="'tool_use'"):
            assert read_tokenizer(Metadata(Path("x.gguf"), {**values, **none})).config["chat_template"] == "tools"
    values["tokenizer.chat_template"] = "plain"
    assert read_tokenizer(Metadata(Path("x.gguf"), values)).config["chat_template"] == "plain"


def test_a_file_may_name_no_end() -> None:
    assert eos_token_ids(Metadata(Path("x.gguf"), {"tokenizer.ggml.tokens": ["a"]})) == ()


# --- SentencePiece ---

WORDS = ["▁the", "▁cat", "▁sat", "th", "he", "▁t", "▁c", "at", "▁s", "ca", "the", "▁▁", "▁▁▁▁", "ing", "in", "ng", "▁in"]


def sentencepiece_metadata(**values: Value) -> Metadata:
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    letters = ["▁", *"abcdefghijklmnopqrstuvwxyz", ".", "é", "日"]
    tokens = ["<unk>", "<s>", "</s>", *bytes_, *WORDS, *letters]
    scores = [0.0] * 259 + [-float(rank) for rank in range(len(WORDS) + len(letters))]
    base: dict[str, Value] = {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": np.array(scores, np.float32),
        "tokenizer.ggml.token_type": np.array([2, 3, 3] + [6] * 256 + [1] * (len(tokens) - 259), np.int32),
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
    }
    return Metadata(Path("spm.gguf"), base | {f"tokenizer.ggml.{key}": value for key, value in values.items()})


def sentencepiece_ids(metadata: Metadata, text: str) -> list[int]:
    """SentencePiece's algorithm: join the neighbours whose union has the best score until none is a token; then bytes for the rest."""
    tokens, scores = metadata.texts("tokenizer.ggml.tokens"), metadata.numbers("tokenizer.ggml.scores")
    assert tokens is not None
    assert scores is not None
    score = {token: float(scores[index]) for index, token in enumerate(tokens) if index >= 259}
    parts = list(("▁" + text).replace(" ", "▁"))
    while True:
        unions = [parts[i] + parts[i + 1] for i in range(len(parts) - 1)]
        known = [i for i, union in enumerate(unions) if union in score]
        if not known:
            break
        best = max(known, key=lambda i: (score[unions[i]], -i))
        parts[best : best + 2] = [unions[best]]
    ids: list[int] = []
    for part in parts:
        ids += [tokens.index(part)] if part in score else [3 + byte for byte in part.encode()]
    return ids


@pytest.mark.parametrize(
    "text",
    ["the cat sat.", "  the    cat", "thething in a cating", "été 日本 ✓", "x", "tab\there", "catcatcat the the", " lead", "trail  "],
)
def test_sentencepiece_encodes_as_the_definition_says(text: str) -> None:
    metadata = sentencepiece_metadata()
    tokenizer = load(metadata)
    expected = sentencepiece_ids(metadata, text)
    assert tokenizer.encode(text, add_special_tokens=False).ids == expected
    assert tokenizer.encode(text).ids == [1, *expected]
    assert tokenizer.decode(expected) == text


def test_sentencepiece_has_its_usual_special_tokens_where_a_file_names_none() -> None:
    named = sentencepiece_metadata()
    keys = ("bos_token_id", "eos_token_id", "unknown_token_id")
    silent = Metadata(named.path, {key: named._values[key] for key in named if not key.endswith(keys)})
    assert read_tokenizer(silent) == read_tokenizer(named)
    assert eos_token_ids(silent) == (2,)


def test_sentencepiece_without_space_prefix() -> None:
    metadata = sentencepiece_metadata(add_space_prefix=False)
    tokens = metadata.texts("tokenizer.ggml.tokens")
    assert tokens is not None
    tokenizer = load(metadata)
    assert tokenizer.encode("the", add_special_tokens=False).ids == [tokens.index("the")]
    assert tokenizer.decode([tokens.index("▁the")]) == " the"


@pytest.mark.parametrize("scores", [None, np.zeros(3, np.float32), np.full(306, np.inf, np.float32)])
def test_sentencepiece_needs_a_score_for_every_token(scores: Value | None) -> None:
    tokens = sentencepiece_metadata().texts("tokenizer.ggml.tokens")
    assert tokens is not None
    values: dict[str, Value] = {} if scores is None else {"tokenizer.ggml.scores": scores}
    base: dict[str, Value] = {"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": tokens, "tokenizer.ggml.unknown_token_id": 0}
    with pytest.raises(MalformedFile, match="finite score"):
        read_tokenizer(Metadata(Path("spm.gguf"), base | values))


def test_a_whole_file_gives_its_tokenizer(tmp_path: Path) -> None:
    from webllm_build.source.gguf import open_gguf

    checkpoint = open_gguf(write_gguf(tmp_path / "tiny.gguf", hugging_face_weights()))
    tokenizer = tokenizers.Tokenizer.from_str(checkpoint.tokenizer.tokenizer_json.decode())
    assert tokenizer.encode("abc!").tokens == ["abc", "!"]
    assert checkpoint.tokenizer.config["chat_template"] == "{{ messages[0].content }}"
