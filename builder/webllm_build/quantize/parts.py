"""Weights larger than what every browser's kernels may bind lie in several buffers of some rows each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from webllm_build.errors import UnsupportedArchitecture
from webllm_build.quantize.scheme import BufferSpec, Scheme

LARGEST_BINDING = 128 << 20  # bytes: WebGPU's default maxStorageBufferBindingSize
ROWS = 64  # a part begins at a multiple: at whole words of scales, whole pairs of gate and up, whole blocks of their channels


@dataclass(frozen=True)
class Part:
    """Rows `first` to `first + rows` of a weight [., columns]. name: of its buffers, before their suffix."""

    name: str
    scheme: Scheme
    first: int
    rows: int
    columns: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows, self.columns

    @property
    def buffers(self) -> tuple[BufferSpec, ...]:
        return self.scheme.buffers(self.rows, self.columns)


def parts_of(name: str, scheme: Scheme, shape: Sequence[int], experts: int = 1) -> tuple[Part, ...]:
    """A weight [rows, columns] or [length]: whole where each of its buffers can be bound. Parts are alike where the rows allow it, since
    what is alike shares a kernel. Each part has all rows of an expert, or none."""
    rows, columns = (*shape, 1)[:2]
    whole = Part(name, scheme, 0, rows, columns)
    most = min(LARGEST_BINDING * rows // spec.nbytes for spec in whole.buffers)
    if rows <= most:
        return (whole,)
    unit = ROWS if experts == 1 else rows // experts
    if most < unit:
        raise UnsupportedArchitecture(
            f"An expert of {name} takes more than {LARGEST_BINDING >> 20} MiB as {scheme.name}",
            "WebGPU binds no more at a time: fewer bits (--quantization) may do.",
        )
    least = -(-rows // (most // unit * unit))
    count = next((count for count in range(least, 2 * least) if rows % (count * unit) == 0), least)
    step = -(-rows // (count * unit)) * unit
    return tuple(
        replace(whole, name=f"{name}.{number}", first=first, rows=min(step, rows - first))
        for number, first in enumerate(range(0, rows, step))
    )
