"""q8: 8.5 bits a weight, symmetric. w = signed byte * scale; the same information as GGUF's Q8_0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from webllm_build.quantize import search
from webllm_build.quantize.scheme import GROUP, BufferSpec, Importance, Rows, Scheme, Words, half_words, pack_halves, unpack_halves

BLOCK_BYTES = 34  # float16 scale, 32 signed bytes
EXTREMES = (-128.0, 127.0)  # codes that the largest value of a block is tried on


class _Q8(Scheme):
    name, bits, encoding = "q8", 8.5, "q8_0"

    def buffers(self, n: int, k: int) -> tuple[BufferSpec, ...]:
        return BufferSpec("q", "uint32x4", (n * k // 16,)), BufferSpec("s", "uint32", (half_words(n * k // GROUP),))

    def encode(self, values: npt.NDArray[np.float32], importance: Importance | None = None) -> Rows:
        """Q8_0 rows with the least squared error that `search` finds."""
        return search.symmetric(values, importance, (-128, 127), EXTREMES, BLOCK_BYTES)

    def join(self, scales: npt.NDArray[np.float16], codes: npt.NDArray[np.int8]) -> Rows:
        """Q8_0 blocks, uint8[blocks, BLOCK_BYTES], of scales [blocks, 1] and codes [blocks, 32]."""
        raw = np.empty((len(codes), BLOCK_BYTES), np.uint8)
        raw[:, :2], raw[:, 2:] = scales.view(np.uint8), codes.view(np.uint8)
        return raw

    def pack(self, raw: Rows, k: int) -> tuple[Words, Words]:
        blocks = raw.reshape(-1, BLOCK_BYTES)
        words = np.ascontiguousarray(blocks[:, 2:]).view("<u4").reshape(-1, 4)
        return words, pack_halves(np.ascontiguousarray(blocks[:, :2]).view("<u2").reshape(-1))

    def decode(self, arrays: Sequence[npt.NDArray[Any]], n: int, k: int) -> npt.NDArray[np.float32]:
        codes = np.ascontiguousarray(arrays[0]).view(np.int8).reshape(-1, GROUP).astype(np.float32)
        scales = unpack_halves(arrays[1], len(codes))
        return (codes * scales[:, None]).reshape(n, k)


Q8 = _Q8()
