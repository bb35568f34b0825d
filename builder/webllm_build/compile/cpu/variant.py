"""The variants of the CPU's library, and the targets that it is compiled for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tvm.target import Target

# How integer products are computed: by WebAssembly's relaxed dot product of bytes, by its dot product of 16-bit integers, or as any machine
# can, for tests.
Flavour = Literal["relaxed", "plain", "native"]
FLAVOURS: tuple[Flavour, ...] = ("plain", "relaxed")  # of the libraries that a build makes

_WASM = {"kind": "llvm", "mtriple": "wasm32-unknown-unknown-wasm", "vector-width": 128}
_FEATURES: dict[Flavour, list[str]] = {"plain": ["+simd128", "+bulk-memory"], "relaxed": ["+simd128", "+relaxed-simd", "+bulk-memory"]}


@dataclass(frozen=True)
class CpuVariant:
    """One way to compile the model for CPUs; both read the same weight bytes as the GPU's variants.

    integer: linear layers multiply activations made 8-bit integers, one scale a block of 32, with the integers of quantized weights.
    kv_dtype: as KvLayout's.
    """

    name: str
    integer: bool
    kv_dtype: str


EXACT = CpuVariant("cpu-f32", integer=False, kv_dtype="float32")
INTEGER = CpuVariant("cpu-int8", integer=True, kv_dtype="float16")
# In the order of preference.
CPU_VARIANTS = (INTEGER, EXACT)


@cache
def target(flavour: Flavour) -> Target:
    """TVM's target: this machine for "native", without LLVM's optimization, which takes half of a test's time."""
    from tvm.target import Target

    return Target({"kind": "llvm", "opt-level": 0}) if flavour == "native" else Target({**_WASM, "mattr": _FEATURES[flavour]})
