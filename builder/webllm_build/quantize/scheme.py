"""What a quantization scheme is."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

GROUP = 32  # weights of a row that share a scale
DTYPE_BYTES = {"uint32x4": 16, "uint32": 4, "float32": 4}

Rows = npt.NDArray[np.uint8]  # [n, bytes per row]: encoded rows, each on its own, as a checkpoint holds them
Words = npt.NDArray[np.uint32]  # what a GPU buffer holds
Importance = npt.NDArray[np.float32]  # [k]: how much an error of a weight in each column counts, at least 0


@dataclass(frozen=True)
class BufferSpec:
    """A buffer that a kernel binds: parameter `w_<suffix>`, TIR dtype and shape. The plan calls it `<weight>.<suffix>`."""

    suffix: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * DTYPE_BYTES[self.dtype]

    def array(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Its bytes as the words that it has."""
        words = data.view("<f4" if self.dtype == "float32" else "<u4")
        return words.reshape(*self.shape, 4) if self.dtype == "uint32x4" else words


@dataclass(frozen=True)
class Packed:
    """One GPU buffer of a packed weight: dtype and shape as its BufferSpec, data with the same bytes."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    data: npt.NDArray[Any]

    @property
    def nbytes(self) -> int:
        return self.data.nbytes


class Scheme(ABC):
    """How a weight float32[n, k] (k a multiple of GROUP) is stored on the GPU. How kernels read it is in compile/kernels/dequantize.py.

    Attributes:
        name: in options and plans.
        bits: storage per weight, scales included.
        encoding: the checkpoint encoding whose rows hold exactly the same information; `pack` takes those bit for bit.
    """

    name: str
    bits: float
    encoding: str

    @abstractmethod
    def buffers(self, n: int, k: int) -> tuple[BufferSpec, ...]:
        """The GPU buffers."""

    @abstractmethod
    def encode(self, values: npt.NDArray[np.float32], importance: Importance | None = None) -> Rows:
        """float32[n, k], all finite → encoded rows with the least squared error found; columns may differ in importance.

        Raises OverflowError when a value or scale leaves the format's range.
        """

    @abstractmethod
    def pack(self, raw: Rows, k: int) -> tuple[npt.NDArray[Any], ...]:
        """Encoded rows → contents of the buffers, without loss."""

    @abstractmethod
    def decode(self, arrays: Sequence[npt.NDArray[Any]], n: int, k: int) -> npt.NDArray[np.float32]:
        """Contents of the buffers → float32[n, k]; the reference for every kernel."""

    def is_finite(self, last: npt.NDArray[Any]) -> bool:
        """Whether packed numbers are finite, by the last buffer: it holds the scales, or the numbers themselves."""
        return bool(np.isfinite(last.view("<f2")).all())


def half_scales(scales: npt.NDArray[np.float32]) -> npt.NDArray[np.float16]:
    """Scales as float16. Raises OverflowError where one is too large."""
    with np.errstate(over="ignore"):
        halves = scales.astype(np.float16)
    if not np.isfinite(halves).all():
        raise OverflowError("a scale is beyond float16's largest value, 65504")
    return halves


def pack_halves(halves: npt.NDArray[np.uint16]) -> Words:
    """Two 16-bit values a word, the even one in the low half; an odd count gets a zero at the end."""
    return np.append(halves, np.zeros(halves.size % 2, np.uint16)).view("<u4")


def unpack_halves(words: Words, count: int) -> npt.NDArray[np.float32]:
    """The first `count` float16 values of packed words, as float32."""
    return words.view("<f2")[:count].astype(np.float32)


def half_words(count: int) -> int:
    return (count + 1) // 2
