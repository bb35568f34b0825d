"""How much a first visit loads before the model, and how large the compiled model library is, gzipped."""

from __future__ import annotations

import gzip
from pathlib import Path

KIB = 1024
# KiB of what comes when it is wanted. (Media is there twice, also as the text of its worker.)
LATER = {
    "structure": 20, "cpu": 16, "tokenizer": 34, "media": 30, "markdown": 36,
    "highlight": 60, "mathematics": 72, "endpoint": 22, "chats": 8, "storage": 10, "sounds": 4,
}


def gzipped(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), 9))


def test_pages(site: Path) -> None:
    files = [path for path in site.rglob("*") if path.suffix in {".html", ".js", ".css", ".svg"}]
    sizes = {path.relative_to(site).as_posix(): gzipped(path) for path in files}
    # The chat asks for no form of its answers, computes on the GPU where it can, has no answer to draw, and nobody asks what is stored.
    # Nobody else asks its model.
    for part, most in LATER.items():
        (name,) = (name for name in sizes if name.startswith(f"assets/{part}."))
        size = sizes.pop(name)
        assert size <= most * KIB, (name, size)
    # It speaks one language: no page speaks one that takes more than this.
    words = [sizes.pop(name) for name in list(sizes) if name.startswith("assets/words-")]
    assert len(words) > 1
    # The chat loads and stores nothing of the page that measures.
    bench = {name: sizes.pop(name) for name in list(sizes) if name.startswith(("bench.", "assets/bench"))}
    assert {"index.html", "sw.js"} <= set(sizes)
    loaded = sum(sizes.values()) + max(words)
    print(f"a first visit loads {loaded:,} bytes, {150 * KIB - loaded:,} fewer than it may")
    assert loaded <= 150 * KIB, sizes
    assert "bench.html" in bench
    assert sum(bench.values()) <= 128 * KIB, bench  # its worker is the engine's whole one


def test_model_library(site: Path) -> None:
    (library,) = (site / "model").glob("model.*.wasm")
    assert gzipped(library) <= 250 * KIB
