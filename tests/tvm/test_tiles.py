"""Kernels in several tiles, from TIR to the plan and its launch functions."""

from __future__ import annotations

import json
import re
from math import prod
from pathlib import Path

import pytest
import wasmtime

from packed_model import EXACT, PackedModel
from webllm_build.build import build
from webllm_build.compile.abi_generated import LAUNCH_WORDS
from webllm_build.compile.emit import Emitter, compile_operators
from webllm_build.compile.kernels.attention.decode import attention_decode
from webllm_build.compile.kernels.linear import gemm, gemv
from webllm_build.compile.kernels.linear.epilogue import PLAIN
from webllm_build.compile.kernels.linear.vectors import Tile
from webllm_build.compile.link import PLAN_SECTION, WGSL_SECTION
from webllm_build.compile.lower_integer import _gemm_codes
from webllm_build.compile.plan import Kernel, parse_plan
from webllm_build.compile.row_counts import _for_ratio
from webllm_build.compile.target import VARIANTS
from webllm_build.compile.tiles import in_tiles
from webllm_build.compile.wasm_sections import read_custom_section
from webllm_build.compile.wgsl import compile_kernels
from webllm_build.config import BuildRequest
from webllm_build.errors import CompileError
from webllm_build.model.attention import Attention, Rope
from webllm_build.quantize import SCHEMES
from webllm_build.source.local import open_folder

TINY = Path(__file__).resolve().parents[1] / "fixtures" / "tiny-llama"
F32 = next(variant for variant in VARIANTS if variant.name == "f32")
WIDE, TALL = Tile(32, 2, 2), Tile(8, 8, 8)


def make(tile: Tile) -> object:
    return gemv.gemv(F32, SCHEMES["q4"], 64, 64, tile=tile)


def test_each_tile_once_the_default_of_others_first() -> None:
    kernel = in_tiles(make, {"apple": TALL, "other": WIDE, "amd": TALL, "intel": WIDE})
    assert list(kernel.named("mul")) == ["mul_32x2x2", "mul_8x8x8"]
    assert kernel.first is kernel.named("mul")["mul_32x2x2"]
    assert kernel.defaults == {"apple": 1, "amd": 1}


def test_a_kernel_without_tiles() -> None:
    (operator,) = compile_operators({"mul": make(WIDE)}, {}, F32).values()
    assert [tile.name for tile in operator.tiles] == ["mul"] and operator.defaults == {}


def test_tiles_with_other_parameters_are_refused() -> None:
    other = gemv.gemv(F32, SCHEMES["q4"], 64, 64, norm_eps=1e-5)
    mixed = in_tiles(lambda tile: make(tile) if tile == WIDE else other, {"other": WIDE, "apple": TALL})
    with pytest.raises(CompileError, match="tiles of mul"):
        compile_operators({"mul": mixed.first}, {"mul": mixed}, F32)


def test_tiles_may_need_other_sizes() -> None:
    """Of 64 rows for each of a call, those of one tile's height are whole tiles, so that it has one word less than the other."""
    kernel = _for_ratio(_gemm_codes(SCHEMES["q8"], 192, 192, PLAIN, matrices=False), 64, 1)
    (operator,) = compile_operators({"mul": kernel.first}, {"mul": kernel}, F32).values()
    emitter = Emitter(PackedModel.of(open_folder(TINY, "tiny-llama"), EXACT).layout)
    assert sorted(len(tile.uniform) for tile in operator.tiles) == [2, 3] and emitter._kernel(operator).uniform_words == 3


def test_a_kernel_that_variants_share_is_compiled_once() -> None:
    integer = next(variant for variant in VARIANTS if variant.name == "f32-int8")
    compiled = [
        compile_kernels({"attention_decode": attention_decode(variant, attention)}, variant)["attention_decode"]
        for half in (16, 32)
        for attention in [Attention(heads=4, kv_heads=2, head_dim=2 * half, scale=0.25, rope=Rope((1.0,) * half))]
        for variant in (F32, integer)
    ]
    assert compiled[0] is compiled[1] and compiled[2] is compiled[3]
    assert compiled[0].wgsl != compiled[2].wgsl


