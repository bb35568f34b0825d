"""Sums and maxima over consecutive invocations of a workgroup.

With subgroups: butterflies of subgroupShuffleXor over `variant.lanes` invocations (right for every subgroup size that is a power of
two and at least `lanes`), then workgroup memory across them. Without: a tree in workgroup memory.
All invocations of the workgroup must reach these calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.ops import Buffer, Expr, barrier, extern, shared, store, when
from webllm_build.compile.target import Variant

Operator = Literal["sum", "max"]


def combine(operator: Operator, a: Expr, b: Expr) -> Expr:
    return a + b if operator == "sum" else T.max(a, b)


def butterfly(values: Buffer, count: int, width: int, operator: Operator = "sum", nearest: int = 1) -> None:
    """Reduce each of values[0..count) (float32 or float32x4, local) over the invocations of aligned groups of `width` consecutive ones
    that are `nearest` apart; both are powers of two, and at most the subgroup size. Every invocation gets the result."""
    step = width // 2
    while step >= nearest:
        for i in range(count):
            other = extern(values.dtype, "subgroupShuffleXor", values[i], T.uint32(step))
            store(values, combine(operator, values[i], other), i)
        step //= 2


def reduce_group(
    variant: Variant, values: Buffer, count: int, *, lane: Expr, width: int, group: Expr = 0, groups: int = 1, operator: Operator = "sum"
) -> Callable[[Expr], Expr]:
    """Reduce values[0..count) (float32, local; overwritten) over groups of `width` consecutive invocations.

    The invocation's index in the workgroup is group*width + lane, 0 <= lane < width, 0 <= group < groups (threadIdx.x and threadIdx.y of
    a workgroup of [width, groups]). With subgroups, width is a power of two up to `lanes`, or a multiple of `lanes`.
    Returns the function that gives the result of value i (an index or an expression) to any invocation of the group. A barrier is
    needed between its last use and the next reduction where a loop repeats this one.
    """
    if width == 1 or (variant.subgroups and width <= variant.lanes):
        butterfly(values, count, width, operator)
        return lambda i: _pick(values, count, i)
    if variant.subgroups:
        if width % variant.lanes:
            raise ValueError(f"a group of {width} invocations cannot be divided into subgroups of {variant.lanes}")
        butterfly(values, count, variant.lanes, operator)
        parts, leader, part = width // variant.lanes, lane % variant.lanes == 0, lane // variant.lanes
    else:
        parts = _tree(values, count, lane, width, group, groups, operator)
        leader, part = lane < parts, lane
    partial = shared("partial", groups * parts * count)
    with when(leader):
        for i in range(count):
            store(partial, values[i], (group * parts + part) * count + i)
    barrier()

    def result(i: Expr) -> Expr:
        value = partial[group * parts * count + i]
        for other in range(1, parts):
            value = combine(operator, value, partial[(group * parts + other) * count + i])
        return value

    return result


def reduce_all(
    variant: Variant, values: Buffer, count: int, *, lane: Expr, width: int, group: Expr = 0, groups: int = 1, operator: Operator = "sum"
) -> None:
    """As reduce_group; the results replace values[0..count) in every invocation of the group."""
    result = reduce_group(variant, values, count, lane=lane, width=width, group=group, groups=groups, operator=operator)
    for i in range(count):
        store(values, result(i), i)


def _tree(values: Buffer, count: int, lane: Expr, width: int, group: Expr, groups: int, operator: Operator) -> int:
    """Fold the upper half of each group onto the lower half until at most 8 invocations hold all; returns how many do."""
    while width > 8:
        half, folded = (width + 1) // 2, width // 2
        upper = shared("upper", count * groups * folded)
        with when(T.And(lane >= half, lane < width)):
            for i in range(count):
                store(upper, values[i], (i * groups + group) * folded + lane - half)
        barrier()
        with when(lane < folded):
            for i in range(count):
                store(values, combine(operator, values[i], upper[(i * groups + group) * folded + lane]), i)
        width = half
    return width


def _pick(values: Buffer, count: int, index: Expr) -> Expr:
    """values[index], without the dynamic index that would move the array out of registers."""
    if isinstance(index, int):
        return values[index]
    picked = values[count - 1]
    for i in reversed(range(count - 1)):
        picked = T.Select(index == i, values[i], picked)
    return picked
