"""Keeps what random draws of fuzz_kernels.py gave kernels and got from SwiftShader, for a GPU of a machine that has neither TVM nor NumPy.

    python tests/fuzz/record_kernels.py OUT --seconds 600 --seed 1
    python tests/open_page.py bench/kernels.html cases=OUT --gpu nvidia --seconds 90      there

OUT has `cases.json` (grids, and of each buffer its binding, place and what its words are), `kernels.json` (WGSL) and `data.bin` (contents).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import fuzz_kernels  # finds what follows
import numpy as np
from dawn import GUARD_BYTES, Array, Dawn, PreparedKernel, evaluate, grid_of, poison

from webllm_build.compile.kv_layout import PAGE_SIZE
from webllm_build.compile.target import Variant
from webllm_build.compile.wgsl import compile_kernels
from webllm_build.errors import CompileError, UnsupportedArchitecture

MOST_BYTES = 300_000  # of a case
MOST_IN_ALL = 36_000_000

LETTERS = {"float32": "f", "float16": "h", "int8": "c", "uint8": "b"}  # else "i"

Sizes = Mapping[str, int]
Grid = tuple[int, int, int]


def words_of(name: str, array: Array, variant: Variant) -> str:
    """What the words of a buffer's last axis are, a letter each or one for all: WebGPU knows numbers' bits in words alone."""
    size = int(array.shape[-1])
    match name:
        case "kv" if variant.kv_dtype == "q8":  # codes, then scales
            return "c" * (size - PAGE_SIZE) + "f" * PAGE_SIZE
        case "kv":
            return LETTERS[variant.kv_dtype]
        case "out_q":
            return "c"
        case "logprobs":  # of the token, then pairs of an id and its own
            return "fi" + "if" * (size // 2 - 1)
    return LETTERS.get(str(array.dtype), "i")


def malformed(given: Mapping[str, Array]) -> int:
    """How many ids there are, where logits are no numbers or infinite: all that a kernel then promises is one of these. Else 0."""
    logits = given.get("logits", np.zeros(1))
    return 0 if np.all(logits < np.inf) else logits.shape[-1]


class Recorded:
    """What was run, by the draw that ran it."""

    def __init__(self) -> None:
        self.cases: list[dict[str, Any]] = []
        self.kernels: dict[str, int] = {}
        self.data = bytearray()

    def _put(self, array: Array) -> dict[str, int]:
        content = array.tobytes()
        content += bytes(-len(content) % 4) + poison(GUARD_BYTES // array.dtype.itemsize, array.dtype).tobytes()
        self.data += content
        return {"at": len(self.data) - len(content), "bytes": len(content), "holds": array.nbytes}

    def keep(self, draw: str, kernel: Kept, given: Mapping[str, Array], sizes: Sizes, grid: Grid | None, got: Mapping[str, Array]) -> None:
        names = {slot: name for slot, _, name in kernel._bindings}
        if sum(given[name].nbytes for name in names.values()) > MOST_BYTES or len(self.data) > MOST_IN_ALL:
            return
        x, y, z = grid or grid_of(kernel._func, sizes)
        uniform = [*(evaluate(expr, sizes) for expr in kernel._uniform[:-1]), x] if kernel._uniform else []
        compiled = compile_kernels({"kernel": kernel._func}, kernel.variant)["kernel"]
        buffers = []
        for slot, name in names.items():
            buffers.append({"slot": slot, "words": words_of(name, given[name], kernel.variant), **self._put(given[name])})
            if name in got:
                buffers[-1]["gives"] = self._put(got[name])["at"]
        place = self.kernels.setdefault(json.dumps([compiled.wgsl, compiled.entry]), len(self.kernels))
        case = {"draw": draw, "kernel": place, "grid": [x, y, z], "uniform": uniform, "buffers": buffers, "ids": malformed(given)}
        self.cases.append(case)

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cases.json").write_text(json.dumps(self.cases))
        (folder / "kernels.json").write_text(f"[{','.join(self.kernels)}]")
        (folder / "data.bin").write_bytes(self.data)


class Kept(PreparedKernel):
    """A kernel whose runs are kept."""

    def __init__(self, dawn: Keeping, func: Any, variant: Variant) -> None:
        super().__init__(dawn, func, variant)
        self._keeping, self.variant = dawn, variant

    def run(self, buffers: Mapping[str, Array], sizes: Sizes | None = None, grid: Grid | None = None) -> dict[str, Array]:
        given = {name: np.array(array) for name, array in buffers.items()}
        got = super().run(buffers, sizes, grid)
        self._keeping.recorded.keep(self._keeping.draw, self, given, sizes or {}, grid, got)
        return got


class Keeping(Dawn):
    """SwiftShader, and what it ran. draw: what begins the next runs."""

    def __init__(self) -> None:
        super().__init__()
        self.recorded, self.draw = Recorded(), ""

    def prepare(self, func: Any, variant: Variant) -> PreparedKernel:
        return Kept(self, func, variant)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=170)
    given = parser.parse_args()
    dawn, until, number = Keeping(), time.monotonic() + given.seconds, given.seed
    while time.monotonic() < until:
        random = Random(number)
        play = random.choice(fuzz_kernels.DRAWS)
        dawn.draw = f"{play.__name__} {number}"
        with suppress(CompileError, UnsupportedArchitecture):
            play(random, dawn, dawn.subgroups)
        number += 1
        if (number - given.seed) % 20 == 0:
            dawn.recorded.write(given.out)
    dawn.recorded.write(given.out)
    kept = dawn.recorded
    counts = f"{len(kept.cases)} runs of {len(kept.kernels)} kernels, {len(kept.data) >> 20} MiB"
    print(f"{number - given.seed} draws from {given.seed} on: {counts}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
