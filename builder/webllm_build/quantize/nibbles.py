"""The two orders of 32 nibbles in 16 bytes: ggml's, and the one that a kernel unpacks without moving anything.

ggml: byte i has element i low and element 16 + i high. GPU: byte i of word j has element 8j + i low and element 8j + 4 + i high,
so that unpack4xU8 of a word's low (or high) nibbles gives four consecutive elements.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

LOW = np.uint32(0x0F0F0F0F)


def join_nibbles(raw: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    """ggml's uint8[blocks, 16] → uint32[blocks, 4] in GPU order."""
    words: npt.NDArray[np.uint32] = np.ascontiguousarray(raw).view(np.uint32)
    low, high = words & LOW, (words >> np.uint32(4)) & LOW  # low[:, w] has elements 4w..4w+3, high[:, w] 16+4w..16+4w+3
    quads = np.concatenate([low, high], axis=1)
    joined: npt.NDArray[np.uint32] = quads[:, 0::2] | (quads[:, 1::2] << np.uint32(4))
    return joined


def split_nibbles(words: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint8]:
    """uint32[blocks, 4] in GPU order → the elements, uint8[blocks, 32]."""
    quads = np.stack([words & LOW, (words >> np.uint32(4)) & LOW], axis=2)
    return np.ascontiguousarray(quads).view(np.uint8).reshape(len(words), 32)


def ggml_nibbles(codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Elements uint8[blocks, 32], each below 16 → ggml's uint8[blocks, 16]."""
    return codes[:, :16] | (codes[:, 16:] << np.uint8(4))
