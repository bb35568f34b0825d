"""q4a: 5 bits a weight, with a minimum. w = nibble * scale + minimum; the same information as GGUF's Q4_1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from webllm_build.quantize import search
from webllm_build.quantize.nibbles import join_nibbles, split_nibbles
from webllm_build.quantize.scheme import GROUP, BufferSpec, Importance, Rows, Scheme, Words

BLOCK_BYTES = 20  # float16 scale, float16 minimum, 16 bytes of nibbles

# Codes that a block's least and largest value are tried beyond the ends: clipped there, they leave the others a finer scale.
MARGINS = (0.0, 0.4, 0.8)


class _Q4A(Scheme):
    name, bits, encoding = "q4a", 5.0, "q4_1"

    def buffers(self, n: int, k: int) -> tuple[BufferSpec, ...]:
        blocks = n * k // GROUP
        return BufferSpec("q", "uint32x4", (blocks,)), BufferSpec("s", "uint32", (blocks,))

    def encode(self, values: npt.NDArray[np.float32], importance: Importance | None = None) -> Rows:
        """Q4_1 rows with the least squared error that `search` finds."""
        return search.affine(values, importance, 15, MARGINS, BLOCK_BYTES)

    def pack(self, raw: Rows, k: int) -> tuple[Words, Words]:
        blocks = raw.reshape(-1, BLOCK_BYTES)
        return join_nibbles(blocks[:, 4:]), np.ascontiguousarray(blocks[:, :4]).view("<u4").reshape(-1)

    def decode(self, arrays: Sequence[npt.NDArray[Any]], n: int, k: int) -> npt.NDArray[np.float32]:
        codes = split_nibbles(arrays[0]).astype(np.float32)
        pairs = np.ascontiguousarray(arrays[1]).view("<f2").astype(np.float32).reshape(-1, 2)
        return (codes * pairs[:, :1] + pairs[:, 1:]).reshape(n, k)


Q4A = _Q4A()
