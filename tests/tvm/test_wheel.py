"""A wheel from a clean tree carries all that a build needs: no Node, no compiler of C++, no checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's contents, unpacked. It is built from the tracked files alone."""
    folder = tmp_path_factory.mktemp("wheel")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in names:
        if name and not name.startswith("tests/") and (ROOT / name).is_file():
            (folder / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / "tree" / name)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=folder / "tree", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (packed,) = folder.glob("*.whl")
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def test_contents(wheel: Path) -> None:
    package = wheel / "webllm_build"
    for name in ("app.js", "worker.js", "bench.js", "bench-worker.js", "whole.js", "index.d.ts", "service-worker.js", "grammar.wasm"):
        assert (package / "_runtime" / name).stat().st_size > 0
    assert (package / "_support" / "support.o").read_bytes().startswith(b"\0asm")
    assert (package / "_templates" / "site" / "index.html.j2").is_file()
    assert {path.name for path in wheel.iterdir() if not path.name.endswith(".dist-info")} == {"webllm_build"}
    assert not list(wheel.rglob("node_modules"))


def test_the_runtime_is_the_same_wherever_it_is_built(wheel: Path) -> None:
    of_wheel, of_checkout = ({path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
                             for folder in (wheel / "webllm_build" / "_runtime", ROOT / "runtime_js" / "dist"))
    assert of_wheel.keys() == of_checkout.keys()
    assert [name for name, content in of_wheel.items() if content != of_checkout[name]] == []


def test_builds_a_site_by_itself(wheel: Path, tmp_path: Path) -> None:
    """With an empty PATH and nothing of the checkout."""
    model = ROOT / "tests" / "fixtures" / "tiny-llama"
    options = ("--model", str(model), "--variant", "f32", "--out", "dist", "--cache-dir", "cache")
    command = [sys.executable, "-m", "webllm_build", "site", *options]
    environment = {"PYTHONPATH": str(wheel), "PATH": "", "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "dist" / "index.html").is_file()
