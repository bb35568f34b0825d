"""Zeros behind what a tensor has, where kernels take larger sizes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from webllm_build.source.checkpoint import Raw, Tensor, decode_rows


@dataclass(frozen=True)
class Extent:
    """Of a tensor: of groups of so many numbers, each of which has zeros behind it up to so many."""

    count: int
    length: int
    padded: int

    @property
    def size(self) -> int:
        return self.count * self.padded

    @property
    def places(self) -> npt.NDArray[np.int64]:
        """Where the numbers are that are not such zeros, in turn."""
        return (np.arange(self.count)[:, None] * self.padded + np.arange(self.length)).reshape(-1)


def padded(tensor: Tensor, extents: tuple[Extent, ...]) -> Tensor:
    """As float32, with zeros behind groups of its rows and in them."""
    places, columns = extents[0].places if len(extents) > 1 else np.zeros(1, np.int64), extents[-1]

    def rows(first: int, end: int) -> Raw:
        values = np.zeros((end - first, columns.size), np.float32)
        begin, until = (int(place) for place in np.searchsorted(places, (first, end)))
        if begin < until:
            there = decode_rows(tensor.rows(begin, until), tensor.encoding, tensor.name)
            values[np.ix_(places[begin:until] - first, columns.places)] = there
        return values.view(np.uint8)

    return replace(tensor, shape=tuple(extent.size for extent in extents), encoding="f32", rows=rows)
