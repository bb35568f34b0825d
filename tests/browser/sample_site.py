"""The projects of sites/, built as a stranger would: a package in its place, `npm install`, `npm run check`, `npm run build`."""

from __future__ import annotations

import runpy
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
NPM = runpy.run_path(str(ROOT / "hatch_build.py"))["npm"]


def build_sample(name: str, folder: Path, *options: str | Path) -> Path:
    """Builds sites/`name` in `folder` with the package that `webllm-build npm` makes of these options; gives the folder of the result."""
    site = folder / name
    shutil.copytree(ROOT / "sites" / name, site, ignore=shutil.ignore_patterns("node_modules", "dist", "package", "public"))
    command: list[str | Path] = [sys.executable, "-m", "webllm_build", "npm", "--out", site / "package", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    shutil.copytree(site / "package" / "weights", site / "public" / "weights")
    NPM(site, "install", "--no-audit", "--no-fund", "--silent")
    NPM(site, "run", "check", "--if-present", "--silent")
    NPM(site, "run", "build", "--silent", "--", "--logLevel", "error")
    return site / "dist"
