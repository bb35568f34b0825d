"""GGUF's encodings of 32 integers of at most 8 bits and a float16 scale, as Q8_0, without loss.

Their blocks begin with the scale (https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h); Q8_0's 32 signed bytes follow it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from webllm_build.quantize.q8 import BLOCK_BYTES
from webllm_build.quantize.scheme import GROUP, Rows

HELD = {"q4_0": 18, "q5_0": 22, "iq4_nl": 18}  # bytes of a block


def as_q8_0(rows: Rows, values: npt.NDArray[np.float32], encoding: str) -> Rows:
    """Rows in an encoding of HELD, whose values are float32[n, k] → rows of Q8_0 blocks."""
    stored = np.ascontiguousarray(rows.reshape(-1, HELD[encoding])[:, :2])
    scales = stored.view("<f2").astype(np.float32)
    codes = np.divide(values.reshape(-1, GROUP), scales, out=np.zeros((len(scales), GROUP), np.float32), where=scales != 0)
    result = np.empty((len(scales), BLOCK_BYTES), np.uint8)
    result[:, :2], result[:, 2:] = stored, np.rint(codes).astype(np.int8).view(np.uint8)
    return result.reshape(len(rows), -1)
