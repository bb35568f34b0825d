"""Random linear layers: packed weights, their exact values and the variants that SwiftShader can run."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from webllm_build.compile.target import Variant
from webllm_build.quantize import SCHEMES

# SwiftShader's subgroups have four invocations, and it has no shader-f16.
VARIANTS = [Variant("f32-sg", f16=False, subgroups=True, lanes=4), Variant("f32", f16=False, subgroups=False)]
F16_VARIANTS = [Variant("f16-sg", f16=True, subgroups=True), Variant("f16", f16=True, subgroups=False)]


@dataclass(frozen=True)
class Weight:
    """buffers: contents by kernel parameter. values: float64[n, k], what they mean."""

    buffers: dict[str, npt.NDArray[Any]]
    values: npt.NDArray[np.float64]


def random_weight(rng: np.random.Generator, scheme_name: str, n: int, k: int) -> Weight:
    scheme = SCHEMES[scheme_name]
    arrays = scheme.pack(scheme.encode(rng.standard_normal((n, k)).astype(np.float32)), k)
    names = [f"w_{spec.suffix}" for spec in scheme.buffers(n, k)]
    return Weight(dict(zip(names, arrays, strict=True)), scheme.decode(arrays, n, k).astype(np.float64))


def apply_epilogue(y: npt.NDArray[np.float64], epilogue: str, residual: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """y float64[m, n] → what the kernel's `out` should hold."""
    if epilogue == "residual":
        return y + residual
    if epilogue == "silu_mul":
        gate, up = y[:, 0::2], y[:, 1::2]
        activated: npt.NDArray[np.float64] = gate / (1 + np.exp(-gate)) * up
        return activated
    return y
