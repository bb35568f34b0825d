"""Constants that languages share: what is generated is up to date, and all sides read it from there."""

from __future__ import annotations

import json
import runpy

from wasm_library import ABI, ROOT
from webllm_build import limits_generated
from webllm_build.compile.abi_generated import WASM_ABI_FUNCTIONS

LIMITS: dict[str, dict[str, object]] = json.loads((ROOT / "constants" / "limits.json").read_text("utf-8"))


def test_generated_files_match_their_sources() -> None:
    files = runpy.run_path(str(ROOT / "constants" / "generate.py"))["generated_files"]()
    stale = [str(path.relative_to(ROOT)) for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text]
    assert len(files) == 5
    assert not stale, f"{stale} differ from their sources: run `python constants/generate.py` and commit the result"


def test_every_limit_is_used_on_both_sides() -> None:
    browser = "".join(path.read_text("utf-8") for path in (ROOT / "runtime_js" / "src").rglob("*.ts") if "generated" not in path.name)
    builder = "".join(path.read_text("utf-8") for path in (ROOT / "builder").rglob("*.py") if "generated" not in path.name)
    for name, limit in LIMITS.items():
        assert getattr(limits_generated, name) == limit["value"]
        assert name in builder, f"{name} is not checked when a model is built"
        assert name in browser or name == "MAX_TOKENIZER_BYTES", f"{name} is not checked in the browser"


def test_functions_of_the_wasm_abi_have_names_of_their_own() -> None:
    names = [function["name"] for function in ABI["functions"]]
    assert tuple(names) == WASM_ABI_FUNCTIONS and len(set(names)) == len(names)


def test_error_values_are_distinct_and_negative() -> None:
    values = [error["value"] for error in ABI["errors"].values()]
    assert len(set(values)) == len(values) and max(values) < 0
