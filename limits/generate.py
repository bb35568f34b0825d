"""Writes the limits that builder and browser share, in Python and TypeScript, from their one source, limits.json.

    python limits/generate.py           # after a change of limits.json
    python limits/generate.py --check   # exit status 1 where a generated file is out of date
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TypedDict

HERE = Path(__file__).resolve().parent
NOTICE = "Generated from limits/limits.json by limits/generate.py. Do not edit."


class Limit(TypedDict):
    value: int
    meaning: str


def typescript(limits: dict[str, Limit]) -> str:
    constants = (f"/** {limit['meaning']} */\nexport const {name} = {limit['value']};\n" for name, limit in limits.items())
    return f"// {NOTICE}\n\n{''.join(constants)}"


def python(limits: dict[str, Limit]) -> str:
    constants = (f"{name} = {limit['value']}  # {limit['meaning']}\n" for name, limit in limits.items())
    return f'"""{NOTICE}"""\n\n{"".join(constants)}'


def generated_files() -> dict[Path, str]:
    """Path of each generated file and its right content."""
    limits: dict[str, Limit] = json.loads((HERE / "limits.json").read_text("utf-8"))
    return {
        HERE.parent / "runtime_js" / "src" / "support" / "limits.generated.ts": typescript(limits),
        HERE.parent / "builder" / "webllm_build" / "limits_generated.py": python(limits),
    }


def main() -> int:
    stale = [path for path, text in generated_files().items() if not path.is_file() or path.read_text("utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path} does not match limits.json: run `python limits/generate.py` and commit the result", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.write_text(generated_files()[path], "utf-8")
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
