"""Parts of a tokenizer.json (https://huggingface.co/docs/tokenizers/components) that several kinds of vocabularies share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

SPACE = "\u2581"  # SentencePiece's mark for a space
SPACES_TO_MARKS = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}
MARKS_TO_SPACES = {"type": "Replace", "pattern": {"String": SPACE}, "content": " "}


def added_token(index: int, content: str, *, is_special: bool) -> dict[str, object]:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {"id": index, "content": content, **flags, "special": is_special}


def bpe(
    vocab: Mapping[str, int],
    merges: Sequence[str] | Sequence[Sequence[str]],
    *,
    unk_token: str | None,
    byte_fallback: bool,
    ignore_merges: bool = False,
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


def marked_decoder(*, strips_first: bool) -> dict[str, object]:
    """Of tokens with SPACE for a space and <0xNN> for a byte."""
    strip = [{"type": "Strip", "content": " ", "start": 1, "stop": 0}] if strips_first else []
    return {"type": "Sequence", "decoders": [MARKS_TO_SPACES, {"type": "ByteFallback"}, {"type": "Fuse"}, *strip]}


def framed(begin: str | None, end: str | None, vocab: Mapping[str, int]) -> dict[str, object] | None:
    """A post-processor that puts special tokens around a text, and between two; None for neither."""
    tokens = [token for token in (begin, end) if token is not None]
    if not tokens:
        return None

    def around(sequence: str, kind: int) -> list[dict[str, object]]:
        parts = [("SpecialToken", begin), ("Sequence", sequence), ("SpecialToken", end)]
        return [{name: {"id": token, "type_id": kind}} for name, token in parts if token is not None]

    return {
        "type": "TemplateProcessing",
        "single": around("A", 0),
        "pair": around("A", 0) + around("B", 1),
        "special_tokens": {token: {"id": token, "ids": [vocab[token]], "tokens": [token]} for token in tokens},
    }
