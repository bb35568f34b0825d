"""q8: 8.5 bits a weight, symmetric. w = signed byte * scale; the same information as GGUF's Q8_0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from webllm_build.quantize import search
from webllm_build.quantize.scheme import GROUP, BufferSpec, Codes, Importance, Rows, Scheme, Words, half_words, pack_halves, unpack_halves

if TYPE_CHECKING:
    from webllm_build.quantize.tir import Block, CodeBlock

BLOCK_BYTES = 34  # float16 scale, 32 signed bytes
EXTREMES = (-128.0, 127.0)  # codes that the largest value of a block is tried on


def buffers(n: int, k: int) -> tuple[BufferSpec, ...]:
    return BufferSpec("q", "uint32x4", (n * k // 16,)), BufferSpec("s", "uint32", (half_words(n * k // GROUP),))


def encode(values: npt.NDArray[np.float32], importance: Importance | None = None) -> Rows:
    """Q8_0 rows with the least squared error that `search` finds."""
    scales, codes = search.symmetric(values, importance, (-128, 127), EXTREMES)
    raw = np.empty((len(codes), BLOCK_BYTES), np.uint8)
    raw[:, :2] = scales.astype(np.float16).view(np.uint8)
    raw[:, 2:] = codes.astype(np.int8).view(np.uint8)
    return raw.reshape(len(values), -1)


def pack(raw: Rows, k: int) -> tuple[Words, Words]:
    blocks = raw.reshape(-1, BLOCK_BYTES)
    words = np.ascontiguousarray(blocks[:, 2:]).view("<u4").reshape(-1, 4)
    return words, pack_halves(np.ascontiguousarray(blocks[:, :2]).view("<u2").reshape(-1))


def decode(arrays: Sequence[npt.NDArray[Any]], n: int, k: int) -> npt.NDArray[np.float32]:
    codes = np.ascontiguousarray(arrays[0]).view(np.int8).reshape(-1, GROUP).astype(np.float32)
    scales = unpack_halves(arrays[1], len(codes))
    return (codes * scales[:, None]).reshape(n, k)


def load(weight: Sequence[Any], block: Any) -> Block:
    from tvm.tirx.script import builder as T

    from webllm_build.quantize import tir

    words = [T.bind(weight[0][block * 2 + part]) for part in range(2)]
    scale = T.bind(tir.half(weight[1], block))
    return tir.Block(tir.signed_bytes(words[0]) + tir.signed_bytes(words[1]), scale)


def read(weight: Sequence[Any], block: Any) -> tuple[Any, ...]:
    return weight[0][block * 2], weight[0][block * 2 + 1], weight[1][block // 2]


def unpack(raw: Sequence[Any], block: Any) -> CodeBlock:
    from webllm_build.quantize import tir

    return tir.CodeBlock(tir.lanes(raw[0]) + tir.lanes(raw[1]), tir.half_of(raw[2], block))


Q8 = Scheme("q8", 8.5, "q8_0", buffers, encode, pack, decode, load, Codes(read, unpack, ("uint32x4", "uint32x4", "uint32")))
