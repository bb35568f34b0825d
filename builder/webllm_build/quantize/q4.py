"""q4: 4.5 bits a weight, symmetric. w = (nibble - 8) * scale; the same information as GGUF's Q4_0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from webllm_build.quantize import search
from webllm_build.quantize.nibbles import ggml_nibbles, join_nibbles, split_nibbles
from webllm_build.quantize.scheme import GROUP, BufferSpec, Importance, Rows, Scheme, Words, half_words, pack_halves, unpack_halves

BLOCK_BYTES = 18  # float16 scale, 16 bytes of nibbles

# Codes that the largest value of a block is tried on: beyond the range it is clipped, and the others get a finer scale. With these the
# squared error of normal weights is within 0.6 % of what many more give.
EXTREMES = (-7.0, -8.0, -8.8, -9.7, -10.8, 6.6, 7.3, 8.0, 8.8)


class _Q4(Scheme):
    name, bits, encoding = "q4", 4.5, "q4_0"

    def buffers(self, n: int, k: int) -> tuple[BufferSpec, ...]:
        blocks = n * k // GROUP
        return BufferSpec("q", "uint32x4", (blocks,)), BufferSpec("s", "uint32", (half_words(blocks),))

    def encode(self, values: npt.NDArray[np.float32], importance: Importance | None = None) -> Rows:
        """Q4_0 rows with the least squared error that `search` finds."""
        return search.symmetric(values, importance, (-8, 7), EXTREMES, BLOCK_BYTES)

    def join(self, scales: npt.NDArray[np.float16], codes: npt.NDArray[np.int8]) -> Rows:
        """Q4_0 blocks, uint8[blocks, BLOCK_BYTES], of scales [blocks, 1] and codes [blocks, 32]."""
        raw = np.empty((len(codes), BLOCK_BYTES), np.uint8)
        raw[:, :2], raw[:, 2:] = scales.view(np.uint8), ggml_nibbles((codes + 8).astype(np.uint8))
        return raw

    def pack(self, raw: Rows, k: int) -> tuple[Words, Words]:
        blocks = raw.reshape(-1, BLOCK_BYTES)
        return join_nibbles(blocks[:, 2:]), pack_halves(np.ascontiguousarray(blocks[:, :2]).view("<u2").reshape(-1))

    def decode(self, arrays: Sequence[npt.NDArray[Any]], n: int, k: int) -> npt.NDArray[np.float32]:
        codes = split_nibbles(arrays[0]).astype(np.float32) - 8
        scales = unpack_halves(arrays[1], len(codes))
        return (codes * scales[:, None]).reshape(n, k)


Q4 = _Q4()
