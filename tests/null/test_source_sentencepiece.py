"""A tokenizer.model alone: against the ids that the sentencepiece library makes (golden/make_sentencepiece.py)."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tokenizers

from webllm_build.errors import MalformedFile, SourceError, UnsupportedTokenizer
from webllm_build.package.assets import runtime_folder
from webllm_build.source.checkpoint import Tokenizer
from webllm_build.source.folder import Folder
from webllm_build.source.local_tokenizer import read_tokenizer
from webllm_build.source.sentencepiece import Pieces, byte_pairs
from webllm_build.source.sentencepiece_model import read_sentencepiece
from webllm_build.source.tokenizer_json import read_facts
from webllm_build.source.tokenizer_process import run_child
from webllm_build.tokenizer_check import CHECK, find_node

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "sentencepiece"
IDS: dict[str, list[dict[str, object]]] = json.loads((FOLDER / "ids.json").read_text("utf-8"))


def read(content: bytes) -> Tokenizer:
    return read_sentencepiece(Path("tokenizer.model"), content)


def model(kind: str) -> bytes:
    return (FOLDER / f"{kind}.model").read_bytes()


@pytest.mark.parametrize("kind", IDS)
def test_texts_become_sentencepieces_tokens(kind: str) -> None:
    tokenizer = read(model(kind))
    assert read_facts(tokenizer).added.items() >= {"<unk>": 0, "<s>": 1, "</s>": 2, "<tool>": 3}.items()
    texts, ids = [str(row["text"]) for row in IDS[kind]], [row["ids"] for row in IDS[kind]]
    library = tokenizers.Tokenizer.from_str(tokenizer.tokenizer_json.decode())
    assert [library.encode(text, add_special_tokens=False).ids for text in texts] == ids
    node = find_node()
    if node is not None:
        request = {"tokenizer": tokenizer.tokenizer_json.decode(), "config": {}, "conversations": [], "texts": texts}
        assert run_child([node, str(runtime_folder() / CHECK)], request)["ids"] == ids


def test_a_run_of_unknown_characters_is_one_token_where_there_are_none_for_bytes() -> None:
    """As SentencePiece has it."""
    types = [2, 3, 3, 1, 1]  # unknown, control, normal
    pieces = Pieces(Path("a"), ["<unk>", "<s>", "</s>", "\u2581", "a"], np.zeros(5, np.float32), types, unknown=0, prefixes=False)
    parts = byte_pairs(pieces, {token: index for index, token in enumerate(pieces.tokens)})
    library = tokenizers.Tokenizer.from_str(json.dumps({"version": "1.0", "added_tokens": [], "post_processor": None, **parts}))
    assert library.encode("a\u65e5\u672ca \u65e5").ids == [4, 0, 4, 3, 0]


def test_xlm_r_has_its_special_tokens_in_front_and_a_mask_behind(tmp_path: Path) -> None:
    """As transformers' XLMRobertaConverter makes the vocabulary: of the pieces' ids each is one more."""
    (tmp_path / "sentencepiece.bpe.model").write_bytes(model("unigram"))
    tokenizer = read_tokenizer(Folder(tmp_path))
    plain, facts = read_facts(read(model("unigram"))), read_facts(tokenizer)
    assert [facts.ids[token] for token in ("<s>", "<pad>", "</s>", "<unk>", "<mask>")] == [0, 1, 2, 3, len(plain.ids) + 1]
    assert tokenizer.config.items() >= {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}.items()
    library = tokenizers.Tokenizer.from_str(tokenizer.tokenizer_json.decode())
    for row in IDS["unigram"]:
        ids = row["ids"]
        assert isinstance(ids, list)
        assert library.encode(str(row["text"])).ids == [0, *(piece + 1 if piece > 2 else 3 for piece in ids), 2]


def test_a_folder_may_have_it_alone(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "bpe.model", tmp_path / "tokenizer.model")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<tool>", "chat_template": "{{ messages }}"}))
    tokenizer = read_tokenizer(Folder(tmp_path))
    assert tokenizer.config.items() >= {"bos_token": "<s>", "eos_token": "<tool>", "chat_template": "{{ messages }}"}.items()
    assert tokenizers.Tokenizer.from_str(tokenizer.tokenizer_json.decode()).encode("a").ids[0] == 1


def field(number: int, content: bytes) -> bytes:
    size, length = len(content), b""
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


PIECE = field(1, field(1, b"a"))
UNKNOWN = field(1, field(1, b"<unk>") + b"\x18\x02")


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (b"", MalformedFile, "unknown"),
        (b"\x0a\xff\xff\xff\x7f", MalformedFile, "cut off"),
        (b"\x80" * 12, MalformedFile, "not a SentencePiece model"),
        (b"\x0b", MalformedFile, "not a SentencePiece model"),
        (UNKNOWN + PIECE + PIECE, MalformedFile, "same token twice"),
        (UNKNOWN + field(1, field(1, b"\xff")), MalformedFile, "not text"),
        (UNKNOWN + field(1, field(1, b"b") + b"\x15\x00\x00\x80\x7f"), MalformedFile, "finite"),
        (UNKNOWN + PIECE + field(2, b"\x18\x03"), UnsupportedTokenizer, "cannot be read"),
        (UNKNOWN + PIECE + field(3, b"\x28\x00"), UnsupportedTokenizer, "cannot be read"),
    ],
)
def test_files_that_are_none_are_refused(content: bytes, error: type[SourceError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        read(content)
    assert caught.value.hint


@pytest.mark.parametrize("letters", [1, 127, 200, 40_000])
def test_a_length_takes_as_many_bytes_as_it_needs(letters: int) -> None:
    content = UNKNOWN + field(1, field(1, b"a" * letters)) + field(1, field(1, b"z"))
    assert read_facts(read(content)).ids.keys() == {"<unk>", "a" * letters, "z"}


def test_no_end_of_a_file_breaks_it() -> None:
    content = model("bpe")
    for length in range(0, len(content), 97):
        with suppress(SourceError):
            read(content[:length] + b"\x0a\x7f")
