"""A GGUF's tokenizer metadata as a Hugging Face tokenizer.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from webllm_build.errors import MalformedFile, MissingFile, UnsupportedTokenizer, warn
from webllm_build.limits_generated import MAX_TOKENIZER_BYTES
from webllm_build.source.checkpoint import Tokenizer
from webllm_build.source.end_tokens import END_TEXTS
from webllm_build.source.files import REDOWNLOAD
from webllm_build.source.gguf_header import Metadata
from webllm_build.source.gguf_pre_tokenizers import pre_tokenizer
from webllm_build.source.local_tokenizer import chat_templates

# Token types of GGUF (tokenizer.ggml.token_type).
NORMAL, UNKNOWN, CONTROL, USER_DEFINED = 1, 2, 3, 4

MAX_MERGE_CHARACTERS = MAX_TOKENIZER_BYTES // 4  # in all rules that are made for a SentencePiece vocabulary; Gemma's take a fifth

SPACE = "\u2581"  # SentencePiece's mark for a space


def read_tokenizer(metadata: Metadata) -> Tokenizer:
    """Raises MissingFile, MalformedFile, UnsupportedTokenizer."""
    kind = metadata.text("tokenizer.ggml.model")
    tokens = _tokens(metadata)
    if kind in (None, "none") or not tokens:
        raise MissingFile(f"{metadata.path} has no tokenizer", "Use a file that was converted together with its tokenizer.")
    vocab = {token: index for index, token in enumerate(tokens)}
    if len(vocab) != len(tokens):
        raise MalformedFile(f"{metadata.path}: the vocabulary has the same token twice", REDOWNLOAD)
    types = _token_types(metadata, tokens)
    special = {name: _special_token(metadata, tokens, key) for name, key in SPECIAL_KEYS.items()}
    if kind == "gpt2":
        body, add_bos = _byte_level(metadata, vocab)
    elif kind == "llama":
        body, add_bos = _sentencepiece(metadata, tokens, vocab, types, special["unk_token"])
    else:
        raise UnsupportedTokenizer(f"{metadata.path}: tokenizer of the kind {kind!r}", "Byte-pair tokenizers (gpt2, llama) can be read.")
    explicit = metadata.flag("tokenizer.ggml.add_bos_token")
    add_bos = add_bos if explicit is None else explicit
    bos = special["bos_token"]
    document = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": index,
                "content": tokens[index],
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": kind != USER_DEFINED,
            }
            for index, kind in enumerate(types)
            if kind in (UNKNOWN, CONTROL, USER_DEFINED)
        ],
        **body,
        "post_processor": _begin_with(bos, vocab[bos]) if add_bos and bos is not None else None,
    }
    config: dict[str, object] = {name: token for name, token in special.items() if token is not None}
    config |= {"add_bos_token": add_bos, "add_eos_token": False, "clean_up_tokenization_spaces": False}
    named = {key.removeprefix(f"{TEMPLATE}."): metadata.text(key) for key in metadata if key.startswith(f"{TEMPLATE}.")}
    named = {"default": metadata.text(TEMPLATE), **named}
    config |= chat_templates({name: text for name, text in named.items() if text is not None})
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    if len(text) > MAX_TOKENIZER_BYTES:
        raise MalformedFile(f"{metadata.path}: the tokenizer takes {len(text) >> 20} MiB", REDOWNLOAD)
    return Tokenizer(text, config)


TEMPLATE = "tokenizer.chat_template"
BOS, EOS, UNK = "tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id", "tokenizer.ggml.unknown_token_id"
SPECIAL_KEYS = {"bos_token": BOS, "eos_token": EOS, "unk_token": UNK, "pad_token": "tokenizer.ggml.padding_token_id"}
SENTENCEPIECE_IDS = {UNK: 0, BOS: 1, EOS: 2}  # where a file does not say: llama.cpp's


def eos_token_ids(metadata: Metadata) -> tuple[int, ...]:
    """The ids that end an answer: end of sequence, of turn, of message."""
    keys = (EOS, "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id")
    ids = dict.fromkeys(_special_id(metadata, len(_tokens(metadata)), key) for key in keys)
    return tuple(index for index in ids if index is not None)


def _tokens(metadata: Metadata) -> list[str]:
    """The vocabulary. Its tokens are different, so that those without a text get one, as in llama.cpp."""
    tokens = metadata.texts("tokenizer.ggml.tokens") or []
    return [token or f"[EMPTY_{index}]" for index, token in enumerate(tokens)]


def _token_types(metadata: Metadata, tokens: Sequence[str]) -> list[int]:
    types = metadata.numbers("tokenizer.ggml.token_type")
    if types is None:
        types = np.full(len(tokens), NORMAL)
    if len(types) != len(tokens):
        raise MalformedFile(f"{metadata.path}: {len(types)} token types for {len(tokens)} tokens", REDOWNLOAD)
    if types.dtype.kind not in "iu":
        raise MalformedFile(f"{metadata.path}: token types are whole numbers, not {types.dtype}", REDOWNLOAD)
    # Some converters took the end of a turn for a word.
    return [CONTROL if kind == NORMAL and token in END_TEXTS else int(kind) for token, kind in zip(tokens, types, strict=True)]


def _special_token(metadata: Metadata, tokens: Sequence[str], key: str) -> str | None:
    index = _special_id(metadata, len(tokens), key)
    return None if index is None else tokens[index]


def _special_id(metadata: Metadata, count: int, key: str) -> int | None:
    """None where the file has none, or one that is no token: converters write 2 ** 32 - 1 for none."""
    index = metadata.natural(key)
    if index is None and metadata.text("tokenizer.ggml.model") == "llama":
        index = SENTENCEPIECE_IDS.get(key)
    if index is not None and index >= count:
        warn(f"{metadata.path}: {key} is {index}, but there are {count} tokens. It is taken for none.")
        return None
    return index


def _byte_level(metadata: Metadata, vocab: Mapping[str, int]) -> tuple[dict[str, object], bool]:
    """Byte-level BPE (GPT-2 and its descendants): (parts of tokenizer.json, whether text begins with bos unless the file says)."""
    pre = pre_tokenizer(metadata.path, metadata.text("tokenizer.ggml.pre"), vocab)
    merges = metadata.texts("tokenizer.ggml.merges")
    if merges is None:
        raise MissingFile(f"{metadata.path} has no tokenizer.ggml.merges", REDOWNLOAD)
    for merge in merges:
        left, _, right = merge.partition(" ")
        if " " in right or left not in vocab or right not in vocab or left + right not in vocab:
            raise MalformedFile(f"{metadata.path}: the merge {merge!r} does not fit the vocabulary", REDOWNLOAD)
    splits = [{"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False} for pattern in pre.patterns]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    return {
        "normalizer": {"type": pre.normalizer} if pre.normalizer is not None else None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [*splits, byte_level]},
        "model": _bpe(vocab, merges, unk_token=None, byte_fallback=False, ignore_merges=pre.ignore_merges),
        "decoder": byte_level,
    }, pre.add_bos


def _sentencepiece(
    metadata: Metadata, tokens: Sequence[str], vocab: Mapping[str, int], types: Sequence[int], unk_token: str | None
) -> tuple[dict[str, object], bool]:
    """SentencePiece BPE (Llama 2, TinyLlama) as BPE over characters, with bytes for characters that have no token."""
    scores = metadata.numbers("tokenizer.ggml.scores")
    if scores is None or len(scores) != len(tokens) or not np.isfinite(scores.astype(np.float32)).all():
        raise MalformedFile(f"{metadata.path}: every token of a SentencePiece vocabulary needs a finite score", REDOWNLOAD)
    if unk_token is None:
        raise MissingFile(f"{metadata.path} has no unknown token", "SentencePiece vocabularies need tokenizer.ggml.unknown_token_id.")
    prefix = metadata.flag("tokenizer.ggml.add_space_prefix") is not False
    normal = {token: float(score) for token, score, kind in zip(tokens, scores.astype(np.float32), types, strict=True) if kind == NORMAL}
    spaces = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}
    strip = [{"type": "Strip", "content": " ", "start": 1, "stop": 0}] if prefix else []
    return {
        "normalizer": {"type": "Sequence", "normalizers": [*([{"type": "Prepend", "prepend": SPACE}] if prefix else []), spaces]},
        "pre_tokenizer": None,
        "model": _bpe(vocab, _merges(metadata.path, normal, vocab), unk_token=unk_token, byte_fallback=True, ignore_merges=False),
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": SPACE}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
                *strip,
            ],
        },
    }, True


def _merges(path: Path, scores: Mapping[str, float], vocab: Mapping[str, int]) -> list[str]:
    """Merge rules, best first. SentencePiece joins the neighbours whose union scores highest; every cut of a token is a way to it."""
    rules: list[tuple[float, int, int, str]] = []
    characters = 0
    for token, score in scores.items():
        if " " in token:
            continue
        for cut in range(1, len(token)):
            left, right = token[:cut], token[cut:]
            if left in scores and right in scores:
                rules.append((-score, vocab[left], vocab[right], f"{left} {right}"))
                characters += len(token)
        if characters > MAX_MERGE_CHARACTERS:
            raise MalformedFile(f"{path}: the tokens of the vocabulary are too long and too much alike for one of a language", REDOWNLOAD)
    return [rule[-1] for rule in sorted(rules)]


def _bpe(
    vocab: Mapping[str, int], merges: Sequence[str], *, unk_token: str | None, byte_fallback: bool, ignore_merges: bool
) -> dict[str, object]:
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": unk_token,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": byte_fallback,
        "byte_fallback": byte_fallback,
        "ignore_merges": ignore_merges,
        "vocab": vocab,
        "merges": merges,
    }


def _begin_with(token: str, index: int) -> dict[str, object]:
    begin = {"SpecialToken": {"id": token, "type_id": 0}}
    return {
        "type": "TemplateProcessing",
        "single": [begin, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [begin, {"Sequence": {"id": "A", "type_id": 0}}, begin, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {token: {"id": token, "ids": [index], "tokens": [token]}},
    }
