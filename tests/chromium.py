"""How the tests run Chromium."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "builder"))  # where nothing is installed
from webllm_build.chromium import COMMON, UNTHROTTLED, WEBGPU, find

__all__ = ["COMMON", "DAWN_TOGGLES", "FLAGS", "UNTHROTTLED", "WHOLE_MODELS", "find", "shell", "shells", "swiftshader"]

# SwiftShader's code to zero workgroup memory, a word at a time, would take half of the time. No kernel may need the zeros.
DAWN_TOGGLES = ("disable_workgroup_init",)
# A fifth of what is compiled keeps each index inside of its buffer. Whole models go without; tests of each kernel have it, and see an index
# beyond the end.
WHOLE_MODELS = ("disable_robustness",)
# By what `--gpu` calls them; "test" is SwiftShader with those toggles, which a visitor's browser does not have.
FLAGS: dict[str, list[str]] = {"test": [*WEBGPU["software"], f"--enable-dawn-features={','.join((*DAWN_TOGGLES, *WHOLE_MODELS))}"]}
FLAGS.update(WEBGPU.items())


def shells() -> list[Path]:
    """Chromium's headless shells that Debian and Playwright have put here."""
    installed = [Path(found)] if (found := shutil.which("chromium-headless-shell")) else []
    return [*installed, *sorted(Path.home().glob(".cache/ms-playwright/chromium_headless_shell-*/*/*headless*shell"))]


def shell() -> Path | None:
    """Chromium's headless shell, where there is one and no other Chromium is named; else as `find`. A page costs it a third less."""
    return find() if "CHROMIUM" in os.environ else next(iter(shells()), None) or find()


def swiftshader() -> Path:
    """SwiftShader's Vulkan driver file, which every Chromium carries."""
    chromium = shutil.which("chromium") or shutil.which("chrome") or shutil.which("google-chrome")
    folders = [Path(chromium).resolve().parent] if chromium else []
    folders.append(Path("/usr/lib/chromium"))
    folders += sorted(Path.home().glob(".cache/ms-playwright/chromium*/*"))
    for folder in folders:
        if (driver := folder / "vk_swiftshader_icd.json").is_file():
            return driver
    raise RuntimeError("no Vulkan driver for the kernel tests: install Chromium, or name a driver file in VK_ICD_FILENAMES")
