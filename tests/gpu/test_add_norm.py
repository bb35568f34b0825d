"""Norms: the one behind a block against NumPy, and the factor of all."""

import numpy as np
import pytest
from dawn import Dawn, poison, to_wgsl
from linear_case import VARIANTS
from paged import described
from tvm.tirx import PrimFunc

from webllm_build.compile.kernels.add_gated import add_gated
from webllm_build.compile.kernels.add_norm import add_norm
from webllm_build.compile.kernels.attention.decode import attention_decode
from webllm_build.compile.kernels.attention.rope_append import rope_append
from webllm_build.compile.kernels.linear.gemv import gemv
from webllm_build.compile.kernels.linear.gemv_codes import gemv_codes
from webllm_build.compile.kernels.linear.quantize import quantize
from webllm_build.compile.target import Variant
from webllm_build.quantize import SCHEMES


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
@pytest.mark.parametrize(("columns", "scalar"), [(32, None), (640, 0.25), (1152, None)])
def test_add_norm(dawn: Dawn, variant: Variant, columns: int, scalar: float | None) -> None:
    kernel = dawn.prepare(add_norm(variant, None, columns, 1e-3, scaled=scalar is not None), variant)
    rng = np.random.default_rng(columns)
    for rows in (1, 3):
        x, residual = rng.standard_normal((2, rows, columns)).astype(np.float32)
        weight = rng.uniform(0.5, 2, columns).astype(np.float32)
        factor = np.float32(1 if scalar is None else scalar)
        buffers = {"x": x, "norm_weight": weight, "residual": residual, "scalar": factor.reshape(1), "out": poison((rows, columns))}
        wide = x.astype(np.float64)
        want = (residual + wide / np.sqrt((wide**2).mean(1, keepdims=True) + 1e-3) * weight) * factor
        np.testing.assert_allclose(kernel.run(buffers, {"n": rows})["out"], want, rtol=0, atol=1e-5)


NORMED = {
    "add_gated": add_gated(VARIANTS[0], None, 64, 1e-3),
    "add_norm": add_norm(VARIANTS[0], None, 64, 1e-3),
    "quantize": quantize(VARIANTS[0], 64, norm_eps=1e-3),
    **{f"gemv of {m}": gemv(VARIANTS[0], SCHEMES["q4"], 64, 64, m=m, norm_eps=1e-3) for m in (1, 2)},
    **{f"gemv_codes of {m}": gemv_codes(VARIANTS[0], SCHEMES["q4"], 64, 64, m=m, norm_eps=1e-3) for m in (1, 2)},
    "rope_append": rope_append(VARIANTS[0], described(2, 1, 32, qk_norm=1e-3)),
    "attention_decode": attention_decode(VARIANTS[0], described(2, 1, 32, qk_norm=1e-3)),
}


@pytest.mark.parametrize("kernel", NORMED.values(), ids=NORMED.keys())
def test_a_driver_has_nothing_to_contract_in_a_norms_factor(kernel: PrimFunc) -> None:
    """Kernels of one row and of several must agree on it to the bit, and on NVIDIA 1 / sqrt(x / k + eps) did not."""
    wgsl = to_wgsl(kernel, VARIANTS[0])
    assert "inverseSqrt(fma(" in wgsl and "sqrt(" not in wgsl


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
@pytest.mark.parametrize("columns", [32, 640, 1152])
def test_rows_are_added_as_their_gates_say(dawn: Dawn, variant: Variant, columns: int) -> None:
    """Also of gates far from zero, whose exponents would overflow."""
    kernel = dawn.prepare(add_gated(variant, None, columns, 1e-5), variant)
    rng = np.random.default_rng(columns)
    x, y, residual = rng.standard_normal((3, 4, columns)).astype(np.float32)
    weight, gate = rng.uniform(-1, 1, (2, columns)).astype(np.float32)
    gate[0] *= 1000
    normed = x / np.sqrt((x.astype(np.float64) ** 2).mean(1, keepdims=True) + 1e-5) * weight
    with np.errstate(over="ignore"):
        want = residual + y / (1 + np.exp(-normed @ gate))[:, None]
    for rows in (1, 4):
        taken = {"x": x[:rows], "y": y[:rows], "residual": residual[:rows], "out": poison((rows, columns))}
        got = kernel.run({**taken, "norm_weight": weight, "gate": gate}, {"n": rows})["out"]
        np.testing.assert_allclose(got, want[:rows], rtol=0, atol=1e-4)
