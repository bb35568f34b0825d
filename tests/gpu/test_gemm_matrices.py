"""Matrix-matrix kernels on subgroup matrices against float64 NumPy. Drivers on CPUs have none: a model of their operations stands in for
them, in which each invocation has its part of a matrix of sums. That a browser takes the text itself is asked of Dawn without a driver."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pytest
from dawn import Dawn, poison, to_wgsl
from linear_case import EPILOGUES, PLAIN, VARIANTS, apply_epilogue, is_product, parameters, random_weight
from tvm.tirx import PrimFunc

import codes_case
from webllm_build.compile.kernels.linear.epilogue import Epilogue
from webllm_build.compile.kernels.linear.gemm_matrices import EDGE, LANES, SMALL, MatrixTile, gemm_matrices, matrix_tile
from webllm_build.compile.target import DEFAULT_LIMITS, VARIANTS as ALL, Variant
from webllm_build.compile.wgsl import CompiledKernel, compile_kernels
from webllm_build.quantize import SCHEMES

EACH = EDGE * EDGE // LANES  # numbers of a matrix that an invocation has
TILES = [SMALL, MatrixTile(rows=4, columns=1, width=4, height=1)]
# In float32, where float16 is not to be had either, and a matrix in workgroup memory is the place where it begins.
MODEL = (
    (r"^(diagnostic|enable).*\n", ""),
    (r"bitcast<vec2<f16>>", "unpack2x16float"),
    (r"(\d\.\d+e[+-]\d+)h", r"\1f"),
    (r"var (sum\w+) : subgroup_matrix_result<f32, \d+, \d+>;", rf"var \1 : array<f32, {EACH}>;"),
    (r"subgroupMatrixLoad<subgroup_matrix_\w+<[^>]*>, (?:row|col)_major>\(&tiles, (.*?), \d+u\);", r"\1;"),
    (
        r"sum\w+ = subgroupMatrixMultiplyAccumulate\((\w+), (\w+), (sum\w+)\);",
        rf"for (var e = 0u; e < {EACH}u; e++) {{ let at = threadIdx.x % {LANES}u * {EACH}u + e; for (var k = 0u; k < {EDGE}u; k++) {{"
        rf" \3[e] += tiles[\1 + at / {EDGE}u * STRIDE + k] * tiles[\2 + at % {EDGE}u * STRIDE + k]; }} }}",
    ),
    (
        r"subgroupMatrixStore<row_major>\(&staged, (.*), (sum\w+), \d+u\);",
        rf"for (var e = 0u; e < {EACH}u; e++) {{ staged[\1 + threadIdx.x % {LANES}u * {EACH}u + e] = \2[e]; }}",
    ),
    (r"\bf16\b", "f32"),
)


def modelled(wgsl: str) -> str:
    stride = re.search(r"&tiles, .*?, (\d+)u\);", wgsl)
    assert stride is not None
    for pattern, by in MODEL:
        wgsl = re.sub(pattern, by, wgsl, flags=re.MULTILINE)
    assert "ubgroup" not in wgsl
    return wgsl.replace("STRIDE", f"{stride[1]}u")


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels are compiled from the text in which the model stands."""

    @dataclass(frozen=True, eq=False)
    class Modelled:
        kernel: CompiledKernel

        def __getattr__(self, name: str) -> object:
            value = getattr(self.kernel, name)
            return modelled(value) if name == "wgsl" else value

    def compiled(functions: Mapping[str, PrimFunc], variant: Variant) -> dict[str, Modelled]:
        return {name: Modelled(kernel) for name, kernel in compile_kernels(functions, variant).items()}

    monkeypatch.setattr("dawn.compile_kernels", compiled)


