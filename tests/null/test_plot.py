"""README's plot shows what is measured."""

from __future__ import annotations

import json
import re
import runpy

from open_page import TESTS

RESULTS = TESTS / "bench" / "RESULTS.md"
DATA = TESTS / "bench" / "speeds.json"


def test_the_plot_is_made_from_the_figures_beside_it() -> None:
    plot = runpy.run_path(str(TESTS / "bench" / "plot.py"))
    assert plot["digest"](DATA.read_bytes()) in plot["PLOT"].read_text("utf-8"), "run tests/bench/plot.py"


def test_every_figure_stands_among_the_results() -> None:
    said = RESULTS.read_text("utf-8")
    for model, speeds in json.loads(DATA.read_bytes())["decode"].items():
        rows = [line for line in said.splitlines() if line.startswith("|") and model in line]
        for engine, speed in speeds.items():
            assert any(re.search(rf"\b{speed:,}\b", row) for row in rows), (model, engine)
