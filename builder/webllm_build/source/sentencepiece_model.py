"""SentencePiece's own files (tokenizer.model) as a tokenizer.json.

The file is a protobuf message, of which few fields count: https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from webllm_build.errors import MalformedFile, UnsupportedTokenizer
from webllm_build.limits_generated import MAX_VOCABULARY
from webllm_build.source.checkpoint import Tokenizer
from webllm_build.source.files import REDOWNLOAD
from webllm_build.source.sentencepiece import CONTROL, NORMAL, UNKNOWN, USER_DEFINED, Pieces, byte_pairs, unigram
from webllm_build.source.tokenizer_parts import SPACE, added_token, framed

PIECES, TRAINER, NORMALIZER = 1, 2, 3  # fields of the message
TEXT, SCORE, TYPE = 1, 2, 3  # of a piece
KIND, SUFFIX, BEGIN, END = 3, 24, 41, 42  # of what it was trained with
CHARSMAP, PREFIX, MERGES, MARKS = 2, 3, 4, 5  # of how text is made ready
UNIGRAM, BPE = 1, 2
# XLM-R's name for a file whose first three pieces give way to all of these but the last, which stands behind the others.
FAIRSEQ_FILE = "sentencepiece.bpe.model"
FAIRSEQ = (("<s>", CONTROL), ("<pad>", CONTROL), ("</s>", CONTROL), ("<unk>", UNKNOWN), ("<mask>", CONTROL))
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # how a field is written
Field = int | bytes


def read_sentencepiece(path: Path, content: bytes) -> Tokenizer:
    """Raises MalformedFile, UnsupportedTokenizer."""
    pieces: list[dict[int, Field]] = []
    parts: dict[int, dict[int, Field]] = {TRAINER: {}, NORMALIZER: {}}
    for number, value in _fields(path, content):
        if number == PIECES and isinstance(value, bytes):
            pieces.append(dict(_fields(path, value)))
        elif number in parts and isinstance(value, bytes):
            parts[number] |= dict(_fields(path, value))
        if len(pieces) > MAX_VOCABULARY:
            raise _malformed(path, f"more than {MAX_VOCABULARY} tokens")
    trainer, normalizer = parts[TRAINER], parts[NORMALIZER]
    is_fairseq = path.name == FAIRSEQ_FILE
    if is_fairseq:
        special: list[dict[int, Field]] = [{TEXT: text.encode(), TYPE: kind} for text, kind in FAIRSEQ]
        pieces = [*special[:-1], *pieces[3:], special[-1]]
        trainer |= {BEGIN: 0, END: 2}
    types = [_integer(piece.get(TYPE, NORMAL), NORMAL) for piece in pieces]
    texts = [_text(path, piece.get(TEXT)) for piece in pieces]
    # Those of a user are found in the text, before its spaces are marked.
    tokens = [text.replace(SPACE, " ") if kind == USER_DEFINED else text for text, kind in zip(texts, types, strict=True)]
    ids = {token: index for index, token in enumerate(tokens)}
    if len(ids) != len(tokens) or types.count(UNKNOWN) != 1:
        raise _malformed(path, "it has the same token twice, or not exactly one unknown token")
    kind = _integer(trainer.get(KIND), UNIGRAM)
    if kind not in (UNIGRAM, BPE) or trainer.get(SUFFIX) or normalizer.get(MARKS, 1) == 0:
        raise UnsupportedTokenizer(f"{path} is of a kind that cannot be read", "SentencePiece's bpe and unigram can, with marked spaces.")
    charsmap = normalizer.get(CHARSMAP, b"")
    vocabulary = Pieces(
        path,
        tokens,
        np.array([_score(path, piece.get(SCORE)) for piece in pieces], np.float32),
        types,
        types.index(UNKNOWN),
        prefixes=bool(normalizer.get(PREFIX, 1)),
        merges_spaces=bool(normalizer.get(MERGES, 1)),
        charsmap=charsmap if isinstance(charsmap, bytes) else b"",
    )
    begin, end = (tokens[index] if 0 <= index < len(tokens) else None for index in _ends(trainer))
    added = [
        added_token(index, tokens[index], is_special=kind != USER_DEFINED)
        for index, kind in enumerate(types)
        if kind in (UNKNOWN, CONTROL, USER_DEFINED)
    ]
    document = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        **(byte_pairs(vocabulary, ids) if kind == BPE else unigram(vocabulary)),
        "post_processor": framed(begin if kind == BPE or is_fairseq else None, end if kind == UNIGRAM else None, ids),
    }
    names = {"bos_token": begin, "eos_token": end, "unk_token": tokens[vocabulary.unknown]}
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Tokenizer(text, {name: token for name, token in names.items() if token is not None})


def _ends(trainer: dict[int, Field]) -> tuple[int, int]:
    return _integer(trainer.get(BEGIN), 1), _integer(trainer.get(END), 2)


def _fields(path: Path, content: bytes) -> Iterator[tuple[int, Field]]:
    """Numbers and values of a message's fields, in order; of four and eight bytes as they are."""
    at = 0
    while at < len(content):
        key, at = _varint(path, content, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, at = _varint(path, content, at)
            yield number, value
            continue
        if wire == BYTES:
            length, at = _varint(path, content, at)
        elif wire in (FIXED64, FIXED32):
            length = 8 if wire == FIXED64 else 4
        else:
            raise _malformed(path, "it is not a SentencePiece model")
        if length > len(content) - at:
            raise _malformed(path, "it is cut off")
        yield number, content[at : at + length]
        at += length


def _varint(path: Path, content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(content):
            raise _malformed(path, "it is cut off")
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & ((1 << 64) - 1), at
    raise _malformed(path, "it is not a SentencePiece model")


def _integer(value: Field | None, otherwise: int = -1) -> int:
    """A 32-bit integer, with its sign."""
    if not isinstance(value, int):
        return otherwise
    return value - (1 << 64) if value >> 63 else value


def _text(path: Path, value: Field | None) -> str:
    try:
        text = value.decode("utf-8") if isinstance(value, bytes) else ""
    except UnicodeDecodeError:
        text = ""
    if not text:
        raise _malformed(path, "a token is not text")
    return text


def _score(path: Path, value: Field | None) -> float:
    if value is None:
        return 0.0
    score = float(struct.unpack("<f", value)[0]) if isinstance(value, bytes) and len(value) == 4 else float("nan")
    if not np.isfinite(score):
        raise _malformed(path, "a token has no finite score")
    return score


def _malformed(path: Path, what: str) -> MalformedFile:
    return MalformedFile(f"{path}: {what}", REDOWNLOAD)
