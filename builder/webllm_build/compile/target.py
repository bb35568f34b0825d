"""The variants of every model, and WebGPU's limits: the one place that knows what a browser offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tvm.target import Target


@dataclass(frozen=True)
class Variant:
    """One way to compile the model; all variants read the same weight bytes.

    `f16`: the KV cache is float16 unless `kv` says otherwise, and matrix-matrix tiles multiply in float16 (sums stay float32).
    `integer`: linear layers multiply activations made 8-bit integers, one scale a block of 32, with the integers of quantized weights.
    `subgroups`: reductions use butterflies over `lanes` consecutive invocations, right for every subgroup size that is
    a power of two and at least `lanes`.
    `kv`: "float", which `f16` makes float16 or float32, or "q8", the layout of kv_layout.py.
    """

    name: str
    f16: bool
    subgroups: bool
    integer: bool = False
    lanes: int = 32
    kv: str = "float"

    @property
    def kv_dtype(self) -> str:
        """What KvLayout calls it."""
        return "q8" if self.kv == "q8" else "float16" if self.f16 else "float32"

    @property
    def features(self) -> tuple[str, ...]:
        """GPUFeatureName values that the adapter must offer."""
        return (*(("shader-f16",) if self.f16 else ()), *(("subgroups",) if self.subgroups else ()))

    @property
    def language_features(self) -> tuple[str, ...]:
        """Values of navigator.gpu.wgslLanguageFeatures that the browser must offer."""
        return ("packed_4x8_integer_dot_product",) if self.integer else ()

    @property
    def target(self) -> Target:
        """TVM's target: WGSL for the device, LLVM's wasm32 for the launch arithmetic."""
        return _target(shuffles=self.subgroups and self.lanes == 32)  # TVM's own reductions know no narrower subgroups


@cache
def _target(*, shuffles: bool) -> Target:
    from tvm.target import Target

    threads = DEFAULT_LIMITS["maxComputeInvocationsPerWorkgroup"]
    return Target({"kind": "webgpu", "max_num_threads": threads, "supports_subgroups": shuffles}, host=WASM_HOST)


# In the order of preference in which the browser tries them.
VARIANTS: tuple[Variant, ...] = (
    Variant("f16-sg-int8", f16=True, subgroups=True, integer=True),
    Variant("f32-sg-int8", f16=False, subgroups=True, integer=True),
    Variant("f16-int8", f16=True, subgroups=False, integer=True),
    Variant("f32-int8", f16=False, subgroups=False, integer=True),
    Variant("f16-sg", f16=True, subgroups=True),
    Variant("f16", f16=True, subgroups=False),
    Variant("f32-sg", f16=False, subgroups=True),
    Variant("f32", f16=False, subgroups=False),
)

# Values of GPUAdapterInfo.vendor that kernels may have a default tile for. google: SwiftShader, which computes on the CPU.
VENDORS = ("nvidia", "apple", "amd", "intel", "qualcomm", "arm", "google")

WASM_HOST = {"kind": "llvm", "mtriple": "wasm32-unknown-unknown-wasm", "vector-width": 128}

# WebGPU's default limits (https://www.w3.org/TR/webgpu/#limits): what every browser grants without asking.
DEFAULT_LIMITS: Mapping[str, int] = MappingProxyType(
    {
        "maxStorageBufferBindingSize": 128 << 20,
        "maxBufferSize": 256 << 20,
        "maxComputeWorkgroupStorageSize": 16384,
        "maxComputeInvocationsPerWorkgroup": 256,
        "maxComputeWorkgroupsPerDimension": 65535,
        "maxStorageBuffersPerShaderStage": 8,
    }
)
