"""Products of what attention gives, whose kernels join its splits, against those of what attention_merge gives: to the bit, as rows must
agree."""

import numpy as np
import pytest
from dawn import Dawn, poison
from linear_case import PLAIN, RESIDUAL, VARIANTS, random_weight
from paged import described, state_of

from webllm_build.compile import target
from webllm_build.compile.kernels.attention.merge import attention_merge
from webllm_build.compile.kernels.attention.merged import MOST_MERGED, Merge
from webllm_build.compile.kernels.attention.splits import partial_shape, partial_splits
from webllm_build.compile.kernels.linear.epilogue import Epilogue
from webllm_build.compile.kernels.linear.gemv_codes import gemv_codes
from webllm_build.compile.kernels.linear.vectors import Tile
from webllm_build.compile.target import DEFAULT_LIMITS
from webllm_build.compile.wgsl import compile_kernels
from webllm_build.model.attention import Attention
from webllm_build.quantize import SCHEMES

SG, _ = VARIANTS
COMPILED = target.VARIANTS[0]


@pytest.mark.parametrize(
    ("attention", "n", "epilogue", "tile", "positions"),
    [
        (described(9, 3, 64), 40, RESIDUAL, Tile(16, 2, 16), (0, 1, 31, 33, 640, 5000)),
        (described(4, 1, 256, window=512), 130, PLAIN, Tile(32, 4, 8), (0, 20, 600)),
        (described(8, 1, 128), 9, PLAIN, Tile(4, 2, 8), (300, 2300)),
        (described(2, 1, 32), 7, RESIDUAL, Tile(8, 2, 32), (0, 70, 2500)),
        (described(5, 5, 96), 64, PLAIN, Tile(4, 1, 1), (1000,)),  # of a single subgroup
        (described(2, 1, 64, shared=True), 33, PLAIN, Tile(8, 2, 2), (0, 2016)),
    ],
)
def test_what_attention_gives_is_what_its_own_kernel_makes(
    dawn: Dawn, attention: Attention, n: int, epilogue: Epilogue, tile: Tile, positions: tuple[int, ...]
) -> None:
    assert Merge.pays(attention)
    rng, k = np.random.default_rng(n), attention.query_size
    weight, scheme = random_weight(rng, "q4", n, k), SCHEMES["q4"]
    merge = dawn.prepare(attention_merge(SG, attention, codes=True), SG)
    product = dawn.prepare(gemv_codes(SG, scheme, n, k, packed_input=True, epilogue=epilogue, tile=tile), SG)
    merged = dawn.prepare(gemv_codes(SG, scheme, n, k, source=Merge(attention), epilogue=epilogue, tile=tile), SG)
    given = {**weight.buffers, "residual": rng.standard_normal((1, n)).astype(np.float32)}
    for position in positions:
        partial, splits = poison((1, *partial_shape(attention))), partial_splits(attention, position)
        partial[:, :, :splits] = rng.standard_normal((1, attention.heads, splits, attention.head_dim + 4)) * 3
        partial[:, :, :splits, -3] = rng.uniform(1, 30, (1, attention.heads, splits))  # sums of weights
        inputs = {"partial": partial, "state": state_of(position, 1)}
        outputs = {"out_q": poison((1, k // 16, 4), np.uint32), "out_s": poison((1, k // 32))}
        codes = merge.run({**inputs, **outputs})
        apart = product.run({**given, "x_q": codes["out_q"], "x_s": codes["out_s"], "out": poison((1, n))})["out"]
        got = merged.run({**given, **inputs, "out": poison((1, n))})["out"]
        assert np.isfinite(apart).all()
        np.testing.assert_array_equal(got, apart, err_msg=f"behind {position} tokens")


def test_it_is_made_where_it_costs_less_than_a_dispatch() -> None:
    most = described(MOST_MERGED // 64, 2, 64)
    assert Merge.pays(most)
    kept = [described(MOST_MERGED // 64 + 1, 1, 64), described(4, 1, 80), described(4, 2, 64, gate=1), described(8, 1, 32, sinks=True)]
    assert not any(map(Merge.pays, kept))


def test_the_most_heads_fit_in_a_workgroup() -> None:
    attention = described(MOST_MERGED // 32, 8, 32)
    kernel = gemv_codes(COMPILED, SCHEMES["q4a"], 64, MOST_MERGED, source=Merge(attention), tile=Tile(32, 4, 8))
    compiled = compile_kernels({"merged": kernel}, COMPILED)["merged"]
    assert compiled.workgroup_bytes <= DEFAULT_LIMITS["maxComputeWorkgroupStorageSize"]
