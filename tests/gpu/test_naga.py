"""Generated WGSL in Firefox: naga compiles every module that it may be given, and nothing stands there that it takes for something else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from linear_case import MORE_EPILOGUES, parameters
from naga import Naga

from families import FAMILIES, open_tiny
from packed_model import CHUNK
from small_kernels import small_kernels
from webllm_build.compile.io import Layout
from webllm_build.compile.kernels.linear.epilogue import Epilogue
from webllm_build.compile.kernels.linear.gemm import gemm
from webllm_build.compile.kernels.linear.gemm_codes import gemm_codes
from webllm_build.compile.kernels.linear.gemv import gemv
from webllm_build.compile.kernels.linear.gemv_codes import gemv_codes
from webllm_build.compile.link import PLAN_SECTION, WGSL_SECTION, read_custom_section
from webllm_build.compile.pipeline import compile_model
from webllm_build.compile.plan import Plan, parse_plan
from webllm_build.compile.target import VARIANTS
from webllm_build.compile.wgsl import compile_kernels
from webllm_build.model import load_model
from webllm_build.quantize import SCHEMES, parts
from webllm_build.quantize.pack import choose_scheme
from webllm_build.source.checkpoint import Checkpoint

# naga keeps the number of components when it casts bits: two halves and a word, or four and two, become something else, without a word.
_HALVES = r"vec[234](?:<f16>|h)"
_CAST = re.compile(r"bitcast<([^()]+?)>\(")
_DECLARED = re.compile(rf"(?:\b(?:let|var)(?:<[\w, ]+>)? +)?\b(\w+) *: *(?:array<)?{_HALVES}")


def casts_of_halves(wgsl: str) -> list[str]:
    """Casts of bits in a module that give a vector of f16, or take one: written there, or a name that is declared so."""
    declared = set(_DECLARED.findall(wgsl))
    found = []
    for cast in _CAST.finditer(wgsl):
        end, depth = cast.end(), 1
        while depth:
            depth += {"(": 1, ")": -1}.get(wgsl[end], 0)
            end += 1
        argument = wgsl[cast.end() : end - 1]
        names = set(re.findall(r"(?<!\.)\b[A-Za-z_]\w*", argument))
        if re.search(_HALVES, cast[1]) or re.search(_HALVES, argument) or names & declared:
            found.append(wgsl[cast.start() : end])
    return found


@dataclass(frozen=True)
class Library:
    plan: Plan
    modules: list[str]

    @staticmethod
    def of(site: Path) -> Library:
        (file,) = site.glob("model/model.*.wasm")
        library = file.read_bytes()
        return Library(parse_plan(read_custom_section(library, PLAN_SECTION)), json.loads(read_custom_section(library, WGSL_SECTION)))

    @staticmethod
    def compiled(checkpoint: Checkpoint, variant: str, functions: Sequence[str], quantization: str = "auto") -> Library:
        model = load_model(checkpoint)
        schemes = {weight.name: choose_scheme(weight, checkpoint, quantization) for weight in model.weights}
        layout = Layout.of(model, schemes, context_length=256, prefill_chunk=CHUNK)
        found = compile_model(layout, [one for one in VARIANTS if one.name == variant], functions=functions)
        return Library(parse_plan(found.plan), json.loads(found.wgsl))

    def entries(self, feature: str) -> Iterator[tuple[str, str]]:
        """Module and entry point of each tile of the variants that do without a feature, once."""
        variants = [variant for variant in self.plan.variants if feature not in variant.features]
        tiles = {tile for variant in variants for kernel in variant.kernels for tile in kernel.tiles}
        return ((self.modules[tile.wgsl], tile.entry) for tile in sorted(tiles, key=lambda tile: tile.entry))


# Of families what may be their own: kernels of their layers, for several rows in codes. test_families.py has naga run those for one row in
# float16, where a driver here has it: else they are compiled in float32.
CODES = {"f16-int8": ("prefill", "logits", "encode", "decode_4")}
FLOATS = ("prefill", "logits", "decode")


@pytest.fixture(scope="module", params=["llama", *FAMILIES])
def libraries(request: pytest.FixtureRequest, naga: Naga, tmp_path_factory: pytest.TempPathFactory) -> list[Library]:
    """Llama's is the default model's, with all that it has, in the tiles that browsers choose from, as are GPT-OSS's with experts: other
    families' kernels are small ones, and tests of attention and of matrices ask naga about theirs. Qwen2's weights lie in parts here, as
    those of a model with a larger vocabulary. Products in floats are Llama's and, of experts, GPT-OSS's.
    """
    if request.param == "llama":
        return [Library.of(request.getfixturevalue("site"))]
    folder = tmp_path_factory.mktemp(request.param)
    checkpoint = open_tiny(request.param, "hugging_face", folder)
    functions = CODES if naga.f16 else {**CODES, "f32": FLOATS}
    if request.param == "gpt_oss":
        functions = {**CODES, "f32": FLOATS, "f16": FLOATS}
        return [Library.compiled(checkpoint, variant, names) for variant, names in functions.items()]
    if request.param != "qwen2":
        with small_kernels():
            return [Library.compiled(checkpoint, variant, names) for variant, names in functions.items()]
    with small_kernels(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "LARGEST_BINDING", 2 * parts.ROWS * 96)  # bytes: as many rows of its matrices
        return [Library.compiled(checkpoint, variant, names, "q8") for variant, names in functions.items()]


def test_naga_compiles_what_needs_no_subgroups(naga: Naga, libraries: list[Library]) -> None:
    compiled, left_out = 0, 0
    for wgsl, entry in (found for library in libraries for found in library.entries("subgroups")):
        if "enable f16;" in wgsl and not naga.f16:
            left_out += 1
            continue
        assert naga.complaint(wgsl, entry) is None, entry
        compiled += 1
    assert compiled >= 20
    if left_out:
        pytest.skip(f"{left_out} modules in float16: no driver here has shader-f16 (Debian's mesa-vulkan-drivers has)")


@pytest.mark.parametrize("epilogue", parameters(MORE_EPILOGUES))
def test_naga_compiles_what_is_done_behind_a_product(naga: Naga, epilogue: Epilogue) -> None:
    """That none of Llama's is, in the tiles that browsers choose from."""
    integer, half, single = (variant for variant in VARIANTS if variant.name in ("f32-int8", "f16", "f32"))
    shape = SCHEMES["q4a"], 128, 96
    kernels = {
        "gemm_half": gemm(half, *shape, epilogue=epilogue),
        "gemm": gemm(single, *shape, epilogue=epilogue),
        "gemm_codes": gemm_codes(*shape, epilogue=epilogue),
        "gemv": gemv(single, *shape, norm_eps=1e-5, epilogue=epilogue),
        "gemv_codes": gemv_codes(integer, *shape, norm_eps=1e-5, epilogue=epilogue),
    }
    for kernel in compile_kernels(kernels, single).values():
        assert naga.accepts(kernel.wgsl, kernel.entry)


