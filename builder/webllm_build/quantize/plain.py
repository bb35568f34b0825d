"""f16 and f32: weights as plain floating-point numbers, without scales."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from webllm_build.quantize.scheme import GROUP, BufferSpec, Importance, Rows, Scheme, Words, half_scales

if TYPE_CHECKING:
    from webllm_build.quantize.tir import Block


def f16_buffers(n: int, k: int) -> tuple[BufferSpec, ...]:
    return (BufferSpec("q", "uint32x4", (n * k // 8,)),)


def f16_encode(values: npt.NDArray[np.float32], importance: Importance | None = None) -> Rows:
    return half_scales(values).view(np.uint8)


def f16_pack(raw: Rows, k: int) -> tuple[Words]:
    return (np.ascontiguousarray(raw).view("<u4").reshape(-1, 4),)


def f16_decode(arrays: Sequence[npt.NDArray[Any]], n: int, k: int) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray(arrays[0]).view("<f2").astype(np.float32).reshape(n, k)


def f16_load(weight: Sequence[Any], block: Any) -> Block:
    from tvm.tirx.script import builder as T

    from webllm_build.quantize import tir

    words = [T.bind(weight[0][block * 4 + part]) for part in range(4)]
    return tir.Block(tuple(value for part in words for value in tir.halves(part)))


def f32_buffers(n: int, k: int) -> tuple[BufferSpec, ...]:
    return (BufferSpec("w", "float32", (n * k,)),)


def f32_encode(values: npt.NDArray[np.float32], importance: Importance | None = None) -> Rows:
    return np.ascontiguousarray(values).view(np.uint8)


def f32_pack(raw: Rows, k: int) -> tuple[npt.NDArray[np.float32]]:
    return (np.ascontiguousarray(raw).view("<f4").reshape(-1),)


def f32_decode(arrays: Sequence[npt.NDArray[Any]], n: int, k: int) -> npt.NDArray[np.float32]:
    return np.asarray(arrays[0], np.float32).reshape(n, k)


def f32_load(weight: Sequence[Any], block: Any) -> Block:
    from tvm.tirx.script import builder as T

    from webllm_build.quantize import tir

    return tir.Block(tuple(T.bind(weight[0][T.ramp(block * GROUP + 4 * j, 1, 4)]) for j in range(8)))


F16 = Scheme("f16", 16.0, "f16", f16_buffers, f16_encode, f16_pack, f16_decode, f16_load)
F32 = Scheme("f32", 32.0, "f32", f32_buffers, f32_encode, f32_pack, f32_decode, f32_load)
