"""SentencePiece vocabularies (https://arxiv.org/abs/1808.06226) as parts of a tokenizer.json: of a GGUF, or of a tokenizer.model."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from webllm_build.errors import MalformedFile
from webllm_build.limits_generated import MAX_TOKENIZER_BYTES
from webllm_build.source.files import REDOWNLOAD
from webllm_build.source.tokenizer_parts import SPACE, SPACES_TO_MARKS, bpe, marked_decoder

# Types of tokens, in a GGUF (tokenizer.ggml.token_type) as in SentencePiece's own files.
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)

MAX_MERGE_CHARACTERS = MAX_TOKENIZER_BYTES // 4  # in all rules that are made for a SentencePiece vocabulary; Gemma's take a fifth
NO_SCORE = -1e4  # of tokens that no text is cut into


@dataclass(frozen=True)
class Pieces:
    """A vocabulary and how text is made ready for it. path: for messages. scores: float32, one a token. types: one a token, as above.

    prefixes: a text gets a space in front. merges_spaces: runs of spaces become one, and those around a text go.
    charsmap: SentencePiece's compiled table of replacements, empty for none.
    """

    path: Path
    tokens: Sequence[str]
    scores: npt.NDArray[np.float32]
    types: Sequence[int]
    unknown: int
    prefixes: bool
    merges_spaces: bool = False
    charsmap: bytes = b""


def byte_pairs(pieces: Pieces, vocab: Mapping[str, int]) -> dict[str, object]:
    """Byte-pair merges (Llama 2, TinyLlama) as BPE over characters, with bytes for characters that have no token. Raises MalformedFile."""
    scores = {token: float(score) for token, score, kind in zip(pieces.tokens, pieces.scores, pieces.types, strict=True) if kind == NORMAL}
    prefix = [{"type": "Prepend", "prepend": SPACE}] if pieces.prefixes else []
    merges = _merges(pieces.path, scores, vocab)
    return {
        "normalizer": {"type": "Sequence", "normalizers": [*_normalizers(pieces), *prefix, SPACES_TO_MARKS]},
        "pre_tokenizer": None,
        "model": bpe(vocab, merges, unk_token=pieces.tokens[pieces.unknown], byte_fallback=True),
        "decoder": marked_decoder(strips_first=pieces.prefixes),
    }


def unigram(pieces: Pieces) -> dict[str, object]:
    """The cut of a text whose tokens' scores (logarithms of their probabilities) have the largest sum (T5, XLM-R)."""
    rows = zip(pieces.tokens, pieces.scores, pieces.types, strict=True)
    scores = [(token, 0.0 if kind == USER_DEFINED else float(score) if kind == NORMAL else NO_SCORE) for token, score, kind in rows]
    byte_fallback = BYTE in pieces.types
    return {
        # SentencePiece's own space comes before those of the text, too; that of a Metaspace would not.
        "normalizer": {
            "type": "Sequence",
            "normalizers": [*_normalizers(pieces), *([{"type": "Prepend", "prepend": " "}] if pieces.prefixes else [])],
        },
        "pre_tokenizer": {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "never", "split": pieces.prefixes},
        "model": {"type": "Unigram", "unk_id": pieces.unknown, "vocab": scores, "byte_fallback": byte_fallback},
        "decoder": marked_decoder(strips_first=pieces.prefixes),
    }


def _normalizers(pieces: Pieces) -> list[dict[str, object]]:
    charsmap = base64.b64encode(pieces.charsmap).decode()
    replaced: list[dict[str, object]] = [{"type": "Precompiled", "precompiled_charsmap": charsmap}] if charsmap else []
    if not pieces.merges_spaces:
        return replaced
    strip = {"type": "Strip", "strip_left": True, "strip_right": True}
    return [*replaced, strip, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]


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
