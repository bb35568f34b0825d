"""What kernels over grids of pictures are given, by parameters, and what NumPy makes of it in float64. Their outputs begin as NaN."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from webllm_build.model.vision.ops import Convolution

PICTURES = 2
HEAD = 32
Array = npt.NDArray[np.float32]
Expected = npt.NDArray[np.float64]

# Over places, with a channel's one output or two, at every place or every second one; and over pixels.
CONVOLUTIONS = [
    *(Convolution(6, kernel, stride, 32, outputs) for kernel in (3, 7) for stride in (1, 2) for outputs in (32, 64)),
    Convolution(16, 3, 2, 3, 32, patch=4),
]
# Places of a picture: fewer than any kernel takes at once, as many, and some more.
COUNTS = [1, 4, 36, 128, 132]


def of_convolution(convolution: Convolution) -> tuple[dict[str, Array], Expected]:
    side, kernel, patch, channels, outputs = (getattr(convolution, name) for name in ("side", "kernel", "patch", "channels", "outputs"))
    pixels, bias = _random(PICTURES, channels, side, side), _random(outputs)
    weight = _random(outputs, convolution.taps // kernel**2, kernel, kernel)
    around = [(kernel // 2, kernel // 2)] * 2
    squares = sliding_window_view(np.pad(pixels.astype(np.float64), [(0, 0), (0, 0), *around]), (kernel, kernel), axis=(2, 3))
    squares = squares[:, :, :: convolution.stride, :: convolution.stride]
    if patch:
        grid = side // patch
        x = pixels.reshape(PICTURES, channels, grid, patch, grid, patch).transpose(0, 2, 4, 1, 3, 5).reshape(PICTURES * grid**2, -1)
        y = np.einsum("pcyxij,ocij->pyxo", squares, weight)
    else:
        x = pixels.transpose(0, 2, 3, 1).reshape(-1, channels)
        y = np.einsum("poyxij,oij->pyxo", np.repeat(squares, outputs // channels, 1), weight[:, 0])
    expected = y.reshape(-1, outputs) + bias
    return {"x": x, "weight": weight.reshape(outputs, -1).T.reshape(-1), "bias": bias, "out": _nothing(expected)}, expected


def of_attention(heads: int, count: int) -> tuple[dict[str, Array], Expected]:
    n = PICTURES * count
    qkv = _random(n, 3 * heads * HEAD) * np.float32(2)
    q, k, v = qkv.astype(np.float64).reshape(PICTURES, count, 3, heads, HEAD).transpose(2, 0, 3, 1, 4)
    scores = np.exp(q @ k.swapaxes(-1, -2) / np.sqrt(HEAD))
    expected = (scores / scores.sum(-1, keepdims=True) @ v).swapaxes(1, 2).reshape(n, -1)
    return {"qkv": qkv, "out": _nothing(expected)}, expected


def of_means(columns: int, count: int) -> tuple[dict[str, Array], Expected]:
    x = _random(PICTURES * count, columns)
    expected = x.astype(np.float64).reshape(PICTURES, count, columns).mean(1)
    return {"x": x, "out": _nothing(expected)}, expected


def _random(*shape: int) -> Array:
    return np.random.default_rng(41).standard_normal(shape).astype(np.float32)


def _nothing(like: Expected) -> Array:
    return np.full(like.shape, np.nan, np.float32)
