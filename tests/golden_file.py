"""Comparison with a checked-in file; BLESS=1 in the environment writes it anew."""

from __future__ import annotations

import os
from pathlib import Path

GOLDEN = Path(__file__).resolve().parent / "golden"


def assert_golden(name: str, text: str) -> None:
    """Compare `text` with tests/golden/<name>."""
    path = GOLDEN / name
    if os.environ.get("BLESS") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert path.is_file(), f"{path} is missing: run with BLESS=1 and look at what it writes"
    assert text == path.read_text(), f"{path.name} differs: run with BLESS=1 if this is meant, and look at the difference"
