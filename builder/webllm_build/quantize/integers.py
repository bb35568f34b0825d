"""GGUF's encodings of integers of at most 8 bits and one scale for each 32, as they are: codes and scales, without a search.

Blocks (https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h) have a float16 scale, at their beginning or end. MXFP4's is a power
of two, which float16 holds as far as weights matter; of IQ4_XS, whose scales are products, float16 holds 11 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from webllm_build.quantize.scheme import GROUP, Rows, half_scales
from webllm_build.source.checkpoint import ENCODINGS

Scales = npt.NDArray[np.float32]  # [blocks, scales of a block]


def _half(at: int) -> Callable[[Rows], Scales]:
    return lambda blocks: np.ascontiguousarray(blocks[:, at : at + 2]).view("<f2").astype(np.float32)


def _power_of_two(blocks: Rows) -> Scales:
    """Of E8M0, halved: MXFP4's codes are doubled."""
    return np.ldexp(np.float32(1), blocks[:, :1].astype(np.int32) - 128)


def _products(blocks: Rows) -> Scales:
    """Of IQ4_XS: a float16, times 6 bits less 32 for each 32 values, whose upper two bits lie apart."""
    upper = np.ascontiguousarray(blocks[:, 2:4]).view("<u2") >> (2 * np.arange(8, dtype=np.uint16))
    lower = (blocks[:, 4:8, None] >> np.array([0, 4], np.uint8)).reshape(-1, 8)
    factors = ((lower & 15) | (upper & 3) << 4).astype(np.int32) - 32
    scales: Scales = _half(0)(blocks) * factors.astype(np.float32)
    return scales


FOUR_BITS: Mapping[str, Callable[[Rows], Scales]] = {"q1_0": _half(0), "tq1_0": _half(52), "tq2_0": _half(64)}
EIGHT_BITS: Mapping[str, Callable[[Rows], Scales]] = {
    **FOUR_BITS,
    "q4_0": _half(0), "q5_0": _half(0), "iq4_nl": _half(0), "iq4_xs": _products, "mxfp4": _power_of_two,
}


def integers(rows: Rows, values: npt.NDArray[np.float32], encoding: str) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.int8]]:
    """(scales [blocks of 32, 1], codes [blocks of 32, 32]) of rows in an encoding of EIGHT_BITS, whose values are float32[n, k].

    Raises OverflowError where a scale is beyond float16.
    """
    blocks = rows.reshape(-1, ENCODINGS[encoding].block_bytes)
    found = EIGHT_BITS[encoding](blocks)
    scales = np.repeat(found, ENCODINGS[encoding].block // GROUP // found.shape[1], axis=1).reshape(-1, 1)
    groups = values.reshape(-1, GROUP)
    codes = np.divide(groups, scales, out=np.zeros_like(groups), where=scales != 0)
    finite = np.where(np.isfinite(scales), scales, 0)
    halves = np.where(np.isfinite(scales), half_scales(finite), scales.astype(np.float16))  # what is not finite is told when it is packed
    return halves, np.rint(codes).astype(np.int8)