def test_naga_refuses_what_is_wrong(naga: Naga) -> None:
    wrong = "@group(0) @binding(0) var<storage, read_write> out : array<u32>;\n@compute @workgroup_size(1) fn main() { out[0] = 1.5; }"
    assert "f" in (naga.complaint(wrong, "main") or "")
    assert naga.complaint(wrong.replace("1.5", "1u"), "main") is None


def test_no_module_casts_bits_of_half_vectors(libraries: list[Library]) -> None:
    modules = [wgsl for library in libraries for wgsl in library.modules]
    assert [casts_of_halves(wgsl) for wgsl in modules] == [[]] * len(modules)


@pytest.mark.parametrize(
    "line",
    [
        "let v = bitcast<vec2<f16>>(word);",
        "let v = bitcast<vec4h>(vec2u(a, b));",
        "let w = bitcast<u32>(vec2<f16>(f16(a), f16(b)));",
        "let w = bitcast<vec2<u32>>((tile[(i + 1)]));",
        "let w = bitcast<u32>(half.yx);",
    ],
)
def test_casts_of_half_vectors_are_found(line: str) -> None:
    declarations = "var<workgroup> tile : array<vec4<f16>, 8>;\nlet half : vec2<f16> = vec2<f16>(0h);\nlet word : u32 = 1u;\n"
    assert len(casts_of_halves(declarations + line)) == 1


def test_other_casts_are_left_alone() -> None:
    wgsl = "var<private> tile : array<vec4<f16>, 8>;\nlet y = bitcast<f32>(word.tile + bitcast<i32>(other)) + f32(tile[0].x);"
    assert casts_of_halves(wgsl) == []
