"""Writes tests/fixtures/pre_tokenizers.json from llama.cpp's test vocabularies, whose token ids Hugging Face's tokenizers made.

    python tests/golden/make_pre_tokenizers.py LLAMA_CPP/models

The folder holds ggml-vocab-*.gguf with texts (.inp) and ids (.out); the sdist of llama-cpp-python on PyPI has it. Of each vocabulary only
the tokens stay that some text needs, and what these are merged from: merges that a text never takes do not change its tokens.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from gguf import GGUFReader

KINDS = ("deepseek-coder", "deepseek-llm", "falcon", "gpt-2", "llama-bpe", "qwen2", "qwen35", "starcoder")
TEXTS = 16  # the last ones: words, digits, punctuation, spaces and scripts together
SEPARATOR = "\n__ggml_vocab_test__\n"


def small(path: Path) -> dict[str, object]:
    reader = GGUFReader(path)
    tokens: list[str] = reader.fields["tokenizer.ggml.tokens"].contents()
    merges: list[str] = reader.fields["tokenizer.ggml.merges"].contents()
    ways: dict[str, list[str]] = {}
    for merge in merges:
        ways.setdefault(merge.replace(" ", ""), []).append(merge)
    texts = path.with_suffix(".gguf.inp").read_bytes().decode().split(SEPARATOR)
    lines = path.with_suffix(".gguf.out").read_text("utf-8").split("\n")[: len(texts)]
    texts, ids = texts[-TEXTS:], [[int(word) for word in line.split()] for line in lines[-TEXTS:]]
    needed: set[str] = set()
    waiting = [tokens[index] for line in ids for index in line]
    while waiting:
        token = waiting.pop()
        if token not in needed:
            needed.add(token)
            waiting += [part for merge in ways.get(token, ()) for part in merge.split(" ")]
    kept = [token for token in tokens if token in needed]
    place = {token: index for index, token in enumerate(kept)}
    return {
        "tokens": kept,
        "merges": [merge for merge in merges if merge.replace(" ", "") in needed and set(merge.split(" ")) <= needed],
        "texts": texts,
        "ids": [[place[tokens[index]] for index in line] for line in ids],
    }


def main() -> None:
    folder = Path(sys.argv[1])
    vocabularies = {kind: small(folder / f"ggml-vocab-{kind}.gguf") for kind in KINDS}
    target = Path(__file__).resolve().parents[1] / "fixtures" / "pre_tokenizers.json"
    lines = (f"{json.dumps(kind)}: {json.dumps(value, ensure_ascii=False)}" for kind, value in vocabularies.items())
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main()
