"""What both implementations of a model's operators refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from webllm_build.compile.lower import DecodeOperators, PrefillOperators
from webllm_build.compile.lower_integer import IntegerDecodeOperators, IntegerPrefillOperators
from webllm_build.compile.operators import Inputs
from webllm_build.compile.target import VARIANTS
from webllm_build.model import load_model
from webllm_build.model.numpy_operators import NumpyOperators
from webllm_build.source.local import open_folder

TINY = open_folder(Path(__file__).parents[1] / "fixtures" / "tiny-llama", "tiny-llama")
KINDS: list[Any] = [DecodeOperators, PrefillOperators, IntegerDecodeOperators, IntegerPrefillOperators]
RELAX = [kind(1e-5, VARIANTS[0], Inputs({}, {}, {}, {}, {})) for kind in KINDS]


@pytest.mark.parametrize("operators", [NumpyOperators(TINY, 1e-5, [1]), *RELAX], ids=lambda operators: type(operators).__name__)
def test_a_residual_together_with_an_activation_is_refused(operators: Any) -> None:
    """None of them may apply one and forget the other."""
    gate_up = next(weight for weight in load_model(TINY).weights if weight.name == "layers.0.gate_up")
    with pytest.raises(ValueError, match="not both"):
        operators.linear(np.zeros((1, 96)), gate_up, residual=np.zeros((1, 64)), activation="silu_mul")
