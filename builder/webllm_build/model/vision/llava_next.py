"""LLaVA-NeXT (https://llava-vl.github.io/blog/2024-01-30-llava-next/) and Granite Vision: LLaVA on a picture as a whole and on squares of
it, in a grid like its shape. The vectors of these stand in the picture's rows, without those of what was added to fill the grid, and behind
each row is a learnt one."""

from __future__ import annotations

from webllm_build.model.config import Reader
from webllm_build.model.pictures import Pictures
from webllm_build.model.vision import llava
from webllm_build.model.vision.tower import Batch, Tower

DEFAULTS, IGNORED, TYPES = llava.DEFAULTS, llava.IGNORED, llava.TYPES


def read(config: Reader, outer: Reader, text: Reader, batch: Batch) -> tuple[Tower, Pictures]:
    return llava.read(config, outer, text, batch, newline=True)
