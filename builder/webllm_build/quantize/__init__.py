"""Weights from a checkpoint → the buffers that kernels read, in NumPy: one file a scheme."""

from webllm_build.quantize.pack import LINEAR_SCHEMES, SCHEMES, choose_scheme, pack_part, pack_weight, scheme_of_floats
from webllm_build.quantize.parts import Part, parts_of
from webllm_build.quantize.scheme import GROUP, BufferSpec, Importance, Packed, Scheme

__all__ = [
    "GROUP",
    "LINEAR_SCHEMES",
    "SCHEMES",
    "BufferSpec",
    "Importance",
    "Packed",
    "Part",
    "Scheme",
    "choose_scheme",
    "pack_part",
    "pack_weight",
    "parts_of",
    "scheme_of_floats",
]
