"""What kernels of layers with a state in slots share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.attention.kv_cache import state_buffer
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel, let, size, store, when

POSITION, SLOT_READ, SLOT_WRITTEN = 0, 3, 4  # words of a row in `state`


def lane(index: Expr, lanes: int) -> Expr:
    """The index of `lanes` numbers from `index` on, of a buffer that is read a number or a vector at a time."""
    return index if lanes == 1 else T.ramp(index, 1, lanes)


class SlotState:
    """The parameters "state" int32[MAX_ROWS, STATE_WORDS] and "slots" float32[slots, *shape], and the walk along the tokens of a step.

    The tokens of a prefill are of one sequence, that of row 0: its state is read once, from the slot that row 0 names, and left once, after
    the last token. Those of a decode step (rows: how many) each have a row with its own slots; one at position -1 is padding and does
    nothing. Rows may be of one sequence, at positions that follow each other: each then reads the slot that the row before wrote.

    A place is the index of a number of the state, or (lanes) of the first of several.
    """

    def __init__(self, kernel: Kernel, shape: Sequence[int], rows: int | None, lanes: int = 1) -> None:
        self.rows, self.lanes = rows, lanes
        self.state = state_buffer(kernel)
        self.slots = kernel.buffer("slots", (size("slots"), *shape), "float32")

    @contextmanager
    def walk(self, tokens: Expr, own: Buffer, places: Sequence[tuple[Expr, ...]]) -> Iterator[Expr]:
        """Runs the body for each of the tokens, in order, and gives its number. `own` float32[len(places) * lanes] is then the state before
        it, at these places, and the body makes it the state after it. No other invocation of the kernel may walk with one of the same
        places.
        """
        with self.steps(tokens, lambda row: self.load(row, own, places), lambda row: self.leave(row, own, places)) as token:
            yield token

    @contextmanager
    def steps(self, tokens: Expr, load: Callable[[Expr], None], leave: Callable[[Expr], None]) -> Iterator[Expr]:
        """As `walk`, where a state is read and left in ways of its own, of a row."""
        if self.rows is None:
            load(0)
            with T.serial(tokens) as token:
                yield token
            leave(0)
        else:
            with T.serial(tokens) as row, when(self.state[row, POSITION] >= 0):
                load(row)
                yield row
                leave(row)

    def before(self, row: Expr, *place: Expr) -> Expr:
        """What the state before the tokens of a row has at a place."""
        slot = let("slot_read", self.state[row, SLOT_READ])  # negative at the beginning of a sequence
        value, zero = self.slots[(T.max(slot, 0), *self._lanes(place))], T.float32(0)
        return T.Select(slot >= 0, value, zero if self.lanes == 1 else T.Broadcast(zero, self.lanes))

    def leave(self, row: Expr, own: Buffer, places: Sequence[tuple[Expr, ...]]) -> None:
        """Make `own` the state behind the tokens of a row."""
        for i, place in enumerate(places):
            self.put(row, own[lane(i * self.lanes, self.lanes)], *place)

    def put(self, row: Expr, value: Expr, *place: Expr) -> None:
        """Leave a value at a place of the state behind the tokens of a row."""
        store(self.slots, value, let("slot_written", self.state[row, SLOT_WRITTEN]), *self._lanes(place))

    def load(self, row: Expr, own: Buffer, places: Sequence[tuple[Expr, ...]]) -> None:
        """Make `own` the state before the tokens of a row."""
        for i, place in enumerate(places):
            store(own, self.before(row, *place), lane(i * self.lanes, self.lanes))

    def _lanes(self, place: tuple[Expr, ...]) -> tuple[Expr, ...]:
        *outer, last = place
        return (*outer, lane(last, self.lanes))
