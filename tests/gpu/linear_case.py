"""Random linear layers: packed weights, their exact values and the variants that SwiftShader can run."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from webllm_build.compile.kernels.linear.epilogue import Epilogue
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


PLAIN, RESIDUAL, SILU, GELU = Epilogue(), Epilogue(residual=True), Epilogue(activation="silu_mul"), Epilogue(activation="gelu_tanh_mul")
ACTIVATIONS: Mapping[str, Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]] = {
    "gelu": lambda x: x / 2 * (1 + np.vectorize(math.erf)(x / math.sqrt(2))),
    "gelu_tanh": lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "gelu_quick": lambda x: x / (1 + np.exp(-1.702 * x)),
    "relu": lambda x: np.maximum(x, 0),
    "relu2": lambda x: np.maximum(x, 0) ** 2,
    "silu": lambda x: x / (1 + np.exp(-x)),
}
EPILOGUES = {"plain": PLAIN, "residual": RESIDUAL, "silu": SILU}
MORE_EPILOGUES = {"gelu": GELU} | {f"{name}-bias": replace(epilogue, bias=True) for name, epilogue in {**EPILOGUES, "gelu": GELU}.items()}
MORE_EPILOGUES |= {"exact-gelu": Epilogue(activation="gelu_mul"), "each-gelu-bias": Epilogue(bias=True, activation="gelu")}
MORE_EPILOGUES |= {"relu-gated": Epilogue(activation="relu_mul"), "each-relu2": Epilogue(activation="relu2")}
MORE_EPILOGUES |= {"quick-gelu": Epilogue(activation="gelu_quick"), "capped": Epilogue(scale=0.5, softcap=3.0)}


def parameters(epilogues: Mapping[str, Epilogue]) -> list[Any]:
    """For pytest.mark.parametrize."""
    return [pytest.param(epilogue, id=name) for name, epilogue in epilogues.items()]


def is_product(epilogue: Epilogue) -> bool:
    """Whether an output is a product of two sums, or of one with itself: an error of one factor is multiplied by the other."""
    return epilogue.gated or epilogue.activation == "relu2"


def apply_epilogue(
    y: npt.NDArray[np.float64], epilogue: Epilogue, residual: npt.NDArray[np.float32], bias: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """y float64[m, n] → what the kernel's `out` should hold."""
    if epilogue.bias:
        y = y + bias
    if epilogue.residual:
        return y * epilogue.scale + residual
    if epilogue.activation == "none":
        y = y * epilogue.scale
        return y if epilogue.softcap is None else epilogue.softcap * np.tanh(y / epilogue.softcap)
    apply = ACTIVATIONS[epilogue.activation.removesuffix("_mul")]
    return apply(y[:, 0::2]) * y[:, 1::2] if epilogue.gated else apply(y)
