"""Writes tests/fixtures/sentencepiece: small models that the sentencepiece library trains, and its ids of texts.

    python tests/golden/make_sentencepiece.py

Needs sentencepiece and protobuf.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "sentencepiece"
CORPUS = Path(__file__).resolve().parents[2] / "ARCHITECTURE.md"
TEXTS = [
    *("", " ", "  two  spaces and   more ", "tab\there\nline", "a    b        c"),
    "The build stops where a file is hostile.",
    *("été ﬁ ½ naïve", "日本 👍🏽"),
]
TOOL = "x<tool>y <tool> z"  # where a text gets no space in front, for the page and llama.cpp put one behind a tool, too
KINDS: dict[str, dict[str, Any]] = {
    "bpe": {"model_type": "bpe", "byte_fallback": True, "normalization_rule_name": "identity", "remove_extra_whitespaces": False},
    "bpe-spaces": {"model_type": "bpe", "byte_fallback": True, "add_dummy_prefix": False, "remove_extra_whitespaces": False,
                   "normalization_rule_name": "identity", "user_defined_symbols": ["<tool>", "\u2581\u2581", "\u2581\u2581\u2581\u2581"]},
    "unigram": {"model_type": "unigram", "normalization_rule_name": "identity"},
    "unigram-spaces": {"model_type": "unigram", "normalization_rule_name": "identity", "remove_extra_whitespaces": False,
                       "byte_fallback": True},
}  # fmt: skip


def main() -> None:
    """Of all kinds, or of those that are named."""
    FOLDER.mkdir(exist_ok=True)
    expected = json.loads((FOLDER / "ids.json").read_text("utf-8")) if sys.argv[1:] else {}
    for name in sys.argv[1:] or KINDS:
        options = KINDS[name]
        size = 300 if name == "unigram" else 600
        options = {"user_defined_symbols": ["<tool>"], **options}
        sentencepiece.SentencePieceTrainer.train(
            input=str(CORPUS),
            model_prefix=str(FOLDER / name),
            vocab_size=size,
            hard_vocab_limit=False,
            num_threads=1,
            **options,
        )
        (FOLDER / f"{name}.vocab").unlink()
        path, trained = FOLDER / f"{name}.model", sentencepiece_model_pb2.ModelProto()
        trained.ParseFromString(path.read_bytes())
        for where in ("input", "model_prefix"):  # on the machine that trained it
            trained.trainer_spec.ClearField(where)
        path.write_bytes(trained.SerializeToString())
        model = sentencepiece.SentencePieceProcessor(model_file=str(path))
        texts = [*TEXTS, TOOL] if options.get("add_dummy_prefix") is False else TEXTS
        expected[name] = [{"text": text, "ids": model.encode(text)} for text in texts]
    (FOLDER / "ids.json").write_text(json.dumps(expected, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
