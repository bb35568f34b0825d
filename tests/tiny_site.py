"""The site of a model of two small layers that many tests visit: in the variants that browsers here can run, and two beside."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

SMALL_KERNELS = Path(__file__).with_name("small_kernels.py")  # the command that makes it: each page compiles its kernels
TINY = Path(__file__).resolve().parent / "fixtures" / "tiny-llama"
TINY_OPTIONS = ("--tool-format", "hermes", *(f"--variant={name}" for name in ("f16-sg-int8", "f16-int8", "f32-int8", "f16", "f32")))


def write_greedy(out: Path) -> Path:
    """The model where its makers would have the likeliest token taken: what tests ask of it without a seed is drawn the same each time."""
    shutil.copytree(TINY, out)
    config = out / "generation_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text("utf-8")), "do_sample": False}), "utf-8")
    return out
