"""Steps of a layer with a state in slots, and what they must give: NumPy's, which goes from token to token."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from webllm_build.compile.abi_generated import MAX_ROWS, STATE_WORDS
from webllm_build.model.numpy_recurrences import RECURRENCES
from webllm_build.model.recurrence import GatedDelta, Scan

Array = npt.NDArray[Any]

DELTAS = {
    "grouped": GatedDelta(key_heads=2, value_heads=6, key_dim=20, value_dim=48, kernel=4, eps=1e-3),
    "tiled": GatedDelta(key_heads=2, value_heads=4, key_dim=24, value_dim=32, kernel=3, eps=1e-6, tiled=True),
    "qwen3.5": GatedDelta(key_heads=1, value_heads=2, key_dim=128, value_dim=128, kernel=4, eps=1e-6),
}
LARGEST_DELTA = GatedDelta(key_heads=1, value_heads=2, key_dim=256, value_dim=256, kernel=8, eps=1e-6)  # with shorter chunks
SCANS = {
    "small": Scan(heads=4, head_dim=16, groups=2, states=32, scale=0.5, limits=(0.01, 0.3)),
    "granite": Scan(heads=2, head_dim=64, groups=1, states=128),
    "falcon": Scan(heads=2, head_dim=32, groups=1, states=256),
    "awkward": Scan(heads=6, head_dim=12, groups=2, states=48, gated=False),
}
SLOTS = 6


@dataclass
class Steps:
    """Runs a layer's kernels over steps of two texts, and keeps its slots. run: from tokens, buffers, and whether it is a decode step."""

    kind: GatedDelta | Scan
    run: Callable[[int, Mapping[str, Array], bool], Mapping[str, Array]]

    def __post_init__(self) -> None:
        rng = np.random.default_rng(5)
        kind, texts = self.kind, (2, 90)
        if isinstance(kind, GatedDelta):
            x = rng.standard_normal((*texts, kind.width))
            x[:, :, -2 * kind.value_heads :] *= 3
            decays = np.concatenate([-rng.uniform(0.01, 2, kind.value_heads), rng.standard_normal(kind.value_heads)])
            taps = rng.standard_normal(kind.kernel * kind.convolved)
            inputs, weights = {"x": x}, {"taps": taps, "gates": decays, "norm": rng.uniform(0.5, 2, kind.value_dim)}
        else:
            projected, convolved = rng.standard_normal((*texts, kind.width)), rng.standard_normal((*texts, kind.convolved))
            inputs = {"projected": 3 * projected, "convolved": convolved}
            parameters = [-rng.uniform(0.01, 16, kind.heads), rng.standard_normal(kind.heads), rng.standard_normal(kind.heads) - 2]
            weights = {"parameters": np.concatenate(parameters)}
        self.inputs, self.weights = ({name: values.astype(np.float32) for name, values in group.items()} for group in (inputs, weights))
        expected = RECURRENCES[type(kind)]
        exact = [weight.astype(float) for weight in self.weights.values()]
        self.expected = [expected(kind, [values[text].astype(float) for values in self.inputs.values()], exact) for text in range(2)]
        self.slots: Array = np.full((SLOTS, *kind.state_shape), np.nan, np.float32)

    def step(self, rows: Sequence[tuple[int, int, int, int]], tokens: int | None = None) -> None:
        """rows: (text, position, slot that is read, slot that is written), of which a prefill has one and `tokens`; text -1: padding."""
        state = np.zeros((MAX_ROWS, STATE_WORDS), np.int32)
        for i, (text, position, read, written) in enumerate(rows):
            state[i, [0, 1, 3, 4]] = -1 if text < 0 else position, tokens or 1, read, written
        spans = [(text, slice(position, position + (tokens or 1))) for text, position, _, _ in rows]
        inputs = {name: np.concatenate([values[text][span] for text, span in spans]) for name, values in self.inputs.items()}
        n = len(next(iter(inputs.values())))
        out = np.full((n, self.kind.size), np.nan, np.float32)
        found = self.run(n, {**inputs, **self.weights, "state": state, "slots": self.slots, "out": out}, tokens is None)
        self.slots, rest = found["slots"], found["out"]
        for text, span in spans:
            got, rest = np.split(rest, [span.stop - span.start])
            if text >= 0:
                expected = self.expected[text]
                np.testing.assert_allclose(got, expected[span], rtol=0, atol=1e-5 * np.abs(expected).max())

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
