"""Whichever product a GPU computes wrongly, the model's check of its first numbers notices, in a real browser."""

from __future__ import annotations

import json
from pathlib import Path

from open_page import page_console

# Of each kind one: products of many tokens and of one, attention, and the head. Without `kernels` the page tries all.
KERNELS = ("gemm_codes_96x192", "gemv_codes_256x96", "attention_decode", "gemv_codes_300x96")


def test_products_that_are_wrong_are_noticed(tiny_site: Path, chromium_path: Path) -> None:
    query = f"variant=f32-int8&kernels={','.join(KERNELS)}"
    lines = list(page_console("browser/wrong.html", {"site": tiny_site}, query, program=chromium_path))
    assert lines[-1] == "DONE loaded", lines
    loads = [json.loads(line.partition(" ")[2]) for line in lines if line.startswith("KERNEL")]
    assert len(loads) == len(KERNELS)
    for load in loads:
        assert "it computes wrong numbers" in load["refusal"], load
