"""The engine in a browser, on a tiny model that the public command builds."""

from __future__ import annotations

from pathlib import Path

import pytest

from open_page import page_console


@pytest.mark.timeout(900)
def test_engine(tiny_site: Path, chromium_shell: Path) -> None:
    """Every scenario of runtime.html passes, and nothing else is on the console but the word of a GPU that was lost once."""
    lines = list(page_console("browser/runtime.html", {"site": tiny_site}, program=chromium_shell, seconds=900))
    assert lines[-1] == "DONE all passed", "\n".join(lines)
    others = [line for line in lines[:-1] if not line.startswith("PASS ")]
    assert len(lines) > 10 and len(others) == 1 and others[0].startswith("The model is loaded again: "), "\n".join(lines)
