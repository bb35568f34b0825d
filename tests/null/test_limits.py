"""What is generated from limits.json is up to date, and both sides read it from there."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

from webllm_build import limits_generated

ROOT = Path(__file__).resolve().parents[2]
LIMITS: dict[str, dict[str, object]] = json.loads((ROOT / "limits" / "limits.json").read_text("utf-8"))


def test_generated_files_match_limits_json() -> None:
    files = runpy.run_path(str(ROOT / "limits" / "generate.py"))["generated_files"]()
    stale = [str(path.relative_to(ROOT)) for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text]
    assert len(files) == 2
    assert not stale, f"{stale} differ from limits.json: run `python limits/generate.py` and commit the result"


def test_every_limit_is_used_on_both_sides() -> None:
    browser = "".join(path.read_text("utf-8") for path in (ROOT / "runtime_js" / "src").rglob("*.ts") if "generated" not in path.name)
    builder = "".join(path.read_text("utf-8") for path in (ROOT / "builder").rglob("*.py") if "generated" not in path.name)
    for name, limit in LIMITS.items():
        assert getattr(limits_generated, name) == limit["value"]
        assert name in builder, f"{name} is not checked when a model is built"
        assert name in browser or name == "MAX_TOKENIZER_BYTES", f"{name} is not checked in the browser"
