"""Sums and maxima over consecutive invocations of a workgroup.

With subgroups: butterflies of subgroupShuffleXor over `variant.lanes` invocations (right for every subgroup size that is a power of
two and at least `lanes`), then workgroup memory across them. Without: a tree in workgroup memory.
All invocations of the workgroup must reach these calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, barrier, extern, let, shared, store, when
from webllm_build.compile.target import Variant
from webllm_build.errors import CompileError

Operator = Literal["sum", "max"]

LOOPED = 128  # from this width on a tree is a loop: written out, those of a sampler would be a third of its text, which drivers compile
FOLDED = 8  # invocations whose values one adds in a step of it: each step has barriers
MOST_PARTS = 2048  # floats in workgroup memory at a time, half of what every GPU has: more values come one round after the other


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
        return lambda i: pick(values, count, i)
    if variant.subgroups:
        if width % variant.lanes:
            raise CompileError(f"a group of {width} invocations cannot be divided into subgroups of {variant.lanes}")
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

    return lambda i: _of_parts(partial, group, parts, count, i, operator)


def reduce_all(
    variant: Variant,
    values: Buffer,
    count: int,
    *,
    lane: Expr,
    width: int,
    group: Expr = 0,
    groups: int = 1,
    operator: Operator = "sum",
    again: bool = False,
) -> None:
    """As reduce_group; the results replace values[0..count) in every invocation of the group. again: after another reduction."""
    if again and not variant.subgroups:
        barrier()  # the results before have been read
    result = reduce_group(variant, values, count, lane=lane, width=width, group=group, groups=groups, operator=operator)
    for i in range(count):
        store(values, result(i), i)


def scatter_group(
    variant: Variant, values: Buffer, count: int, *, lane: Expr, width: int, group: Expr = 0, groups: int = 1
) -> Iterator[tuple[Expr, Expr]]:
    """As reduce_group with sums, for many values: each result in one invocation of the group. `count`: a power of two.

    Yields (index of the value, its sum), each once for the body to be emitted, which only the invocations that have it run. The sums are
    the same, bit for bit: the same numbers are added in the same order.
    """
    if not variant.subgroups and width > 1:
        parts = _tree(values, count, lane, width, group, groups, "sum")
        each = min(count, 1 << (MOST_PARTS // (groups * parts)).bit_length() - 1)
        partial = shared("partial", groups * parts * each)
        for begin in range(0, count, each):
            if begin:
                barrier()
            with when(lane < parts):
                for i in range(each):
                    store(partial, values[begin + i], (group * parts + lane) * each + i)
            barrier()
            for first in range(0, each, width):
                with when(first + width <= each or first + lane < each):
                    yield begin + first + lane, _of_parts(partial, group, parts, each, first + lane)
        return
    inner = min(width, variant.lanes)
    within = lane if width == inner else lane % inner
    kept = _scatter(values, count, inner, within)
    # An invocation has `kept` sums, or shares one with its neighbours.
    sharers = max(1, inner // count)
    first = 0 if width == 1 else within // sharers * kept
    is_first = sharers == 1 or within % sharers == 0
    if width == inner:
        with when(is_first):
            for i in range(kept):
                yield first + i, values[i]
        return
    parts = width // inner
    partial = shared("partial", groups * parts * count)
    with when(is_first):
        for i in range(kept):
            store(partial, values[i], (group * parts + lane // inner) * count + first + i)
    barrier()
    for begin in range(0, count, width):
        with when(begin + width <= count or begin + lane < count):
            yield begin + lane, _of_parts(partial, group, parts, count, begin + lane)


def _of_parts(partial: Buffer, group: Expr, parts: int, count: int, index: Expr, operator: Operator = "sum") -> Expr:
    """Value `index` of `count` of a group, from the parts of it in workgroup memory."""
    value = partial[group * parts * count + index]
    for other in range(1, parts):
        value = combine(operator, value, partial[(group * parts + other) * count + index])
    return value


def _scatter(values: Buffer, count: int, width: int, lane: Expr) -> int:
    """Butterflies in which invocations give half of their values away at each step, while they have several: values[0..kept) are then
    the sums that begin at lane * count / width. Returns `kept`."""
    kept, step = count, width // 2
    while step:
        if kept == 1:
            store(values, values[0] + extern(values.dtype, "subgroupShuffleXor", values[0], T.uint32(step)), 0)
        else:
            kept //= 2
            upper = let("upper", T.bitwise_and(lane, step) != 0)
            for i in range(kept):
                own, given = (
                    let(name, extern(values.dtype, "select", *pair, upper))
                    for name, pair in (("own", (values[i], values[i + kept])), ("given", (values[i + kept], values[i])))
                )
                store(values, own + extern(values.dtype, "subgroupShuffleXor", given, T.uint32(step)), i)
        step //= 2
    return kept


def _tree(values: Buffer, count: int, lane: Expr, width: int, group: Expr, groups: int, operator: Operator) -> int:
    """Fold each group onto its first invocations until at most 8 hold all; returns how many do."""
    if width >= LOOPED and width & (width - 1) == 0:
        others = shared("others", count * groups * (width - width // FOLDED))
        places = [(i * groups + group) * (width - width // FOLDED) + lane for i in range(count)]
        with T.serial(2) as step:
            kept = fixed("kept", T.shift_right(T.int32(width // FOLDED), step * (FOLDED.bit_length() - 1)))
            with when(T.And(lane >= kept, lane < kept * FOLDED)):
                for i in range(count):
                    store(others, values[i], places[i] - kept)
            barrier()
            with when(lane < kept), T.serial(FOLDED - 1) as part:
                for i in range(count):
                    store(values, combine(operator, values[i], others[places[i] + part * kept]), i)
            barrier()
        return width // FOLDED**2
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


def pick(values: Buffer, count: int, index: Expr) -> Expr:
    """values[index], without the dynamic index that would move the array out of registers."""
    if isinstance(index, int):
        return values[index]
    picked = values[count - 1]
    for i in reversed(range(count - 1)):
        picked = T.Select(index == i, values[i], picked)
    return picked
