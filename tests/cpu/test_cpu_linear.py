"""Products of floats with packed weights, alone and of several tokens, for which a block is unpacked once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from kernels import WasmKernels

from webllm_build.compile.cpu.linear import TOKENS, linear
from webllm_build.compile.cpu.variant import Flavour
from webllm_build.compile.kernels.linear.epilogue import PLAIN
from webllm_build.quantize import SCHEMES

Array = npt.NDArray[np.float32]

N, K = 6, 96  # the last rows are fewer than a unit has


@pytest.mark.parametrize("flavour", ["plain", "relaxed"])
@pytest.mark.parametrize("name", SCHEMES)
def test_a_token_gets_the_same_bits_however_many_come_with_it(name: str, flavour: Flavour) -> None:
    rng, scheme = np.random.default_rng(43), SCHEMES[name]
    packed = scheme.pack(scheme.encode(rng.standard_normal((N, K)).astype(np.float32)), K)
    weight = {f"w_{spec.suffix}": data for spec, data in zip(scheme.buffers(N, K), packed, strict=True)}
    x = rng.standard_normal((2 * TOKENS + 1, K)).astype(np.float32)
    machine = WasmKernels({"linear": linear(None, scheme, N, K, PLAIN)}, flavour, alike=False)

    def products(tokens: Array) -> Array:
        arrays = {"x": tokens, **weight, "out": np.full((len(tokens), N), np.nan, np.float32)}
        out: Array = machine.run("linear", arrays, len(tokens))["out"]
        return out

    alone = np.concatenate([products(token) for token in x[:, None]])
    np.testing.assert_allclose(alone, x.astype(np.float64) @ scheme.decode(packed, N, K).T, rtol=0, atol=1e-4)
    for count in (2, TOKENS, TOKENS + 1, len(x)):
        np.testing.assert_array_equal(products(x[:count]), alone[:count])
