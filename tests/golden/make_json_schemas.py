"""Writes tests/fixtures/json_schemas.json: the schemas of the JSON Schema Test Suite, draft 2020-12, each once.

    python tests/golden/make_json_schemas.py FOLDER

FOLDER is json/tests/draft2020-12 of the sdist of `jsonschema` on PyPI, which carries the suite (MIT License).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

FIXTURE = Path(__file__).resolve().parents[1] / "fixtures" / "json_schemas.json"


def main() -> None:
    schemas: dict[str, tuple[str, object]] = {}
    for path in sorted(Path(sys.argv[1]).glob("*.json")):
        for case in json.loads(path.read_text("utf-8")):
            schema = (
                {key: value for key, value in case["schema"].items() if key != "$schema"}
                if isinstance(case["schema"], dict)
                else case["schema"]
            )
            schemas.setdefault(json.dumps(schema), (f"{path.stem}: {case['description']}", schema))
    lines = [f" {json.dumps(name)}: {json.dumps(schema)}" for name, schema in schemas.values()]
    FIXTURE.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main()
