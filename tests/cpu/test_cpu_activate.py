"""Each activation alone, against transformers."""

import numpy as np
import pytest
from kernels import NativeKernels

from activations import EXPECTED, X, check
from webllm_build.compile.cpu.activate import activate
from webllm_build.model.ops import Function


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> NativeKernels:
    return NativeKernels(tmp_path_factory.mktemp("kernels"), {name: activate(None, X.size, name, factor=False) for name in EXPECTED})


@pytest.mark.parametrize("function", EXPECTED)
def test_it_makes_what_transformers_does(kernels: NativeKernels, function: Function) -> None:
    check(function, kernels.run(function, {"x": X, "out": np.full_like(X, np.nan)}, 1)["out"])
