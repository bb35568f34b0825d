"""f16 and f32: weights as plain floating-point numbers, without scales."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from webllm_build.quantize.scheme import BufferSpec, Importance, Rows, Scheme, Words, half_scales


class _F16(Scheme):
    name, bits, encoding = "f16", 16.0, "f16"

    def buffers(self, n: int, k: int) -> tuple[BufferSpec, ...]:
        return (BufferSpec("q", "uint32x4", (n * k // 8,)),)

    def encode(self, values: npt.NDArray[np.float32], importance: Importance | None = None) -> Rows:
        return half_scales(values).view(np.uint8)

    def pack(self, raw: Rows, k: int) -> tuple[Words]:
        return (np.ascontiguousarray(raw).view("<u4").reshape(-1, 4),)

    def decode(self, arrays: Sequence[npt.NDArray[Any]], n: int, k: int) -> npt.NDArray[np.float32]:
        return np.ascontiguousarray(arrays[0]).view("<f2").astype(np.float32).reshape(n, k)


class _F32(Scheme):
    name, bits, encoding = "f32", 32.0, "f32"

    def buffers(self, n: int, k: int) -> tuple[BufferSpec, ...]:
        return (BufferSpec("w", "float32", (n * k,)),)

    def encode(self, values: npt.NDArray[np.float32], importance: Importance | None = None) -> Rows:
        return np.ascontiguousarray(values).view(np.uint8)

    def pack(self, raw: Rows, k: int) -> tuple[npt.NDArray[np.float32]]:
        return (np.ascontiguousarray(raw).view("<f4").reshape(-1),)

    def decode(self, arrays: Sequence[npt.NDArray[Any]], n: int, k: int) -> npt.NDArray[np.float32]:
        return np.asarray(arrays[0], np.float32).reshape(n, k)

    def is_finite(self, last: npt.NDArray[Any]) -> bool:
        return bool(np.isfinite(last.view("<f4")).all())


F16, F32 = _F16(), _F32()
