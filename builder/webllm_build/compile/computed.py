"""Kernels that TVM makes of what each element is."""

from __future__ import annotations

import functools
import operator
from typing import Literal

from tvm import te, tirx, topi

from webllm_build.compile.abi_generated import FIRST_WORD, MAX_ROWS, STATE_WORDS
from webllm_build.compile.kernels.tir.ops import OPAQUE


def _placeholder(shape: tuple[int | None, ...], dtype: str, n: tirx.Var) -> te.Tensor:
    return te.placeholder([n if length is None else length for length in shape], dtype)


def _alone(tensors: list[te.Tensor]) -> tirx.PrimFunc:
    """Not fused with its neighbours: on a CPU, where nothing is scheduled, what lies between them would have no known size."""
    return te.create_prim_func(tensors).without_attr("global_symbol").with_attr("op_pattern", OPAQUE)


@functools.cache
def join(shapes: tuple[tuple[int | None, ...], ...], dtype: str, apart: bool) -> tirx.PrimFunc:
    """Tensors [m, .] side by side."""
    n = tirx.Var("n", "int64")
    parts = [_placeholder(shape, dtype, n) for shape in shapes]
    joined = te.create_prim_func([*parts, topi.concatenate(parts, axis=1)]).without_attr("global_symbol")
    return joined.with_attr("op_pattern", OPAQUE) if apart else joined


@functools.cache
def take(shape: tuple[int | None, ...], first: int, count: int) -> tirx.PrimFunc:
    """`count` columns of a float32 tensor, from the first on."""
    whole = _placeholder(shape, "float32", tirx.Var("n", "int64"))
    taken = te.compute([*whole.shape[:-1], count], lambda *index: whole[(*index[:-1], index[-1] + first)], name="columns")
    return te.create_prim_func([whole, taken]).without_attr("global_symbol")


@functools.cache
def add_positions(columns: int, count: int, has_type: bool, of: Literal["texts", "sequence", "rows"]) -> tirx.PrimFunc:
    """x[n, columns] + positions[count * columns] + token_type[columns], where there is such. of: positions begin again with each text,
    whose first token's place in x is state[text, FIRST_WORD]; or they are those from state[0, 0] on; or each token's is state[row, 0]."""
    x = _placeholder((None, columns), "float32", tirx.Var("n", "int64"))
    state = te.placeholder([MAX_ROWS, STATE_WORDS], "int32")
    positions, *types = (te.placeholder([length], "float32") for length in (count * columns, *([columns] if has_type else [])))

    def position(token: tirx.Var) -> tirx.Expr:
        zero, last = tirx.IntImm("int64", 0), tirx.IntImm("int64", count - 1)
        if of != "texts":
            found = tirx.Cast("int64", state[token, 0]) if of == "rows" else tirx.Cast("int64", state[0, 0]) + token
            return te.max(te.min(found, last), zero)  # a row that does nothing has -1
        begins = [tirx.Cast("int64", state[row, FIRST_WORD]) for row in range(1, MAX_ROWS)]
        first = functools.reduce(te.max, [te.if_then_else(begin <= token, begin, zero) for begin in begins])
        return token - te.max(first, zero)

    def add(token: tirx.Var, column: tirx.Var) -> tirx.Expr:
        y = x[token, column] + positions[position(token) * columns + column]
        return y + types[0][column] if types else y

    added = te.compute(x.shape, add, name="added")
    return te.create_prim_func([x, state, positions, *types, added]).without_attr("global_symbol")


@functools.cache
def add_deep(columns: int, width: int, first: int) -> tirx.PrimFunc:
    """x[n, columns] + vectors[n, first...] where tokens[n] < 0."""
    n = tirx.Var("n", "int64")
    x, vectors = (_placeholder((None, length), "float32", n) for length in (columns, width))
    tokens = _placeholder((None,), "int32", n)

    def add(row: tirx.Var, column: tirx.Var) -> tirx.Expr:
        return x[row, column] + te.if_then_else(tokens[row] < 0, vectors[row, column + first], tirx.FloatImm("float32", 0))

    return te.create_prim_func([x, vectors, tokens, te.compute(x.shape, add, name="deep")]).without_attr("global_symbol")


