"""How much a first visit loads before the model, and how large the compiled model library is, gzipped."""

from __future__ import annotations

import gzip
from pathlib import Path

KIB = 1024


def gzipped(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), 9))


def test_page(site: Path) -> None:
    shell = [path for path in site.rglob("*") if path.suffix in {".html", ".js", ".css", ".svg"}]
    assert {"index.html", "sw.js"} <= {path.name for path in shell}
    sizes = {str(path.relative_to(site)): gzipped(path) for path in shell}
    assert sum(sizes.values()) <= 150 * KIB, sizes


def test_model_library(site: Path) -> None:
    (library,) = (site / "model").glob("*.wasm")
    assert gzipped(library) <= 250 * KIB
