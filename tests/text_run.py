"""What a tiny model is run on, alike on GPUs and CPUs: a prompt in two chunks, beyond a window, and steps after it. On the way it is rolled
back, within the prompt and among the steps, and goes on, also with other tokens; and so does a copy of the prompt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]


class Runner(Protocol):
    """One sequence at a time of a model."""

    def prefill(self, tokens: Sequence[int]) -> Array:
        """Append tokens: the logits after the last."""

    def decode(self, token: int) -> Array:
        """As prefill of one token, by a step."""

    def roll_back(self, length: int) -> int:
        """The length that is left, at most the asked one."""

    def fork(self, length: int) -> int:
        """A sequence that begins as this one, up to a page's end."""

    def use(self, sequence: int) -> None:
        """Go on with another sequence."""


@dataclass(frozen=True)
class Text:
    """ends: of the prompt's chunks. forked: another text, which begins alike and is longer; with one, the prompt ends with a page."""

    tokens: Sequence[int]
    ends: Sequence[int]
    forked: Sequence[int] = ()

    @property
    def shared(self) -> int:
        """How many tokens both texts begin with."""
        return int(np.cumprod([a == b for a, b in zip(self.tokens, self.forked, strict=False)]).sum())

    def of(self, logits: Callable[[Sequence[int]], Array]) -> Array:
        """What is expected of each token, from what is after each token of a text."""
        return np.concatenate([logits(self.tokens), *([logits(self.forked)[self.shared :]] if self.forked else [])])

    def run(self, runner: Runner) -> tuple[Array, list[int]]:
        """Logits, and the rows of what is expected that they are to equal: there is one for each of `tokens`, and behind them one for each
        of `forked` that is not shared."""
        found: list[Array] = []
        rows: list[int] = []

        def go(tokens: Sequence[int], first: int, chunks: Sequence[int], end: int) -> None:
            """Chunks, and then steps to the end."""
            other = 0 if tokens is self.tokens else len(self.tokens) - self.shared
            while first < end:
                last = next((last for last in chunks if last > first), None)
                found.append(runner.decode(tokens[first]) if last is None else runner.prefill(tokens[first:last]))
                first = first + 1 if last is None else last
                rows.append(first - 1 if first <= self.shared else first - 1 + other)

        def back(length: int) -> int:
            left = runner.roll_back(length)
            assert left <= length
            return left

        prompt, whole, shared = self.ends[-1], len(self.tokens), self.shared
        go(self.tokens, 0, self.ends, prompt)
        if self.forked:
            go(self.tokens, back(prompt - 6), [prompt - 2], prompt)
            fork = runner.fork(prompt)
        go(self.tokens, prompt, (), whole)
        if self.forked:
            go(self.forked, back(shared), [shared], shared + 4)
            runner.use(fork)
            go(self.forked, prompt, [shared + 3], len(self.forked))
        return np.stack(found), rows
