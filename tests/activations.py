"""What transformers' activations make of some numbers, as tests/golden/make_activations.py writes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from webllm_build.model.common import FUNCTIONS
from webllm_build.model.ops import Function

_PATH = Path(__file__).parent / "golden" / "reference" / "activations.json"
_VALUES: Mapping[str, list[float]] = json.loads(_PATH.read_text("utf-8"))
NAMES = frozenset(_VALUES) - {"x"}  # of transformers
X = np.array([_VALUES["x"]], np.float32)  # [1, a multiple of 4]
EXPECTED: Mapping[Function, npt.NDArray[np.float64]] = {
    FUNCTIONS[name]: np.array([_VALUES[name]]) for name in sorted(NAMES & FUNCTIONS.keys())
}


def check(function: Function, found: npt.NDArray[np.floating[Any]]) -> None:
    """Within what the approximation of the error function is off."""
    np.testing.assert_allclose(found, EXPECTED[function], rtol=1e-5, atol=2e-6)
