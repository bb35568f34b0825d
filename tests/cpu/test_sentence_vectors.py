"""all-MiniLM-L6-v2, with its weights, makes the vectors that sentence-transformers makes: 204 sentences in twelve languages, which
codes of activations take in a third of the time that floats do. In the WebAssembly that every browser runs, which is optimized."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_cpu_families import ENCODE, build

import minilm
from packed_model import PackedModel
from webllm_build.compile.cpu.variant import EXACT, INTEGER, CpuVariant
from webllm_build.source.local import open_folder
from webllm_build.source.tokenizer_process import encode

WEIGHTS = ("embedding", "qkv", "o", "up", "down")


@pytest.mark.parametrize(
    ("variant", "scheme", "every", "least"), [(EXACT, "f16", 3, 0.9999), (INTEGER, "q8", 1, 0.999)], ids=["float32", "codes"]
)
def test_vectors_are_those_of_sentence_transformers(tmp_path: Path, variant: CpuVariant, scheme: str, every: int, least: float) -> None:
    checkpoint = open_folder(minilm.folder(), "minilm")
    runner = build(tmp_path, PackedModel.of(checkpoint, dict.fromkeys(WEIGHTS, scheme)), "plain", variant, ENCODE)
    texts = encode(checkpoint.tokenizer, minilm.sentences()[::every], add_special_tokens=True)
    found = []
    for tokens in texts:
        runner.lengths.clear()  # a text is a sequence of its own, in the same pages
        found.append(runner.encode(tokens, 0))
    assert minilm.cosines(np.stack(found), minilm.vectors()[::every]).min() > least
