"""The step loop of the CPU under real threads. With ThreadSanitizer, whose library takes minutes to compile once:
`python -m ziglang cc -std=c++17 -fsanitize=thread -Iwasm_support/src wasm_support/src/steps.cc wasm_support/tests/steps_test.cc`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from wasm_library import ROOT, build_native


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("steps") / "steps_test"
    build_native(path, ROOT / "wasm_support" / "tests" / "steps_test.cc")
    return path


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_every_unit_is_computed_once_and_behind_the_step_before(program: Path, threads: int) -> None:
    ran = subprocess.run([program, str(threads), "500"], capture_output=True, text=True, timeout=300, check=False)
    assert (ran.returncode, ran.stdout) == (0, "ok\n"), ran.stderr
