"""The table of faults names tests that there are."""

from __future__ import annotations

import re

from open_page import TESTS

NAMED = re.compile(r"(browser|node)/(\w+(?:\.test)?\.(?:py|ts|mjs)) `([^`]+)`")


def test_every_fault_has_its_test() -> None:
    lines = (TESTS / "FAULTS.md").read_text("utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| ") and not line.startswith(("| fault", "| ---"))]
    assert len(rows) > 30
    for row in rows:
        named = NAMED.findall(row)
        assert named, row
        for where, file, name in named:
            path = TESTS / "browser" / file if where == "browser" else TESTS.parent / "runtime_js" / "test" / file
            expected = f"def {name}(" if where == "browser" else f'test("{name}"'
            assert expected in path.read_text("utf-8"), f"{path.name} has no {name}"