def check(dawn: Dawn, scheme: str, m: int, n: int, k: int, epilogue: Epilogue = PLAIN, tile: MatrixTile = TILES[0]) -> None:
    """Products are of numbers with 11 bits, so the error may be a part in a thousand of the sum of their sizes."""
    rng = np.random.default_rng(m * 10007 + n * 101 + k)
    weight = random_weight(rng, scheme, n, k)
    codes, scales = codes_case.encode(rng.standard_normal((m, k)).astype(np.float32))
    residual, bias = rng.standard_normal((m, n)).astype(np.float32), rng.standard_normal(n).astype(np.float32)
    func = gemm_matrices(SCHEMES[scheme], n, k, epilogue=epilogue, tile=tile)
    buffers = {**codes_case.buffers(codes, scales), **weight.buffers, "bias": bias, "residual": residual}
    got = dawn.run(func, VARIANTS[1], {**buffers, "out": poison((m, epilogue.columns(n)))}, {"n": m})["out"]

    x = codes_case.decode(codes, scales)
    products = x @ weight.values.T
    scale = (np.abs(x) @ np.abs(weight.values).T).max() * (np.abs(products).max() if is_product(epilogue) else 1)
    assert np.abs(got - apply_epilogue(products, epilogue, residual, bias)).max() < 1e-3 * scale


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("scheme", ["q4", "q4a", "q8", "mxfp4"])
@pytest.mark.parametrize("tile", TILES, ids=str)
def test_schemes(dawn: Dawn, scheme: str, tile: MatrixTile) -> None:
    check(dawn, scheme, m=33, n=130, k=96, tile=tile)


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("epilogue", parameters({**EPILOGUES, "silu-bias": Epilogue(bias=True, activation="silu_mul")}))
def test_epilogues(dawn: Dawn, epilogue: Epilogue) -> None:
    check(dawn, "q4", m=65, n=72, k=64, epilogue=epilogue)


@pytest.mark.usefixtures("model")
def test_a_scale_beyond_float16_leaves_numbers(dawn: Dawn) -> None:
    weight = random_weight(np.random.default_rng(1), "q4", 64, 32)
    codes, scales = codes_case.encode(np.full((4, 32), 1e9, np.float32))
    buffers = {**codes_case.buffers(codes, scales), **weight.buffers, "out": poison((4, 64))}
    assert np.isfinite(dawn.run(gemm_matrices(SCHEMES["q4"], 64, 32), VARIANTS[1], buffers, {"n": 4})["out"]).all()


@pytest.mark.parametrize("n", [1024, 3072, 8192])
def test_tiles_have_room(n: int) -> None:
    kernel = compile_kernels({"kernel": gemm_matrices(SCHEMES["q4"], n, 64, tile=matrix_tile(n))}, ALL[0])["kernel"]
    assert kernel.workgroup_bytes <= 32 << 10
    assert kernel.workgroup_threads <= DEFAULT_LIMITS["maxComputeInvocationsPerWorkgroup"]


ACCEPT = """
import sys
import wgpudawn as wgpu
from wgpudawn.backends.dawn import extras

extras.set_instance_extras(enable_toggles=("allow_unsafe_apis",))
features = ["subgroups", "shader-f16", "chromium-experimental-subgroup-matrix"]
device = wgpu.gpu.request_adapter_sync(power_preference="high-performance").request_device_sync(required_features=features)
module = device.create_shader_module(code=sys.stdin.read())
messages = [message.message for message in module.get_compilation_info_sync().messages]
device.create_compute_pipeline(layout="auto", compute={"module": module, "entry_point": "kernel_kernel"})
print("accepted", *messages)
"""


@pytest.mark.parametrize("epilogue", parameters(EPILOGUES))
def test_dawn_accepts_the_text(epilogue: Epilogue) -> None:
    wgsl = to_wgsl(gemm_matrices(SCHEMES["q4"], 128, 64, epilogue=epilogue), ALL[0])
    environment = {**os.environ, "WGPU_BACKEND_TYPE": "Null"}
    done = subprocess.run([sys.executable, "-c", ACCEPT], input=wgsl, capture_output=True, text=True, env=environment, check=False)
    assert done.stdout.strip() == "accepted", done.stdout + done.stderr
