"""What both implementations of a model's operators refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tvm import relax

from families import open_tiny
from packed_model import EXACT, PackedModel
from webllm_build.compile import lower
from webllm_build.compile.inputs import Inputs
from webllm_build.compile.lower import DecodeOperators, PrefillOperators
from webllm_build.compile.lower_integer import IntegerDecodeOperators, IntegerPrefillOperators
from webllm_build.compile.pipeline import compile_model
from webllm_build.compile.target import VARIANTS
from webllm_build.compile.walk import Walker, Workspace
from webllm_build.errors import CompileError
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


def test_a_kernel_for_all_tokens_of_a_chunk_is_refused_where_the_last_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would write behind the last one's buffer."""
    whole = lower._norm_parts
    monkeypatch.setattr(lower, "_norm_parts", lambda variant, count, *sizes: whole(variant, None, *sizes))
    layout = PackedModel.of(open_tiny("olmo2", "hugging_face", tmp_path), EXACT).layout
    with pytest.raises(CompileError, match="norm_parts takes n rows of x, which has 1"):
        compile_model(layout, [VARIANTS[-1]], functions=["prefill", "logits"])


def test_what_is_left_of_a_function_besides_kernels_is_refused() -> None:
    for left in (relax.const(np.zeros(2, np.float32)), relax.op.add(relax.const(1.0), relax.const(2.0))):
        builder = relax.BlockBuilder()
        with builder.function("main", []):
            builder.emit_func_output(builder.emit(left))
        with pytest.raises(CompileError, match="which is not a kernel"):
            Walker({}, Workspace(0), None).walk(builder.get()["main"])


def test_a_function_whose_result_is_not_found_is_refused() -> None:
    """Its result's buffer would stay as it was."""
    builder = relax.BlockBuilder()
    given = relax.Var("given", relax.TensorType([2], "float32"))
    with builder.function("main", [given]):
        builder.emit_func_output(given)
    walker = Walker({"given": 0}, Workspace(2), 1)
    with pytest.raises(CompileError, match="Nothing that a function computes is found to be its result"):
        walker.walk(builder.get()["main"])
