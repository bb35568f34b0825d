"""The command `doctor`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from webllm_build.config import default_cache_dir


def doctor(
    cache_dir: Annotated[Path | None, typer.Option(help="The cache to look at; default: that of `site`.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")] = False,
) -> None:
    """Tell what a bug report needs: versions, tools, caches, browsers. No secrets and no names. Exit code 1: something is wrong.

    Example:

      webllm-build doctor --json
    """
    from webllm_build.doctor import examine

    findings = examine(cache_dir or default_cache_dir())
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        width = max(len(finding.label) for finding in findings)
        for finding in findings:
            print(f"{finding.label + ':':<{width + 2}}{finding.value}" + (f"  <- {finding.problem}" if finding.problem else ""))
    sys.exit(int(any(finding.problem for finding in findings)))
