"""The weights that a model declares: what to read from the checkpoint and in which row order to pack it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Weight:
    """One logical weight.

    Attributes:
        name: its name in the plan and the manifest, such as "layers.0.qkv".
        sources: checkpoint tensors whose rows are concatenated.
        shape: (rows, columns) of a "linear" weight, (length,) of a "vector", after concatenation.
        row_order: int64[rows] or None; packed row i is concatenated row row_order[i].
        kind: a "linear" weight is quantized, a "vector" stays float32.
    """

    name: str
    sources: tuple[str, ...]
    shape: tuple[int, ...]
    row_order: npt.NDArray[np.int64] | None = field(default=None, repr=False)
    kind: Literal["linear", "vector"] = "linear"


def adjacent_rotary_pairs(heads: int, head_dim: int) -> npt.NDArray[np.int64]:
    """Row order that turns halves (i, i + head_dim/2) of each head, as Hugging Face stores them, into neighbours (2i, 2i + 1).

    Dot products of queries and keys do not change, and a kernel finds both elements of a rotation side by side.
    """
    pairs = np.arange(head_dim).reshape(2, head_dim // 2).T.reshape(-1)
    return (np.arange(heads)[:, None] * head_dim + pairs).reshape(-1)


def qkv_row_order(num_heads: int, num_kv_heads: int, head_dim: int) -> npt.NDArray[np.int64]:
    """Row order of concatenated query, key and value projections: rotary pairs adjacent in queries and keys."""
    rotated = adjacent_rotary_pairs(num_heads + num_kv_heads, head_dim)
    return np.concatenate([rotated, np.arange(len(rotated), len(rotated) + num_kv_heads * head_dim)])


def interleaved_halves(rows: int) -> npt.NDArray[np.int64]:
    """Row order that puts row i of the second half after row i of the first: gate and up of one channel become neighbours."""
    return np.arange(rows).reshape(2, rows // 2).T.reshape(-1)
