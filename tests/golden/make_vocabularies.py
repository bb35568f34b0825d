"""Writes tests/fixtures/vocabularies.json from llama.cpp's test vocabularies, whose token ids Hugging Face's tokenizers made.

    python tests/golden/make_vocabularies.py LLAMA_CPP/models

The folder holds ggml-vocab-*.gguf with texts (.inp) and ids (.out); the sdist of llama-cpp-python on PyPI has it. Of each vocabulary only
the tokens stay that some text needs, and what these are merged from: merges that a text never takes do not change its tokens. Of one
without merges those stay that stand in a text, or begin with a part of one as BERT's do.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from pathlib import Path
from typing import Any

from gguf import GGUFReader

MERGED = ("command-r", "deepseek-coder", "deepseek-llm", "falcon", "gemma-4", "gpt-2", "llama-bpe", "mpt", "qwen2", "qwen35", "refact")
KINDS = sorted((*MERGED, "starcoder", "bert-bge", "llama-spm", "phi-3"))
TEXTS = 16  # the last ones: words, digits, punctuation, spaces and scripts together
SEPARATOR = "\n__ggml_vocab_test__\n"
KEY = "tokenizer.ggml."
SPECIAL = ("bos_token_id", "eos_token_id", "unknown_token_id", "cls_token_id", "seperator_token_id")
COPIED = ("model", "pre", "add_space_prefix", "add_bos_token")
CONTROL, BYTE = (2, 3), 6


def needed_by_merges(used: set[str], merges: list[str]) -> set[str]:
    ways: dict[str, list[str]] = {}
    for merge in merges:
        ways.setdefault("".join(merge.split(" ", 1)), []).append(merge)
    needed: set[str] = set()
    waiting = list(used)
    while waiting:
        token = waiting.pop()
        if token not in needed:
            needed.add(token)
            waiting += [part for merge in ways.get(token, ()) for part in merge.split(" ", 1)]
    return needed


def standing_in(texts: list[str], tokens: list[str]) -> set[str]:
    marked = "\n".join("\u2581" + text.replace(" ", "\u2581") for text in texts)
    plain = "".join(c for c in unicodedata.normalize("NFD", marked.lower()) if unicodedata.category(c) != "Mn")
    return {token for token in tokens if token in marked or token.strip("\u2581") in plain}


def small(path: Path) -> dict[str, Any]:
    fields = GGUFReader(path).fields
    value = {key.removeprefix(KEY): field.contents() for key, field in fields.items() if key.startswith(KEY)}
    tokens: list[str] = value["tokens"]
    types: list[int] = value.get("token_type", [1] * len(tokens))
    merges: list[str] = value.get("merges", [])
    texts = path.with_suffix(".gguf.inp").read_bytes().decode().split(SEPARATOR)
    lines = path.with_suffix(".gguf.out").read_text("utf-8").split("\n")[: len(texts)]
    texts, ids = texts[-TEXTS:], [[int(word) for word in line.split()] for line in lines[-TEXTS:]]
    used = {tokens[index] for line in ids for index in line}
    special = {tokens[value[key]] for key in SPECIAL if key in value}
    needed = (needed_by_merges(used, merges) if merges else used | standing_in(texts, tokens)) | special
    if value["model"] != "gpt2":
        needed |= {token for token, kind in zip(tokens, types, strict=True) if kind == BYTE}
    kept = [index for index, token in enumerate(tokens) if token in needed]
    place = {tokens[index]: number for number, index in enumerate(kept)}
    merges = [merge for merge in merges if set(merge.split(" ", 1)) <= place.keys() and "".join(merge.split(" ", 1)) in place]
    return {
        **{key: value[key] for key in COPIED if key in value},
        **{key: place[tokens[value[key]]] for key in SPECIAL if key in value},
        "tokens": [tokens[index] for index in kept],
        "token_type": [types[index] for index in kept],
        **({"scores": [value["scores"][index] for index in kept]} if "scores" in value and not merges else {}),
        **({"merges": merges} if merges else {}),
        "texts": texts,
        "ids": [[place[tokens[index]] for index in line] for line in ids],
    }


def main() -> None:
    folder = Path(sys.argv[1])
    vocabularies = {kind: small(folder / f"ggml-vocab-{kind}.gguf") for kind in KINDS}
    target = Path(__file__).resolve().parents[1] / "fixtures" / "vocabularies.json"
    lines = (f"{json.dumps(kind)}: {json.dumps(value, ensure_ascii=False)}" for kind, value in vocabularies.items())
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main()
