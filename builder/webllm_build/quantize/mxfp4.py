"""mxfp4: 4.25 bits a weight, as GPT-OSS has it; the same information as GGUF's MXFP4. w = e2m1(nibble) * 2^(byte - 127).

E2M1 is a sign, two bits of exponent and one of mantissa: 0, 0.5, 1, 1.5, 2, 3, 4 and 6, or less than nothing
(https://www.opencompute.org/documents/ocp-microscaling-formats-mx-v1-0-spec-final-pdf). Files have these four bits; buffers have codes of
which a kernel makes integers by fewer operations: CODED.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from webllm_build.quantize.nibbles import ggml_nibbles, join_nibbles, split_nibbles
from webllm_build.quantize.scheme import GROUP, BufferSpec, Importance, Rows, Scheme, Words

BLOCK_BYTES = 17  # E8M0 scale, 16 bytes of nibbles
DOUBLED = np.array([0, 1, 2, 3, 4, 6, 8, 12], np.float32)  # twice E2M1's numbers, by their three bits
SIGNED = np.append(DOUBLED, 0 - DOUBLED)
# The nibble of a buffer for each of E2M1's. Twice the number is nibble + RISE * majority(bit 0, not bit 1, not bit 3) - ZERO: the one
# function of three bits (beside its mirror image) that makes all 15 numbers so.
ZERO, RISE = 14, 13
CODED = np.array([1, 15, 3, 4, 5, 7, 9, 13, 14, 0, 12, 11, 10, 8, 6, 2], np.uint8)
CODED_PAIRS = (CODED[None, :] | CODED[:, None] << np.uint8(4)).reshape(-1)  # of two of E2M1's nibbles in a byte
DECODED = SIGNED[np.argsort(CODED)]
MIDDLES = (DOUBLED[1:] + DOUBLED[:-1]) / 2
LEAST, MOST = 2, 190  # of a scale's byte: less is nothing, and more (2^62) is no weight


class _MXFP4(Scheme):
    name, bits, encoding = "mxfp4", 4.25, "mxfp4"

    def buffers(self, n: int, k: int) -> tuple[BufferSpec, ...]:
        blocks = n * k // GROUP
        return BufferSpec("q", "uint32x4", (blocks,)), BufferSpec("e", "uint32", (-(-blocks // 4),))

    def encode(self, values: npt.NDArray[np.float32], importance: Importance | None = None) -> Rows:
        """MXFP4 rows: of the scale that has a block's largest value among its largest numbers, and twice that, the one with less error."""
        x = values.reshape(-1, GROUP)
        weights = np.ones(GROUP, np.float32) if importance is None else np.tile(importance, len(values)).reshape(-1, GROUP)
        largest = np.abs(x).max(1, keepdims=True)
        if largest.max(initial=0) >= 2.0 ** (MOST - 126):
            raise OverflowError("a value is beyond what a scale is for")
        exponent = np.frexp(largest)[1] + 124  # of frexp's mantissa, which is below 1
        raw, best = np.empty((len(x), BLOCK_BYTES), np.uint8), np.full((len(x), 1), np.inf, np.float32)
        for scale in (np.clip(exponent + i, LEAST, MOST) for i in range(2)):
            step = np.ldexp(np.float32(1), scale - 128)
            size = np.searchsorted(MIDDLES, np.abs(x) / step).astype(np.uint8)
            error = (weights * (np.abs(x) - DOUBLED[size] * step) ** 2).sum(1, keepdims=True)
            better = (error < best)[:, 0]
            coded = np.concatenate([scale.astype(np.uint8), ggml_nibbles(size | (x < 0).astype(np.uint8) << np.uint8(3))], axis=1)
            raw[better], best[better] = coded[better], error[better]
        return raw.reshape(len(values), -1)

    def pack(self, raw: Rows, k: int) -> tuple[Words, Words]:
        blocks = raw.reshape(-1, BLOCK_BYTES)
        scales = np.append(blocks[:, 0], np.zeros(-len(blocks) % 4, np.uint8))
        return join_nibbles(CODED_PAIRS[blocks[:, 1:]]), scales.view("<u4")

    def decode(self, arrays: Sequence[npt.NDArray[Any]], n: int, k: int) -> npt.NDArray[np.float32]:
        values = DECODED[split_nibbles(arrays[0])]
        scales = np.ascontiguousarray(arrays[1]).view(np.uint8)[: len(values), None].astype(np.int32)
        decoded: npt.NDArray[np.float32] = values * np.ldexp(np.float32(1), scales - 128)
        return decoded.reshape(n, k)

    def is_finite(self, last: npt.NDArray[Any]) -> bool:
        return bool((last.view(np.uint8) <= MOST).all())


MXFP4 = _MXFP4()
