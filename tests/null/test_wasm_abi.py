"""What is generated from abi.json is up to date, and says what abi.json says."""

from __future__ import annotations

import runpy

from wasm_library import ABI, ROOT
from webllm_build.compile.abi_generated import WASM_ABI_FUNCTIONS

GENERATOR = ROOT / "wasm_support" / "generate_abi.py"


def test_generated_files_match_abi_json() -> None:
    files = runpy.run_path(str(GENERATOR))["generated_files"]()
    assert len(files) == 3
    stale = [str(path.relative_to(ROOT)) for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text]
    assert not stale, f"{stale} differ from abi.json: run `python wasm_support/generate_abi.py` and commit the result"


def test_names_are_unique_and_all_exported() -> None:
    names = [function["name"] for function in ABI["functions"]]
    assert tuple(names) == WASM_ABI_FUNCTIONS and len(set(names)) == len(names)


def test_error_values_are_distinct_and_negative() -> None:
    values = [error["value"] for error in ABI["errors"].values()]
    assert len(set(values)) == len(values) and max(values) < 0
