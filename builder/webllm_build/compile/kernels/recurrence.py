"""What kernels of layers with a state in slots share, and which kernel each kind of recurrence has."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.attention.kv_cache import state_buffer
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel, let, size, store, when
from webllm_build.compile.target import Variant
from webllm_build.model.recurrence import Recurrence

POSITION, SLOT_READ, SLOT_WRITTEN = 0, 3, 4  # words of a row in `state`

# By the type of a recurrence: its kernel, from the variant, it, and the rows of a decode step, None for a prefill (see SlotState).
# Parameters: inputs float32[m, .], weights, those of SlotState, out float32[m, recurrence.size]; m is `rows`, or symbolic.
RECURRENCES: dict[type[Recurrence], Callable[[Variant, Any, int | None], PrimFunc]] = {}


@functools.cache
def recurrence_kernel(variant: Variant, recurrence: Recurrence, rows: int | None) -> PrimFunc:
    """Layers share it."""
    return RECURRENCES[type(recurrence)](variant, recurrence, rows)


def token_count(rows: int | None) -> Expr:
    """Of a step: the rows of a decode step, or a symbolic size. Once in a kernel."""
    return size("n") if rows is None else rows


class SlotState:
    """The parameters "state" int32[MAX_ROWS, STATE_WORDS] and "slots" float32[slots, *shape], and the walk along the tokens of a step.

    The tokens of a prefill are of one sequence, that of row 0: its state is read once, from the slot that row 0 names, and left once, after
    the last token. Those of a decode step (rows: how many) each have a row with its own slots; one at position -1 is padding and does
    nothing. Rows may be of one sequence, at positions that follow each other: each then reads the slot that the row before wrote.
    """

    def __init__(self, kernel: Kernel, shape: Sequence[int], rows: int | None) -> None:
        self.rows = rows
        self.state = state_buffer(kernel)
        self.slots = kernel.buffer("slots", (size("slots"), *shape), "float32")

    @contextmanager
    def walk(self, tokens: Expr, own: Buffer, places: Sequence[tuple[Expr, ...]]) -> Iterator[Expr]:
        """Runs the body for each of the tokens, in order, and gives its number. `own` float32[len(places)] is then the state before it, at
        these places, and the body makes it the state after it. No other invocation of the kernel may walk with one of the same places.
        """
        if self.rows is None:
            self._load(0, own, places)
            with T.serial(tokens) as token:
                yield token
            self._store(0, own, places)
        else:
            with T.serial(tokens) as row, when(self.state[row, POSITION] >= 0):
                self._load(row, own, places)
                yield row
                self._store(row, own, places)

    def _load(self, row: Expr, own: Buffer, places: Sequence[tuple[Expr, ...]]) -> None:
        slot = let("slot_read", self.state[row, SLOT_READ])  # negative at the beginning of a sequence
        for i, place in enumerate(places):
            store(own, T.Select(slot >= 0, self.slots[(T.max(slot, 0), *place)], T.float32(0)), i)

    def _store(self, row: Expr, own: Buffer, places: Sequence[tuple[Expr, ...]]) -> None:
        slot = let("slot_written", self.state[row, SLOT_WRITTEN])
        for i, place in enumerate(places):
            store(self.slots, own[i], slot, *place)
