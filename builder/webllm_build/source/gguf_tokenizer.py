"""A GGUF's tokenizer metadata as a Hugging Face tokenizer.json."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from reprlib import repr as shown

import numpy as np

from webllm_build.errors import MalformedFile, MissingFile, UnsupportedTokenizer, warn
from webllm_build.limits_generated import MAX_TOKENIZER_BYTES
from webllm_build.source import sampling_defaults
from webllm_build.source.checkpoint import Tokenizer
from webllm_build.source.end_tokens import INFILL_TEXTS, end_texts
from webllm_build.source.files import REDOWNLOAD
from webllm_build.source.gguf_header import Metadata
from webllm_build.source.gguf_pre_tokenizers import pre_tokenizer
from webllm_build.source.local_tokenizer import chat_templates
from webllm_build.source.numbers import whole
from webllm_build.source.sentencepiece import CONTROL, NORMAL, UNKNOWN, USER_DEFINED, Pieces, byte_pairs, unigram
from webllm_build.source.tokenizer_parts import SPACE, SPACES_TO_MARKS, added_token, bpe, framed, marked_decoder

KEY, TEMPLATE = "tokenizer.ggml.", "tokenizer.chat_template"
BEGIN, END, EOS = "bos_token_id", "eos_token_id", f"{KEY}eos_token_id"
SPECIAL_KEYS = {"bos_token": BEGIN, "eos_token": END, "unk_token": "unknown_token_id", "pad_token": "padding_token_id"}
# Ids where a file does not say: llama.cpp's. BERT's first and last tokens have names of their own.
USUAL_IDS: Mapping[str, Mapping[str, int]] = {
    "llama": {"unknown_token_id": 0, BEGIN: 1, END: 2},
    "bert": {"padding_token_id": 0, "unknown_token_id": 100, BEGIN: 101, END: 102},
    "t5": {"padding_token_id": 0, END: 1, "unknown_token_id": 2},
}
MARKED = ("gemma4", "granite-embed-multi-311m", "sarvam-moe")  # pre-tokenizers of vocabularies that spell no bytes
# What a kind says a token by, in the order in which it counts: what ends a text of BERT's is its separator, whatever else there is.
KEYS: Mapping[str, Mapping[str, tuple[str, ...]]] = {"bert": {BEGIN: (BEGIN, "cls_token_id"), END: ("seperator_token_id", END)}}
ENDS = (END, "eot_token_id", "eom_token_id", "fim_pad_token_id", "fim_rep_token_id", "fim_sep_token_id")


@dataclass(frozen=True)
class Vocabulary:
    """special: tokens by their names in tokenizer_config.json. types: as in sentencepiece.py, one a token."""

    metadata: Metadata
    tokens: Sequence[str]
    ids: Mapping[str, int]
    types: Sequence[int]
    special: Mapping[str, str | None]

    def flag(self, key: str) -> bool | None:
        return self.metadata.flag(KEY + key)


@dataclass(frozen=True)
class Body:
    """What a kind of vocabulary makes of a tokenizer.json, and whether special tokens stand around a text: unless the file says, or
    (always) where they do, whatever it says."""

    parts: Mapping[str, object]
    begins: bool = False
    ends: bool = False
    always: bool = False


def read_tokenizer(metadata: Metadata) -> Tokenizer:
    """Raises MissingFile, MalformedFile, UnsupportedTokenizer."""
    kind = metadata.text(f"{KEY}model")
    tokens = _tokens(metadata)
    if kind in (None, "none") or not tokens:
        raise MissingFile(f"{metadata.path} has no tokenizer", "Use a file that was converted together with its tokenizer.")
    if kind not in KINDS:
        raise UnsupportedTokenizer(f"{metadata.path}: tokenizer of the kind {kind!r}", f"Kinds that can be read: {', '.join(KINDS)}.")
    ids = {token: index for index, token in enumerate(tokens)}
    if len(ids) != len(tokens):
        raise MalformedFile(f"{metadata.path}: the vocabulary has the same token twice", REDOWNLOAD)
    types = _token_types(metadata, tokens)
    special = {name: _special_token(metadata, tokens, key) for name, key in SPECIAL_KEYS.items()}
    body = KINDS[kind](Vocabulary(metadata, tokens, ids, types, special))
    begins, ends = (
        usual if body.always and usual else _said(metadata, key, usual)
        for key, usual in (("add_bos_token", body.begins), ("add_eos_token", body.ends))
    )
    document = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            added_token(index, tokens[index], is_special=kind != USER_DEFINED)
            for index, kind in enumerate(types)
            if kind in (UNKNOWN, CONTROL, USER_DEFINED)
        ],
        **body.parts,
        "post_processor": framed(special["bos_token"] if begins else None, special["eos_token"] if ends else None, ids),
    }
    config: dict[str, object] = {name: token for name, token in special.items() if token is not None}
    config |= {"add_bos_token": begins, "add_eos_token": ends, "clean_up_tokenization_spaces": False}
    named = {key.removeprefix(f"{TEMPLATE}."): metadata.text(key) for key in metadata if key.startswith(f"{TEMPLATE}.")}
    named = {"default": metadata.text(TEMPLATE), **named}
    config |= chat_templates({name: text for name, text in named.items() if text})
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    if len(text) > MAX_TOKENIZER_BYTES:
        raise MalformedFile(f"{metadata.path}: the tokenizer takes {len(text) >> 20} MiB", REDOWNLOAD)
    return Tokenizer(text, config)


def suppressed(metadata: Metadata) -> tuple[int, ...]:
    """As Checkpoint.suppressed."""
    said = metadata.numbers(f"{KEY}suppress_tokens")
    return () if said is None else sampling_defaults.tokens(said.tolist())


def eos_token_ids(metadata: Metadata) -> tuple[int, ...]:
    """The ids that end an answer: end of sequence, of turn, of message, of a file that was filled in, and the others that Ollama's
    converter lists."""
    listed, count = metadata.numbers(f"{KEY}eos_token_ids"), len(_tokens(metadata))
    ids = [_special_id(metadata, count, key) for key in ENDS] + ([] if listed is None else [whole(value) for value in listed.tolist()])
    return tuple(dict.fromkeys(index for index in ids if index is not None and 0 <= index < count))


def _said(metadata: Metadata, key: str, usual: bool) -> bool:
    explicit = metadata.flag(KEY + key)
    return usual if explicit is None else explicit


def _tokens(metadata: Metadata) -> list[str]:
    """The vocabulary. Its tokens are different, so that those without a text get one, as in llama.cpp."""
    tokens = metadata.texts(f"{KEY}tokens") or []
    return [token or f"[EMPTY_{index}]" for index, token in enumerate(tokens)]


def _token_types(metadata: Metadata, tokens: Sequence[str]) -> list[int]:
    types = metadata.numbers(f"{KEY}token_type")
    if types is None:
        types = np.full(len(tokens), NORMAL)
    if len(types) != len(tokens):
        raise MalformedFile(f"{metadata.path}: {len(types)} token types for {len(tokens)} tokens", REDOWNLOAD)
    if types.dtype.kind not in "iu":
        raise MalformedFile(f"{metadata.path}: token types are whole numbers, not {types.dtype}", REDOWNLOAD)
    # Some converters took the end of a turn for a word.
    marks = end_texts(tokens) | INFILL_TEXTS
    return [CONTROL if kind == NORMAL and token in marks else int(kind) for token, kind in zip(tokens, types, strict=True)]


def _special_token(metadata: Metadata, tokens: Sequence[str], key: str) -> str | None:
    index = _special_id(metadata, len(tokens), key)
    return None if index is None else tokens[index]


def _special_id(metadata: Metadata, count: int, key: str) -> int | None:
    """None where the file has none, or one that is no token: converters write 2 ** 32 - 1 or -1 for none."""
    kind = metadata.text(f"{KEY}model") or ""
    said = (metadata.integer(KEY + each) for each in KEYS.get(kind, {}).get(key, (key,)))
    index = next((index for index in said if index is not None), None)
    if index is None:
        index = USUAL_IDS.get(kind, {}).get(key)
    if index is not None and not 0 <= index < count:
        warn(f"{metadata.path}: {KEY}{key} is {index}, but there are {count} tokens. It is ignored.")
        return None
    return index


def _byte_level(vocabulary: Vocabulary) -> Body:
    """Byte-level BPE (GPT-2 and its descendants)."""
    metadata, ids, kind = vocabulary.metadata, vocabulary.ids, vocabulary.metadata.text(f"{KEY}pre")
    if kind in MARKED:
        marked = _marked_merges(vocabulary)
        return marked if kind == "gemma4" else replace(marked, begins=False)
    pre = pre_tokenizer(metadata.path, kind, ids)
    splits = [{"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False} for pattern in pre.patterns]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    parts = {
        "normalizer": {"type": pre.normalizer} if pre.normalizer is not None else None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [*splits, byte_level]},
        "model": bpe(ids, _merges(vocabulary), unk_token=None, byte_fallback=False, ignore_merges=pre.ignore_merges),
        "decoder": byte_level,
    }
    return Body(parts, begins=pre.add_bos)


def _marked_merges(vocabulary: Vocabulary) -> Body:
    """Merges over characters with marks for spaces (Gemma 4, of which early files say that no bos is added)."""
    unknown = vocabulary.special["unk_token"]
    parts = {
        "normalizer": SPACES_TO_MARKS,
        "pre_tokenizer": None,
        "model": bpe(vocabulary.ids, _merges(vocabulary), unk_token=unknown, byte_fallback=True),
        "decoder": marked_decoder(strips_first=False),
    }
    return Body(parts, begins=True, always=True)


def _merges(vocabulary: Vocabulary) -> list[str]:
    path, ids = vocabulary.metadata.path, vocabulary.ids
    merges = vocabulary.metadata.texts(f"{KEY}merges")
    if merges is None:
        raise MissingFile(f"{path} has no {KEY}merges", REDOWNLOAD)
    fitting = [merge for merge in merges if _fits(merge, ids)]
    if lost := len(merges) - len(fitting):
        odd = next(merge for merge in merges if not _fits(merge, ids))
        if lost > len(fitting):
            raise MalformedFile(f"{path}: {lost} of {len(merges)} merges, such as {shown(odd)}, do not fit the vocabulary", REDOWNLOAD)
        warn(f"{path}: {lost} merges, such as {shown(odd)}, do not fit the vocabulary. They are left out.")
    return fitting


def _fits(merge: str, ids: Mapping[str, int]) -> bool:
    left, _, right = merge.partition(" ")
    return " " not in right and left in ids and right in ids and left + right in ids


def _scored_merges(vocabulary: Vocabulary) -> Body:
    pieces = _pieces(vocabulary, prefixes=vocabulary.flag("add_space_prefix") is not False)
    return Body(byte_pairs(pieces, vocabulary.ids), begins=True)


def _unigram(vocabulary: Vocabulary) -> Body:
    pieces = _pieces(vocabulary, prefixes=vocabulary.flag("add_space_prefix") is True)
    return Body(unigram(pieces), ends=True)


def _pieces(vocabulary: Vocabulary, *, prefixes: bool) -> Pieces:
    metadata, tokens = vocabulary.metadata, vocabulary.tokens
    scores = metadata.numbers(f"{KEY}scores")
    if scores is None or len(scores) != len(tokens) or not np.isfinite(scores.astype(np.float32)).all():
        raise MalformedFile(f"{metadata.path}: every token of a SentencePiece vocabulary needs a finite score", REDOWNLOAD)
    unknown = vocabulary.special["unk_token"]
    if unknown is None:
        raise MissingFile(f"{metadata.path} has no unknown token", f"SentencePiece vocabularies need {KEY}unknown_token_id.")
    charsmap = metadata.numbers(f"{KEY}precompiled_charsmap")
    return Pieces(
        metadata.path,
        tokens,
        scores.astype(np.float32),
        vocabulary.types,
        vocabulary.ids[unknown],
        prefixes,
        merges_spaces=vocabulary.flag("remove_extra_whitespaces") is True,
        charsmap=b"" if charsmap is None else charsmap.tobytes(),
    )


def _word_pieces(vocabulary: Vocabulary) -> Body:
    """BERT's: llama.cpp marks tokens that begin a word, and leaves out the ## of those that go on with one."""
    metadata, types = vocabulary.metadata, vocabulary.types
    unknown = vocabulary.special["unk_token"]
    if unknown is None:
        raise MissingFile(f"{metadata.path} has no unknown token", f"BERT's vocabularies need {KEY}unknown_token_id.")
    words = [_word_piece(token) if kind == NORMAL else token for token, kind in zip(vocabulary.tokens, types, strict=True)]
    ids = {word: index for index, word in enumerate(words)}
    if len(ids) != len(words):
        raise MalformedFile(f"{metadata.path}: the vocabulary has the same word piece twice", REDOWNLOAD)
    lowercase = vocabulary.flag("normalizer.lowercase") is not False
    strips = vocabulary.flag("normalizer.strip_accents")
    parts = {
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": lowercase if strips is None else strips,
            "lowercase": lowercase,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {
            "type": "WordPiece",
            "unk_token": unknown,
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": ids,
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": False},
    }
    return Body(parts, begins=True, ends=True, always=True)


def _word_piece(token: str) -> str:
    if token.startswith(SPACE):
        return token[len(SPACE) :]
    return token if token.startswith("[") and token.endswith("]") else f"##{token}"


KINDS: Mapping[str, Callable[[Vocabulary], Body]] = {
    "gpt2": _byte_level,
    "llama": _scored_merges,
    "gemma4": _marked_merges,
    "bert": _word_pieces,
    "t5": _unigram,
}
