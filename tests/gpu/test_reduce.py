"""Reductions over consecutive invocations, with and without subgroups, against NumPy."""

import numpy as np
import pytest
from dawn import Dawn, poison
from tvm.tirx import PrimFunc

from webllm_build.compile.kernels.tir.ops import Kernel, launch, local, store, when
from webllm_build.compile.kernels.tir.reduce import Operator, reduce_all, reduce_group
from webllm_build.compile.target import Variant
from webllm_build.errors import CompileError

# SwiftShader's subgroups have four invocations.
VARIANTS = [Variant("f32-sg", f16=False, subgroups=True, lanes=4), Variant("f32", f16=False, subgroups=False)]
COUNT = 3


def reduction(variant: Variant, width: int, groups: int, operator: Operator, everyone: bool) -> PrimFunc:
    with Kernel() as kernel:
        x = kernel.buffer("x", (COUNT, groups * width), "float32")
        out = kernel.buffer("out", (COUNT, groups * width), "float32")
        with launch([1], [width, groups]) as (_, (lane, group)):
            thread = group * width + lane
            values = local("values", COUNT)
            for i in range(COUNT):
                store(values, x[i, thread], i)
            if everyone:
                reduce_all(variant, values, COUNT, lane=lane, width=width, group=group, groups=groups, operator=operator)
                for i in range(COUNT):
                    store(out, values[i], i, thread)
            else:
                result = reduce_group(variant, values, COUNT, lane=lane, width=width, group=group, groups=groups, operator=operator)
                with when(lane < COUNT):
                    store(out, result(lane), 0, thread)
    return kernel.func


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
@pytest.mark.parametrize(("width", "groups"), [(4, 1), (4, 16), (32, 2), (96, 1), (256, 1)])
@pytest.mark.parametrize("operator", ["sum", "max"])
def test_reduction(dawn: Dawn, variant: Variant, width: int, groups: int, operator: Operator) -> None:
    x = np.random.default_rng(0).standard_normal((COUNT, groups * width)).astype(np.float32)
    grouped = x.astype(np.float64).reshape(COUNT, groups, width)
    want = grouped.sum(-1) if operator == "sum" else grouped.max(-1)

    func = reduction(variant, width, groups, operator, everyone=True)
    everywhere = dawn.run(func, variant, {"x": x, "out": poison(x.shape)})["out"]
    np.testing.assert_allclose(everywhere, np.repeat(want, width, axis=1), rtol=1e-5, atol=1e-5)

    func = reduction(variant, width, groups, operator, everyone=False)
    first = dawn.run(func, variant, {"x": x, "out": poison(x.shape)})["out"][0].reshape(groups, width)
    np.testing.assert_allclose(first[:, :COUNT], want.T, rtol=1e-5, atol=1e-5)
    assert np.isnan(first[:, COUNT:]).all()


def test_a_group_that_subgroups_cannot_divide_is_refused() -> None:
    with pytest.raises(CompileError, match="30 invocations"):
        reduction(VARIANTS[0], 30, 1, "sum", everyone=True)
