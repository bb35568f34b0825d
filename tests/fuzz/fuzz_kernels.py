"""Draws kernels of any shape, and what they run on, and compares with NumPy, by the checks of tests/gpu.

    python tests/fuzz/fuzz_kernels.py --seconds 170 --seed 1              on SwiftShader, by Dawn
    python tests/fuzz/fuzz_kernels.py --device lavapipe                   on Mesa's driver, by Firefox's wgpu, which has no subgroups
    python tests/fuzz/fuzz_kernels.py --seed 17 --draws 1                 one draw again

A draw is its number. Outputs are full of NaN before a kernel runs, and there is more of it behind each buffer's end: what a kernel leaves,
or writes beyond an end, is seen. Shapes that the compiler refuses by its own errors are counted apart. Exit status 1: some draw failed.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "gpu"), str(TESTS.parent / "builder")]

import linear_case  # noqa: E402  # what is imported is found by the path above
import numpy as np  # noqa: E402
import paged  # noqa: E402
import test_adjust  # noqa: E402
import test_attention_decode  # noqa: E402
import test_attention_prefill  # noqa: E402
import test_chunks  # noqa: E402
import test_embed  # noqa: E402
import test_gemm  # noqa: E402
import test_gemm_codes  # noqa: E402
import test_gemv  # noqa: E402
import test_gemv_codes  # noqa: E402
import test_layer_norm  # noqa: E402
import test_logprobs  # noqa: E402
import test_norm_parts  # noqa: E402
import test_quantize_kernel  # noqa: E402
import test_rope_append  # noqa: E402
import test_rows_attention  # noqa: E402
import test_sample  # noqa: E402
from dawn import Dawn  # noqa: E402
from naga import Naga  # noqa: E402
from seeds import asked, numbers  # noqa: E402

from recurrence_case import DELTAS, SCANS  # noqa: E402
from webllm_build.compile.kernels.linear.vectors import Tile  # noqa: E402
from webllm_build.compile.target import Variant  # noqa: E402
from webllm_build.errors import CompileError, UnsupportedArchitecture  # noqa: E402
from webllm_build.model.attention import Attention, Growth, Rope  # noqa: E402
from webllm_build.model.recurrence import GatedDelta, Scan  # noqa: E402
from webllm_build.quantize import SCHEMES  # noqa: E402

LAVAPIPE = "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json"
EPILOGUES = [*linear_case.EPILOGUES.values(), *linear_case.MORE_EPILOGUES.values()]
SIZES = (1, 2, 3, 5, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 130)
Draw = Callable[[Random, Dawn, bool], None]


class Lavapipe(Dawn):
    """Kernels as Firefox compiles them, on Mesa's driver for CPUs."""

    def __init__(self) -> None:
        naga = Naga()
        self.wgpu, self.device, self.subgroups = naga.wgpu, naga.device, False
        self._pipelines = {}


def variant_of(random: Random, subgroups: bool, variants: list[Variant]) -> Variant:
    return random.choice([variant for variant in variants if subgroups or not variant.subgroups])


def inputs_of(random: Random) -> int:
    return 32 * random.choice((1, 2, 3, 5, 8, 17, 18, 33, 64, 65, random.randrange(1, 100)))


