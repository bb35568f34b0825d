"""Kernels in small tiles, which SwiftShader compiles in a tenth of the time: for tests of whole models. What kernels compute in the tiles
that browsers choose from, and over several keys at once, is for the tests of each.

python tests/small_kernels.py site ...             as `webllm-build site ...`, with such kernels
python tests/small_kernels.py attention site ...   the same, with products in visitors' tiles: for what computes longer than it compiles
python tests/small_kernels.py floats attention site ...   and no codes of activations on CPUs
"""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

from webllm_build import library
from webllm_build.__main__ import main
from webllm_build.compile import lower, lower_experts, lower_integer
from webllm_build.compile.cpu import variant as cpu_variant
from webllm_build.compile.kernels.attention import decode, merge, prefill
from webllm_build.compile.kernels.linear import gemm, gemm_codes, gemv, gemv_codes
from webllm_build.compile.kernels.linear.vectors import Tile
from webllm_build.compile.lower_experts import HEIGHT
from webllm_build.compile.target import Variant
from webllm_build.versions import made_by

CODES = gemm_codes.Tile(rows=1, columns=2, width_threads=2, height_threads=HEIGHT)
VALUES = gemm.Tile(rows=2, columns=8, width=64)
# Makers that keep what they made.
KEEPING: Mapping[Any, Sequence[str]] = {
    lower: ("_gemm", "_gemv", "_attention_prefill", "_attention_decode", "attention_merge_kernel"),
    lower_experts: ("_channels", "_sum"),
    lower_integer: ("_gemm_codes", "_gemv_codes", "_expert_gemm_codes", "_channels_codes", "_sum_codes", "attention_merge_kernel"),
}


def made_small(sources: tuple[str, ...], tools: tuple[str, ...], products: bool) -> dict[str, str]:
    """Libraries with small kernels are other entries of a cache."""
    return {**made_by(sources, tools), "small kernels": f"{products} {hashlib.sha256(Path(__file__).read_bytes()).hexdigest()}"}


def vector_tiles(variant: Variant, *_: object, **__: object) -> Mapping[str, Tile]:
    """Two, from which a browser chooses."""
    lanes = 8 if variant.subgroups else 4
    return {"other": Tile(lanes, rows=2, groups=32), "apple": Tile(lanes, rows=4, groups=16)}


@contextmanager
def small_kernels(products: bool = True) -> Iterator[None]:
    """Models that are compiled meanwhile have them. products: those of matrices, too."""
    of_products: Sequence[tuple[Any, str, object]] = (
        (gemm, "tiles", lambda variant, n: {"other": VALUES}),
        (gemm_codes, "tiles", lambda n: {"other": CODES}),
        (gemv, "tiles", vector_tiles),
        (gemv_codes, "tiles", vector_tiles),
        (lower_integer, "EXPERT_TILE", CODES),
        (lower_integer, "channel_tiles", vector_tiles),
        (lower_integer, "sum_tiles", vector_tiles),
    )
    small: Sequence[tuple[Any, str, object]] = (
        *(of_products if products else ()),
        (prefill, "MAX_RUNS", 1),
        (decode, "KEYS", 1),
        (decode, "THREADS", 32),
        (merge, "THREADS", 64),  # enough for heads of 256
        (library, "made_by", functools.partial(made_small, products=products)),
    )
    # What is compiled later must not have them.
    fresh = [(module, name, functools.cache(getattr(module, name).__wrapped__)) for module, names in KEEPING.items() for name in names]
    with ExitStack() as stack:
        for module, name, value in (*fresh, *small):
            stack.enter_context(patch.object(module, name, value))
        yield


@contextmanager
def floats_on_cpus() -> Iterator[None]:
    """Builds have meanwhile no codes of activations in their libraries for CPUs: cpu-f32 alone, half of what LLVM compiles."""
    made = vars(library)["made_by"]

    def made_in_floats(sources: tuple[str, ...], tools: tuple[str, ...]) -> dict[str, str]:
        return {**made(sources, tools), "on CPUs": "floats"}

    with patch.object(cpu_variant, "CPU_VARIANTS", (cpu_variant.EXACT,)), patch.object(library, "made_by", made_in_floats):
        yield


if __name__ == "__main__":
    asked = {sys.argv.pop(1) for word in ("floats", "attention") if sys.argv[1:2] == [word]}
    with small_kernels(products="attention" not in asked), floats_on_cpus() if "floats" in asked else nullcontext():
        main()
