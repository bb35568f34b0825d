"""The CPU's libraries of a model of a real size."""

from __future__ import annotations

import gzip

import pytest

from webllm_build.compile.cpu.link import link_cpu_library
from webllm_build.compile.cpu.pipeline import CompiledCpu, compile_cpu
from webllm_build.compile.cpu.variant import FLAVOURS, Flavour
from webllm_build.compile.io import Layout
from webllm_build.compile.link import PLAN_SECTION
from webllm_build.compile.wasm_sections import read_custom_section
from webllm_build.model.attention import Attention, Rope
from webllm_build.model.decoder import Decoder
from webllm_build.model.feed_forward import GatedMLP
from webllm_build.model.layers import Layer
from webllm_build.model.llama import NAMES
from webllm_build.model.self_attention import SelfAttention
from webllm_build.quantize import SCHEMES

MOST_BYTES = 300_000  # compressed, of a file that a page fetches


@pytest.fixture(scope="module")
def compiled() -> CompiledCpu:
    """Of SmolLM2-135M's shape."""
    attention = Attention(9, 3, 64, scale=1 / 8, rope=Rope(tuple(1e4 ** (-i / 32) for i in range(32))))
    layers = [Layer(SelfAttention(attention), GatedMLP("silu_mul", 1536))] * 30
    model = Decoder(NAMES, layers, vocab_size=49152, hidden_size=576, context_length=2048, norm_eps=1e-5, tied=True)
    schemes = {weight.name: SCHEMES["f32" if weight.kind == "vector" else "q4a"] for weight in model.weights}
    return compile_cpu(Layout.of(model, schemes | {model.embedding.name: SCHEMES["q8"]}, 2048, 512), FLAVOURS)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_library_is_small_and_the_same_each_time(compiled: CompiledCpu, flavour: Flavour) -> None:
    library = link_cpu_library(compiled, flavour, "ziglang")
    assert len(gzip.compress(library)) < MOST_BYTES
    assert link_cpu_library(compiled, flavour, "ziglang") == library
    assert read_custom_section(library, PLAN_SECTION) == compiled.plan
