"""Weights from a checkpoint → the buffers that kernels read. One file a scheme: NumPy reference and TIR side by side.

This module is importable without TVM; only Scheme.load, which a kernel calls, needs it.
"""

from webllm_build.quantize.pack import LINEAR_SCHEMES, SCHEMES, choose_scheme, pack_weight
from webllm_build.quantize.scheme import GROUP, BufferSpec, Importance, Packed, Scheme

__all__ = ["GROUP", "LINEAR_SCHEMES", "SCHEMES", "BufferSpec", "Importance", "Packed", "Scheme", "choose_scheme", "pack_weight"]
