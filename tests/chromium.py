"""Finds a Chromium, and knows the switches that give it WebGPU on a machine without a GPU."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = ("Google Chrome.app/Contents/MacOS/Google Chrome", "Chromium.app/Contents/MacOS/Chromium")

QUIET = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-background-timer-throttling",
]
# SwiftShader's code to zero workgroup memory, a word at a time, would take half of the time. No kernel may need the zeros.
DAWN_TOGGLES = ("disable_workgroup_init",)
WEBGPU = {
    # SwiftShader: WebGPU on the CPU, with subgroups of 4 and without shader-f16.
    "software": [
        "--enable-unsafe-webgpu",
        "--use-webgpu-adapter=swiftshader",
        "--enable-features=Vulkan",
        f"--enable-dawn-features={','.join(DAWN_TOGGLES)}",
    ],
    # What the browser finds by itself.
    "default": ["--enable-unsafe-webgpu", "--ignore-gpu-blocklist"],
    # A Linux server: Vulkan without a display. Dawn leaves shader-f16 off by default on NVIDIA's driver.
    "nvidia": [
        "--enable-features=Vulkan,VulkanFromANGLE,DefaultANGLEVulkan",
        "--use-angle=vulkan",
        "--use-webgpu-adapter=default",
        "--enable-dawn-features=vulkan_enable_f16_on_nvidia",
        "--ignore-gpu-blocklist",
        "--disable-gpu-watchdog",
    ],
}


def find() -> Path | None:
    """The Chromium named in CHROMIUM, else one on PATH, else an installed one, else Playwright's; None where there is none."""
    if named := os.environ.get("CHROMIUM"):
        return Path(named)
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    if platform.system() == "Darwin":
        for path in (Path("/Applications") / name for name in MAC):
            if path.is_file():
                return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    return path if path.is_file() else None
