"""Finds a Chromium, and knows the switches that give it WebGPU. Standard library only: test machines may have nothing else."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = ("Google Chrome.app/Contents/MacOS/Google Chrome", "Chromium.app/Contents/MacOS/Chromium")

WINDOWS = ("Google/Chrome/Application/chrome.exe", "Chromium/Application/chrome.exe", "Microsoft/Edge/Application/msedge.exe")

UNTHROTTLED = "--disable-background-timer-throttling"

COMMON = [
    *(["--no-sandbox"] if os.name == "posix" and os.geteuid() == 0 else []),  # Chromium's sandbox does not start for root
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    UNTHROTTLED,
    "--disable-dawn-features=timestamp_quantization",  # GPU times are not rounded to 0.1 ms
]
_VULKAN = ["--enable-features=Vulkan,VulkanFromANGLE,DefaultANGLEVulkan", "--use-angle=vulkan", "--use-webgpu-adapter=default"]
_NVIDIA = [*_VULKAN, "--ignore-gpu-blocklist", "--disable-gpu-watchdog"]
# How Chromium gets at a GPU.
Gpu = Literal["software", "default", "nvidia", "nvidia-experimental"]
WEBGPU: dict[Gpu, list[str]] = {
    # SwiftShader: WebGPU on the CPU, with subgroups of 4 and without shader-f16.
    "software": ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"],
    # What the browser finds by itself.
    "default": ["--enable-unsafe-webgpu", "--ignore-gpu-blocklist"],
    # A Linux server: Vulkan without a display. Dawn leaves shader-f16 off by default on NVIDIA's driver.
    "nvidia": [*_NVIDIA, "--enable-dawn-features=vulkan_enable_f16_on_nvidia"],
    # The same, with features that browsers do not give to every page yet, as subgroup matrices.
    "nvidia-experimental": [*_NVIDIA, "--enable-unsafe-webgpu", "--enable-dawn-features=vulkan_enable_f16_on_nvidia,allow_unsafe_apis"],
}


def detect_gpu() -> Gpu:
    """What suits this machine."""
    if platform.system() != "Linux":
        return "default"
    if Path("/proc/driver/nvidia/version").is_file():
        return "nvidia"
    return "default" if any(Path("/dev/dri").glob("renderD*")) else "software"


def find() -> Path | None:
    """The Chromium named in CHROMIUM, else one on PATH, else an installed one, else Playwright's; None where there is none."""
    if named := os.environ.get("CHROMIUM"):
        return Path(named)
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    for path in _installed(platform.system()):
        if path.is_file():
            return path
    return _playwrights_own()


def _installed(system: str) -> Iterator[Path]:
    """Where browsers lie on systems that do not put them on PATH."""
    if system == "Darwin":
        yield from (Path("/Applications") / name for name in MAC)
    if system == "Windows":
        roots = filter(None, map(os.environ.get, ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")))
        yield from (Path(root) / name for root in roots for name in WINDOWS)


def _playwrights_own() -> Path | None:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    return path if path.is_file() else None
