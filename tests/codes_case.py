"""Activations as 8-bit codes, in NumPy as kernels make them."""

from typing import Any

import numpy as np
import numpy.typing as npt

GROUP = 32


def encode(x: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """x float32[m, k] → codes int8[m, k] and scales float32[m, k/32]."""
    blocks = x.reshape(len(x), -1, GROUP)
    largest = np.abs(blocks).max(2)
    with np.errstate(divide="ignore"):
        inverse = np.where(largest > 0, np.float32(127) / largest, np.float32(0))
    codes = np.rint(blocks * inverse[:, :, None]).astype(np.int8)
    return codes.reshape(x.shape), largest * np.float32(1 / 127)


def decode(codes: npt.NDArray[np.int8], scales: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    values: npt.NDArray[np.float64] = codes.astype(np.float64) * np.repeat(scales.astype(np.float64), GROUP, axis=1)
    return values


def buffers(codes: npt.NDArray[np.int8], scales: npt.NDArray[np.float32], name: str = "x") -> dict[str, npt.NDArray[Any]]:
    return {f"{name}_q": codes.view(np.uint32).reshape(len(codes), -1, 4), f"{name}_s": scales}
