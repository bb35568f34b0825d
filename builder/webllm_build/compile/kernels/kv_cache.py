"""The paged key-value cache of one layer, as kernels see it.

[pages, 2, kv_heads, PAGE_SIZE, head_dim / 4] vectors of four float16 or float32: 0 keys, 1 values. Token `position` of the running
sequence lies in slot position % PAGE_SIZE of page page_table[position / PAGE_SIZE].
"""

from __future__ import annotations

from ..io import PAGE_SIZE
from ..target import Variant
from .tir_ops import VEC, Buffer, Expr, Kernel, size

PAGE_BITS = PAGE_SIZE.bit_length() - 1
KEY, VALUE = 0, 1


def kv_buffer(kernel: Kernel, variant: Variant, num_kv_heads: int, head_dim: int) -> Buffer:
    return kernel.buffer("kv", (size("pages"), 2, num_kv_heads, PAGE_SIZE, head_dim // VEC), f"{variant.kv_dtype}x{VEC}")


def page_table_buffer(kernel: Kernel) -> Buffer:
    return kernel.buffer("page_table", (size("max_pages"),), "int32")


def page_of(page_table: Buffer, position: Expr) -> Expr:
    # A shift, because TVM cannot know that a position is not negative and would round `//` with care.
    return page_table[position >> PAGE_BITS]


def slot_of(position: Expr) -> Expr:
    return position & (PAGE_SIZE - 1)


def check_heads(num_heads: int, num_kv_heads: int, head_dim: int) -> int:
    """Query heads that share a key-value head. Raises ValueError for shapes that the attention kernels do not cover."""
    if num_heads % num_kv_heads:
        raise ValueError(f"{num_heads} query heads cannot share {num_kv_heads} key-value heads evenly")
    if head_dim % 8 or not 32 <= head_dim <= 256:
        raise ValueError(f"head_dim is {head_dim}, but attention needs a multiple of 8 from 32 to 256")
    return num_heads // num_kv_heads
