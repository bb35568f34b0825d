"""GGUF's Q4_K as Q4_1, code for code: only the scale and the minimum of each 32 weights are rounded, to float16.

A Q4_K block holds 256 weights (https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h): float16 d and dmin, eight scales and eight
minimums of 6 bits in 12 bytes, and the codes, a byte with those of two groups of 32. w = d * scale * code - dmin * minimum.
"""

from __future__ import annotations

import numpy as np

from webllm_build.quantize.nibbles import ggml_nibbles
from webllm_build.quantize.scheme import GROUP, Rows, half_scales

BLOCK_BYTES, GROUPS = 144, 8
HEADER_BYTES, Q4_1_BYTES = 16, 20


def as_q4_1(rows: Rows) -> Rows:
    """Rows of Q4_K blocks → rows of Q4_1 blocks. Raises OverflowError where a scale or minimum is beyond float16."""
    blocks = rows.reshape(-1, BLOCK_BYTES)
    factors = np.ascontiguousarray(blocks[:, :4]).view("<f2").astype(np.float32)
    packed = blocks[:, 4:HEADER_BYTES]
    low, middle, high = packed[:, :4], packed[:, 4:8], packed[:, 8:]
    scales = np.concatenate([low & 63, (high & 15) | (low >> 6 << 4)], axis=1)
    minimums = np.concatenate([middle & 63, (high >> 4) | (middle >> 6 << 4)], axis=1)
    pairs = blocks[:, HEADER_BYTES:].reshape(-1, GROUPS // 2, 1, GROUP)
    codes = np.concatenate([pairs & 15, pairs >> 4], axis=2).reshape(-1, GROUP)
    result = np.empty((len(codes), Q4_1_BYTES), np.uint8)
    with np.errstate(invalid="ignore"):  # what is not finite is found in what comes out
        header = np.stack([scales * factors[:, :1], minimums * -factors[:, 1:]], axis=-1).reshape(-1, 2)
    result[:, :4] = half_scales(header).view(np.uint8)
    result[:, 4:] = ggml_nibbles(codes)
    return result.reshape(len(rows), -1)