@pytest.fixture(scope="module")
def wasm(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("tiles")
    request = BuildRequest("site", (str(TINY),), out=folder / "dist", cache_dir=folder / "cache", variants=("f16-sg", "f32"), cpu=False)
    bundle = build(request)
    return (bundle.out / "model" / bundle.manifests[0].library.file).read_bytes()


def launch(wasm: bytes, name: str, tiles: int, n: int) -> list[list[int]]:
    """What a launch function writes for each tile."""
    store = wasmtime.Store()
    exports = wasmtime.Instance(store, wasmtime.Module(store.engine, wasm), []).exports(store)
    scratch, run, memory = exports["scratch"], exports[name], exports["memory"]
    assert isinstance(scratch, wasmtime.Func) and isinstance(run, wasmtime.Func) and isinstance(memory, wasmtime.Memory)
    out = scratch(store, 4 * LAUNCH_WORDS * tiles)
    run(store, n, n, out)
    words = memoryview(memory.read(store, out, out + 4 * LAUNCH_WORDS * tiles)).cast("i").tolist()
    return [words[at : at + LAUNCH_WORDS] for at in range(0, len(words), LAUNCH_WORDS)]


def rows(kernel: Kernel) -> int:
    return int(kernel.name.split("_")[1].split("x")[0])


def size(kernel: Kernel, tile: int) -> list[int]:
    return [int(number) for number in kernel.tiles[tile].entry.split("_")[2].split("x")]


def test_launch_functions_give_every_tile_its_own_grid(wasm: bytes) -> None:
    """A grid covers all outputs of a layer, and no workgroup is without any."""
    plan = parse_plan(read_custom_section(wasm, PLAN_SECTION))
    tokens, compared = 70, 0
    for variant in plan.variants:
        for name in ("decode", "prefill"):
            function = variant.functions[name]
            kernels = [variant.kernels[index] for index in function.kernels]
            grids = iter(launch(wasm, function.launch, sum(len(kernel.tiles) for kernel in kernels), tokens))
            for kernel in kernels:
                for tile in range(len(kernel.tiles)):
                    x, y, z, *_ = next(grids)
                    if kernel.name.startswith("gemv"):
                        _, tile_rows, groups = size(kernel, tile)
                        assert (x, y, z) == (-(-rows(kernel) // (tile_rows * groups)), 1, 1)
                    elif kernel.name.startswith("gemm"):
                        tile_rows, columns, width = size(kernel, tile)
                        assert sorted((x, y)) == sorted((-(-tokens // (tile_rows * columns)), -(-rows(kernel) // width)))
                    else:
                        assert prod((x, y, z)) > 0 and len(kernel.tiles) == 1
                    compared += len(kernel.tiles) > 1
    assert compared >= 10


def test_no_module_computes_what_it_does_not_use(wasm: bytes) -> None:
    modules = json.loads(read_custom_section(wasm, WGSL_SECTION))
    values = [(value, module) for module in modules for value in re.findall(r"^let (\w+) ", module, re.MULTILINE)]
    assert values
    assert [value for value, module in values if len(re.findall(rf"\b{value}\b", module)) == 1] == []


def test_matrix_kernels_have_the_tiles_of_their_table(wasm: bytes) -> None:
    plan = parse_plan(read_custom_section(wasm, PLAN_SECTION))
    modules = json.loads(read_custom_section(wasm, WGSL_SECTION))
    assert len(set(modules)) == len(modules)
    for compiled in plan.variants:
        variant = next(variant for variant in VARIANTS if variant.name == compiled.name)
        for kernel in compiled.kernels:
            kind, _, shape = kernel.name.partition("_")
            if "_rows" in kernel.name:
                assert len(kernel.tiles) == 1
            elif kind in ("gemv", "gemm") and shape:
                n, k = (int(extent) for extent in shape.split("_")[0].split("x"))
                table = gemv.tiles(variant, n, k) if kind == "gemv" else gemm.tiles(variant, n)
                assert len(kernel.tiles) == len(set(table.values()))
                assert len({tile.entry for tile in kernel.tiles}) == len(kernel.tiles)