@functools.cache
def part(columns: int, number: int, count: int, group: int) -> tirx.PrimFunc:
    """Of rows of `group` states of `count` parts of so many columns, one part of all states."""
    x = _placeholder((None, group * count * columns), "float32", tirx.Var("n", "int64"))

    def element(row: tirx.Var, column: tirx.Var) -> tirx.Expr:
        return x[row, (column // columns * count + number) * columns + column % columns]

    return te.create_prim_func([x, te.compute([x.shape[0], group * columns], element, name="part")]).without_attr("global_symbol")


@functools.cache
def mean(count: int, columns: int) -> tirx.PrimFunc:
    """Of `count` parts, side by side, of each row of a float32 tensor."""
    x = _placeholder((None, count * columns), "float32", tirx.Var("n", "int64"))

    def element(row: tirx.Var, column: tirx.Var) -> tirx.Expr:
        parts = [x[row, column + part * columns] for part in range(count)]
        return functools.reduce(operator.add, parts) * tirx.FloatImm("float32", 1 / count)

    return te.create_prim_func([x, te.compute([x.shape[0], columns], element, name="mean")]).without_attr("global_symbol")


@functools.cache
def excite(columns: int, count: int) -> tirx.PrimFunc:
    """Each `count` rows of x[n, columns] times a row of gates[n / count, columns]."""
    n = tirx.Var("n", "int64")
    x, gates = te.placeholder([n, columns], "float32"), te.placeholder([n // count, columns], "float32")
    excited = te.compute(x.shape, lambda row, column: x[row, column] * gates[row // count, column], name="excited")
    return _alone([x, gates, excited])


@functools.cache
def add(tokens: int | None, columns: int) -> tirx.PrimFunc:
    """The sum of two float32 tensors of so many rows, symbolically many where None."""
    n = tirx.Var("n", "int64")
    x, y = (_placeholder((tokens, columns), "float32", n) for _ in range(2))
    return _alone([x, y, te.compute(x.shape, lambda *at: x[at] + y[at], name="added")])


@functools.cache
def clamp(columns: int, bounds: int, first: int) -> tirx.PrimFunc:
    """Of a float32 tensor's numbers, from bounds[first] to the next."""
    x, ends = _placeholder((None, columns), "float32", tirx.Var("n", "int64")), te.placeholder([bounds], "float32")
    clamped = te.compute(x.shape, lambda *at: te.min(te.max(x[at], ends[first]), ends[first + 1]), name="clamped")
    return _alone([x, ends, clamped])


@functools.cache
def clip(tokens: int | None, columns: int, limit: float) -> tirx.PrimFunc:
    """Of a float32 tensor's numbers, from -limit to limit. tokens: its rows, symbolically many where None."""
    x, end = _placeholder((tokens, columns), "float32", tirx.Var("n", "int64")), tirx.FloatImm("float32", limit)
    return _alone([x, te.compute(x.shape, lambda *at: te.min(te.max(x[at], -end), end), name="clipped")])


@functools.cache
def depthwise(columns: int, taps: int) -> tirx.PrimFunc:
    """Of each channel of x[n, columns], the sum of the latest `taps` rows' times weight[columns * taps], the earliest first."""
    x, weight = _placeholder((None, columns), "float32", tirx.Var("n", "int64")), te.placeholder([columns * taps], "float32")

    def element(row: tirx.Var, column: tirx.Var) -> tirx.Expr:
        zero, parts = tirx.IntImm("int64", 0), []
        for tap in range(taps):
            behind = row - (taps - 1 - tap)
            value = te.if_then_else(behind >= zero, x[te.max(behind, zero), column], tirx.FloatImm("float32", 0))
            parts.append(value * weight[column * taps + tap])
        return functools.reduce(operator.add, parts)

    return _alone([x, weight, te.compute(x.shape, element, name="convolved")])


@functools.cache
def convolve_grid(columns: int, taps: int) -> tirx.PrimFunc:
    """Of rows of gates[n, 3 * columns], b, c and x: c times the sum over t of b * x of row neighbours[n, t], if that is not negative, times
    weight[t * columns...]."""
    n = tirx.Var("n", "int64")
    gates, neighbours = _placeholder((None, 3 * columns), "float32", n), _placeholder((None, taps), "int32", n)
    weight = te.placeholder([taps * columns], "float32")

    def element(row: tirx.Var, column: tirx.Var) -> tirx.Expr:
        parts = []
        for tap in range(taps):
            at = te.max(tirx.Cast("int64", neighbours[row, tap]), tirx.IntImm("int64", 0))
            factor = te.if_then_else(neighbours[row, tap] >= 0, weight[tap * columns + column], tirx.FloatImm("float32", 0))
            parts.append(gates[at, column] * gates[at, column + 2 * columns] * factor)
        return functools.reduce(operator.add, parts) * gates[row, column + columns]

    return _alone([gates, neighbours, weight, te.compute([n, columns], element, name="convolved")])
