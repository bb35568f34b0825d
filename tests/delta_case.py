"""Steps of a layer with the gated delta rule, and what they must give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from webllm_build.compile.abi_generated import MAX_ROWS, STATE_WORDS
from webllm_build.model.numpy_recurrences import gated_delta
from webllm_build.model.recurrence import GatedDelta

Array = npt.NDArray[Any]

SHAPES = {
    "equal": GatedDelta(key_heads=2, value_heads=2, key_dim=32, value_dim=32, kernel=4, eps=1e-6),
    "grouped": GatedDelta(key_heads=2, value_heads=6, key_dim=20, value_dim=48, kernel=4, eps=1e-3),
    "tiled": GatedDelta(key_heads=2, value_heads=4, key_dim=24, value_dim=32, kernel=3, eps=1e-6, tiled=True),
}
SLOTS = 6


@dataclass
class Steps:
    """Runs a layer's kernels over steps of two texts, and keeps its slots. run: from tokens, buffers, and whether it is a decode step."""

    delta: GatedDelta
    run: Callable[[int, Mapping[str, Array], bool], Mapping[str, Array]]

    def __post_init__(self) -> None:
        rng = np.random.default_rng(5)
        delta = self.delta
        self.texts = rng.standard_normal((2, 90, delta.width)).astype(np.float32)
        self.texts[:, :, -2 * delta.value_heads :] *= 3
        decays = np.concatenate([-rng.uniform(0.01, 2, delta.value_heads), rng.standard_normal(delta.value_heads)])
        taps = rng.standard_normal(delta.kernel * delta.convolved)
        self.weights = [weight.astype(np.float32) for weight in (taps, decays, rng.uniform(0.5, 2, delta.value_dim))]
        self.expected = [gated_delta(delta, [text.astype(float)], [weight.astype(float) for weight in self.weights]) for text in self.texts]
        self.slots: Array = np.full((SLOTS, *delta.state_shape), np.nan, np.float32)

    def step(self, rows: list[tuple[int, int, int, int]], tokens: int | None = None) -> None:
        """rows: (text, position, slot that is read, slot that is written), of which a prefill has one and `tokens`; text -1: padding."""
        state = np.zeros((MAX_ROWS, STATE_WORDS), np.int32)
        for i, (text, position, read, written) in enumerate(rows):
            state[i, [0, 1, 3, 4]] = -1 if text < 0 else position, tokens or 1, read, written
        spans = [(text, slice(position, position + (tokens or 1))) for text, position, _, _ in rows]
        x = np.concatenate([self.texts[text][span] for text, span in spans])
        buffers = dict(zip(("taps", "gates", "norm"), self.weights, strict=True))
        out = np.full((len(x), self.delta.size), np.nan, np.float32)
        found = self.run(len(x), {"x": x, **buffers, "state": state, "slots": self.slots, "out": out}, tokens is None)
        self.slots = found["slots"]
        for text, span in spans:
            got, found_rows = found["out"][: span.stop - span.start], found["out"][span.stop - span.start :]
            if text >= 0:
                want = self.expected[text][span]
                np.testing.assert_allclose(got, want, rtol=0, atol=2e-5 * np.abs(self.expected[text]).max())
            found = {"out": found_rows}

    def check(self) -> None:
        """Chunks of a prompt, steps of one row, of a draft beside another text and padding, and a step back."""
        self.step([(0, 0, -1, 2)], 1)
        self.step([(0, 1, 2, 0)], 37)
        self.step([(0, 38, 0, 1)], 32)
        self.step([(1, 0, -1, 2)], 2)
        self.step([(0, 70, 1, 3)])
        self.step([(0, 71, 3, 4), (0, 72, 4, 5), (1, 2, 2, 0), (-1, 0, 0, 0)])
        self.step([(0, 72, 4, 1), (1, 3, 0, 2)])  # the second token was refused
        self.step([(1, 0, -1, 0)])
