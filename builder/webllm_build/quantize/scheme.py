"""What a quantization scheme is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from webllm_build.quantize.tir import Block, CodeBlock

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


@dataclass(frozen=True)
class Packed:
    """One GPU buffer of a packed weight: dtype and shape as its BufferSpec, data with the same bytes."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    data: npt.NDArray[Any]


@dataclass(frozen=True)
class Codes:
    """How a kernel gets a block's integers, for dot products of integers.

    Attributes:
        read: TIR: (buffers, block index) → the block as it lies in memory, loaded but not unpacked.
        unpack: TIR: (what read gave, block index) → the block's codes.
        dtypes: of what read gives.
        bias: what stands for zero in a code.
        has_minimum: whether blocks have a minimum.
    """

    read: Callable[[Sequence[Any], Any], tuple[Any, ...]]
    unpack: Callable[[Sequence[Any], Any], CodeBlock]
    dtypes: tuple[str, ...]
    bias: int = 0
    has_minimum: bool = False


class Encode(Protocol):
    def __call__(self, values: npt.NDArray[np.float32], importance: Importance | None = None) -> Rows: ...


@dataclass(frozen=True)
class Scheme:
    """How a weight float32[n, k] (k a multiple of GROUP) is stored on the GPU.

    Attributes:
        name: in options and plans.
        bits: storage per weight, scales included.
        encoding: the checkpoint encoding whose rows hold exactly the same information; `pack` takes those bit for bit.
        buffers: (n, k) → the GPU buffers.
        encode: float32[n, k], all finite → encoded rows with the least squared error found; columns may differ in importance.
            Raises OverflowError when a value or scale leaves the format's range.
        pack: (encoded rows, k) → contents of the buffers, without loss.
        decode: (contents, n, k) → float32[n, k]; the reference for every kernel.
        load: TIR: (buffers, block index) → one block of GROUP weights. Block b of row r is r*k/GROUP + b.
        codes: the same as integers, where weights are integers times a scale.
    """

    name: str
    bits: float
    encoding: str
    buffers: Callable[[int, int], tuple[BufferSpec, ...]]
    encode: Encode
    pack: Callable[[Rows, int], tuple[npt.NDArray[Any], ...]]
    decode: Callable[[Sequence[npt.NDArray[Any]], int, int], npt.NDArray[np.float32]]
    load: Callable[[Sequence[Any], Any], Block]
    codes: Codes | None = None


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
