"""The site of a model of two small layers that many tests visit: in the variants that browsers here can run, and two beside."""

from __future__ import annotations

from pathlib import Path

TINY = Path(__file__).resolve().parent / "fixtures" / "tiny-llama"
TINY_OPTIONS = ("--tool-format", "hermes", *(f"--variant={name}" for name in ("f16-sg-int8", "f16-int8", "f32-int8", "f16", "f32")))
