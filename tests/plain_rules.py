"""Quantization without a search: the rules that the builder's is compared with. float32[n, k] → what is left of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from webllm_build.quantize import GROUP

Values = npt.NDArray[np.float32]


def plain_q4(values: Values) -> Values:
    """WebLLM's q4f16_1: the largest of a block becomes code 7 or -7."""
    x = values.reshape(-1, GROUP)
    scale = _half(np.abs(x).max(1, keepdims=True) / 7)
    codes = np.divide(x, scale, out=np.zeros_like(x), where=scale > 0)
    return (np.clip(np.rint(codes), -7, 7) * scale).reshape(values.shape)


def plain_q4a(values: Values) -> Values:
    """ggml's Q4_1: the grid spans the block's range."""
    x = values.reshape(-1, GROUP)
    low = x.min(1, keepdims=True)
    scale, minimum = _half((x.max(1, keepdims=True) - low) / 15), _half(low)
    codes = np.divide(x - minimum, scale, out=np.zeros_like(x), where=scale > 0)
    decoded: Values = np.clip(np.rint(codes), 0, 15) * scale + minimum
    return decoded.reshape(values.shape)


def plain_q8(values: Values) -> Values:
    """ggml's Q8_0."""
    x = values.reshape(-1, GROUP)
    scale = _half(np.abs(x).max(1, keepdims=True) / 127)
    codes = np.divide(x, scale, out=np.zeros_like(x), where=scale > 0)
    return (np.clip(np.rint(codes), -127, 127) * scale).reshape(values.shape)


def _half(values: Values) -> Values:
    with np.errstate(over="ignore"):
        return values.astype(np.float16).astype(np.float32)
