"""q4a: 5 bits a weight, with a minimum. w = nibble * scale + minimum; the same information as GGUF's Q4_1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from webllm_build.quantize.nibbles import ggml_nibbles, join_nibbles, split_nibbles
from webllm_build.quantize.scheme import GROUP, BufferSpec, Codes, Rows, Scheme, Words, half_scales

if TYPE_CHECKING:
    from webllm_build.quantize.tir import Block, CodeBlock

BLOCK_BYTES = 20  # float16 scale, float16 minimum, 16 bytes of nibbles

# Steps that a block's range is tried on: 15 meets both ends, more clips the ends for a finer grid.
STEPS = (15.0, 15.8, 16.6)


def buffers(n: int, k: int) -> tuple[BufferSpec, ...]:
    blocks = n * k // GROUP
    return BufferSpec("q", "uint32x4", (blocks,)), BufferSpec("s", "uint32", (blocks,))


def encode(values: npt.NDArray[np.float32]) -> Rows:
    """Q4_1 rows with the least squared error over STEPS, each with its least-squares scale and minimum."""
    x = values.reshape(-1, GROUP)
    low, high = x.min(1), x.max(1)
    middle, extent = (low + high) / 2, high - low
    mean = x.mean(1)
    best = np.zeros(len(x), np.float32)
    scales = np.zeros(len(x), np.float32)
    minimums = mean
    for steps in STEPS:
        first = middle - extent * np.float32(7.5 / steps)
        codes = _codes(x, extent / np.float32(steps), first)
        code_mean = codes.mean(1)
        # Linear regression of x on codes; it explains scale * covariance of the squared error.
        codes_centred = codes - code_mean[:, None]
        covariance = np.einsum("bi,bi->b", x, codes_centred)
        variance = np.einsum("bi,bi->b", codes_centred, codes_centred)
        scale = np.divide(covariance, variance, out=np.zeros_like(covariance), where=variance > 0)
        better = scale * covariance > best
        best = np.where(better, scale * covariance, best)
        scales = np.where(better, scale, scales)
        minimums = np.where(better, mean - scale * code_mean, minimums)
    halves = np.stack([half_scales(scales), half_scales(minimums)], axis=1)
    rounded = halves.astype(np.float32)
    raw = np.empty((len(x), BLOCK_BYTES), np.uint8)
    raw[:, :4] = halves.view(np.uint8)
    raw[:, 4:] = ggml_nibbles(_codes(x, rounded[:, 0], rounded[:, 1]).astype(np.uint8))
    return raw.reshape(len(values), -1)


def _codes(x: npt.NDArray[np.float32], scale: npt.NDArray[np.float32], minimum: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Nearest codes 0..15 (as float32); zeros where the scale is zero."""
    with np.errstate(divide="ignore", over="ignore"):
        inverse = np.where(scale == 0, np.float32(0), np.float32(1) / scale)
    inverse[~np.isfinite(inverse)] = 0
    codes = x - minimum[:, None]
    codes *= inverse[:, None]
    np.rint(codes, out=codes)
    return np.clip(codes, 0, 15, out=codes)


def pack(raw: Rows, k: int) -> tuple[Words, Words]:
    blocks = raw.reshape(-1, BLOCK_BYTES)
    return join_nibbles(blocks[:, 4:]), np.ascontiguousarray(blocks[:, :4]).view("<u4").reshape(-1)


def decode(arrays: Sequence[npt.NDArray[Any]], n: int, k: int) -> npt.NDArray[np.float32]:
    codes = split_nibbles(arrays[0]).astype(np.float32)
    pairs = np.ascontiguousarray(arrays[1]).view("<f2").astype(np.float32).reshape(-1, 2)
    return (codes * pairs[:, :1] + pairs[:, 1:]).reshape(n, k)


def load(weight: Sequence[Any], block: Any) -> Block:
    from tvm.tirx.script import builder as T

    from webllm_build.quantize import tir

    words = T.bind(weight[0][block])
    scale, minimum = tir.half_pair(weight[1][block])
    return tir.Block(tir.nibbles(words), scale, minimum)


def read(weight: Sequence[Any], block: Any) -> tuple[Any, ...]:
    return weight[0][block], weight[1][block]


def unpack(raw: Sequence[Any], block: Any) -> CodeBlock:
    from webllm_build.quantize import tir

    scale, minimum = tir.half_pair(raw[1])
    return tir.CodeBlock(tir.nibble_words(raw[0]), scale, minimum)


Q4A = Scheme("q4a", 5.0, "q4_1", buffers, encode, pack, decode, load, Codes(read, unpack, ("uint32x4", "uint32"), has_minimum=True))
