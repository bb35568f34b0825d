"""What a prefill has of its last token alone."""

from __future__ import annotations

from tvm import te, tirx
from tvm.relax.frontend import nn


def of_last(x: nn.Tensor, state: nn.Tensor, count: int) -> nn.Tensor:
    """The `count` elements, or rows, of x that are the last token's: `count` for each token of the call."""

    def take(rows: te.Tensor, state: te.Tensor) -> te.Tensor:
        first = (state[0, 1] - 1) * count
        return te.compute((count, *rows.shape[1:]), lambda index, *rest: rows[(first + index, *rest)], name="of_last")

    return nn.op.tensor_expr_op(take, "of_last", [x, state])


def at_last(state: nn.Tensor) -> nn.Tensor:
    """The state of a step of the last token of a prefill alone."""

    def move(state: te.Tensor) -> te.Tensor:
        def word(row: tirx.Var, index: tirx.Var) -> tirx.Expr:
            is_position = tirx.all(row == 0, index == 0)
            return tirx.Select(is_position, state[0, 0] + state[0, 1] - 1, state[row, index])

        return te.compute(state.shape, word, name="at_last")

    return nn.op.tensor_expr_op(move, "at_last", [state])


def last_row(x: nn.Tensor) -> nn.Tensor:
    """The last of x[m, hidden]: [1, hidden]."""

    def take_last(rows: te.Tensor) -> te.Tensor:
        return te.compute((1, rows.shape[1]), lambda _, column: rows[rows.shape[0] - tirx.IntImm("int64", 1), column], name="last_row")

    return nn.op.tensor_expr_op(take_last, "last_row", [x])