def gemv(random: Random, dawn: Dawn, subgroups: bool) -> None:
    variant, scheme = variant_of(random, subgroups, linear_case.VARIANTS), random.choice(list(SCHEMES))
    lanes = 2 ** random.randrange(2, 7)
    tile = random.choice((None, Tile(lanes, 2 ** random.randrange(1, 4), random.randrange(1, min(8, 256 // lanes) + 1))))
    n, k, epilogue = random.randrange(1, 200), inputs_of(random), random.choice(EPILOGUES)
    test_gemv.check(dawn, variant, scheme, n, k, norm=random.random() < 0.5, epilogue=epilogue, tile=tile)


def gemv_rows(random: Random, dawn: Dawn, subgroups: bool) -> None:
    variant, scheme, m = variant_of(random, subgroups, linear_case.VARIANTS), random.choice(list(SCHEMES)), random.choice((2, 4, 8))
    tile = Tile(2 ** random.randrange(2, 6), random.choice((2, 4, 8)), random.choice((1, 2, 4, 8)))
    n, k, norm = random.randrange(1, 200), inputs_of(random), random.random() < 0.5
    check: Any = test_gemv.test_several_vectors_give_what_each_gives_alone
    check(dawn, variant, scheme, n, k, norm, random.choice(EPILOGUES), tile, m)


def gemv_codes(random: Random, dawn: Dawn, subgroups: bool) -> None:
    variant, epilogue = variant_of(random, subgroups, linear_case.VARIANTS), random.choice(EPILOGUES)
    n = 64 * random.randrange(1, 5) if epilogue.gated else random.randrange(1, 200)
    tile = Tile(4, 8, 8) if epilogue.gated else random.choice((Tile(4, 2, 8), Tile(8, 4, 2), Tile(32, 4, 4), Tile(64, 2, 1)))
    norm = random.random() < 0.5
    packed = not norm and random.random() < 0.5
    options: dict[str, Any] = {"variant": variant, "norm": norm, "packed": packed, "epilogue": epilogue, "tile": tile}
    test_gemv_codes.check(dawn, random.choice(("q4", "q4a", "q8", "mxfp4")), n, inputs_of(random), **options)


def gemm(random: Random, dawn: Dawn, subgroups: bool) -> None:
    tile = random.choice((None, test_gemm.LARGE, test_gemm.WIDE))
    m, n, k, epilogue = random.choice(SIZES), random.choice(SIZES), inputs_of(random), random.choice(EPILOGUES)
    test_gemm.check(dawn, random.choice(list(SCHEMES)), m, n, k, epilogue, tile)


def gemm_codes(random: Random, dawn: Dawn, subgroups: bool) -> None:
    scheme, tile = random.choice(("q4", "q4a", "q8", "mxfp4")), random.choice((None, test_gemm_codes.LARGE))
    m, n, k, epilogue = random.choice(SIZES), random.choice(SIZES), inputs_of(random), random.choice(EPILOGUES)
    test_gemm_codes.check(dawn, scheme, m, n, k, epilogue, tile)


def attention_of(random: Random, *, causal: bool = True) -> Attention:
    kv_heads, head_dim = random.choice((1, 1, 2, 3)), random.choice((32, 40, 64, 72, 80, 96, 104, 128))
    scale = head_dim**-0.5 * random.choice((1, 1, 0.5, 1.2))  # with larger products the last places of scores would count
    traits: dict[str, Any] = {"window": random.choice((None, None, 1, 2, 15, 16, 17, 48, 333)), "scale": scale}
    if causal:
        traits |= random.choice(({}, {"gate": head_dim}, {"gate": 1}, {"sinks": True}, {"softcap": 2.0}, {"growth": Growth(0.1, 16)}))
        normed = {"qk_norm": paged.NORM_EPS}
        traits |= random.choice(({}, {}, normed, {**normed, "turn_first": True}, {**normed, "value_norm": True}))
    rope = Rope((1.0,) * (head_dim // 2))
    return Attention(kv_heads * random.choice((1, 2, 3, 4, 8)), kv_heads, head_dim, **{"rope": rope, "causal": causal, **traits})


def context_of(random: Random) -> int:
    return random.choice((0, 1, 15, 16, 17, 31, 32, 33, 64, 130, 300, random.randrange(1200), random.randrange(3000)))


def decode(random: Random, dawn: Dawn, subgroups: bool) -> None:
    kernels = test_attention_decode.Kernels(dawn, variant_of(random, subgroups, paged.RUNNABLE), attention_of(random))
    for _ in range(6):
        kernels.check(context_of(random), scale=3, tolerance=2e-5)


def decode_rows(random: Random, dawn: Dawn, subgroups: bool) -> None:
    check: Any = test_rows_attention.test_rows_of_one_sequence_get_what_they_get_one_after_the_other
    check(dawn, variant_of(random, subgroups, paged.RUNNABLE), attention_of(random))


def prefill(random: Random, dawn: Dawn, subgroups: bool) -> None:
    causal = random.random() < 0.8
    calls = [(random.randrange(1, 90), context_of(random) if causal else 0) for _ in range(6)]
    variant = variant_of(random, subgroups, paged.RUNNABLE if causal else paged.RUNNABLE[:2])
    test_attention_prefill.check(dawn, attention_of(random, causal=causal), variant, calls)


def rope_append(random: Random, dawn: Dawn, subgroups: bool) -> None:
    check: Any = test_rope_append.test_rope_append
    check(dawn, variant_of(random, subgroups, paged.RUNNABLE), attention_of(random))


def embed(random: Random, dawn: Dawn, subgroups: bool) -> None:
    check: Any = test_embed.test_rows
    check(dawn, random.choice(list(SCHEMES)), random.choice(SIZES), inputs_of(random))


def layer_norm(random: Random, dawn: Dawn, subgroups: bool) -> None:
    check: Any = test_layer_norm.test_rows
    check(dawn, variant_of(random, subgroups, linear_case.VARIANTS), inputs_of(random), random.random() < 0.5)


def norm_parts(random: Random, dawn: Dawn, subgroups: bool) -> None:
    check: Any = test_norm_parts.test_each_part_by_itself
    sizes = tuple(inputs_of(random) for _ in range(random.randrange(1, 4)))
    check(dawn, variant_of(random, subgroups, linear_case.VARIANTS), sizes, random.choice((None, sum(sizes), sum(sizes) + 12)))


def quantize(random: Random, dawn: Dawn, subgroups: bool) -> None:
    check: Any = random.choice((test_quantize_kernel.test_a_norm_comes_first, test_quantize_kernel.test_values_become_codes))
    variants = [variant_of(random, subgroups, linear_case.VARIANTS)] if "norm" in check.__name__ else []
    check(dawn, *variants, inputs_of(random))


def sample(random: Random, dawn: Dawn, subgroups: bool) -> None:
    vocabulary = random.choice((7, 33, 255, 1000, 4097, random.randrange(8, 20000)))
    sampler = test_sample.Sampler(dawn, variant_of(random, subgroups, test_sample.RUNNABLE), vocabulary)
    test_sample.test_rows_do_not_know_of_each_other(sampler)
    test_sample.test_draws_with_every_combination_of_filters_are_numpys(sampler)
    test_sample.test_malformed_logits_give_a_valid_id(sampler, random.choice((np.nan, np.inf, -np.inf)))


def adjust(random: Random, dawn: Dawn, subgroups: bool) -> None:
    check: Any = test_adjust.test_every_combination_is_numpys_and_counts_the_answer
    check(dawn, random.randrange(7, 5000))


def logprobs(random: Random, dawn: Dawn, subgroups: bool) -> None:
    check: Any = test_logprobs.test_logprobs_are_numpys
    check(dawn, variant_of(random, subgroups, test_logprobs.RUNNABLE), random.randrange(23, 9000))


def recurrence(random: Random, dawn: Dawn, subgroups: bool) -> None:
    kinds: list[GatedDelta | Scan] = [*DELTAS.values(), *SCANS.values()]
    kind = random.choice(kinds)
    test_chunks.steps(dawn, variant_of(random, subgroups, linear_case.VARIANTS), kind).check()


DRAWS: tuple[Draw, ...] = (
    *(gemv, gemv, gemv_rows, gemv_codes, gemv_codes, gemm, gemm, gemm_codes, decode, decode, decode_rows, prefill, prefill, rope_append),
    *(embed, layer_norm, norm_parts, quantize, sample, adjust, logprobs, recurrence),
)


def device_of(name: str) -> Dawn:
    if name == "swiftshader":
        return Dawn()
    os.environ.update(VK_DRIVER_FILES=LAVAPIPE)
    return Lavapipe()


def main() -> int:
    given = asked(__doc__, "draws", ("swiftshader", "lavapipe"))
    dawn, ends, failed = device_of(given.device), Counter[str](), 0
    for number in numbers(given):
        random = Random(number)
        draw = random.choice(DRAWS)
        try:
            draw(random, dawn, dawn.subgroups)
            ends[draw.__name__] += 1
        except (CompileError, UnsupportedArchitecture):
            ends["refused"] += 1
        except Exception:
            failed += 1
            print(f"\ndraw {number} ({draw.__name__}, --device {given.device}):\n{traceback.format_exc()[-3000:]}", flush=True)
    counts = ", ".join(f"{name} {count}" for name, count in sorted(ends.items()))
    print(f"{number + 1 - given.seed} draws from {given.seed} on, by {given.device}: {failed} failed; {counts}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
