"""The tables of faults and of promises name tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from open_page import TESTS

NAMED = re.compile(r"(browser|node|null|tvm)/(\w+(?:\.test)?\.(?:py|ts|mjs)) `([^`]+)`")


@pytest.mark.parametrize(("table", "least"), [(TESTS / "FAULTS.md", 30), (TESTS.parent / "SECURITY.md", 20)], ids=["faults", "promises"])
def test_every_row_has_its_test(table: Path, least: int) -> None:
    text = table.read_text("utf-8")
    lines = text[text.index("| test |"):].splitlines()
    rows = [line for line in lines if line.startswith("| ") and not line.startswith("| ---") and not line.endswith("| test |")]
    assert len(rows) > least
    for row in rows:
        named = NAMED.findall(row)
        assert named, row
        for where, file, name in named:
            path = (TESTS.parent / "runtime_js" / "test" if where == "node" else TESTS / where) / file
            expected = f'test("{name}"' if where == "node" else f"def {name}("
            assert expected in path.read_text("utf-8"), f"{path.name} has no {name}"
