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
    return compile_cpu(layout_of(9, 3, 64, layers=30), FLAVOURS)


def layout_of(heads: int, kv_heads: int, head_dim: int, layers: int) -> Layout:
    rope = Rope(tuple(1e4 ** (-2 * i / head_dim) for i in range(head_dim // 2)))
    layer = Layer(SelfAttention(Attention(heads, kv_heads, head_dim, scale=1 / 8, rope=rope)), GatedMLP("silu_mul", 1536))
    model = Decoder(NAMES, [layer] * layers, vocab_size=49152, hidden_size=576, context_length=2048, norm_eps=1e-5, tied=True)
    schemes = {weight.name: SCHEMES["f32" if weight.kind == "vector" else "q4a"] for weight in model.weights}
    return Layout.of(model, schemes | {model.embedding.name: SCHEMES["q8"]}, 2048, 512)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_library_is_small_and_the_same_each_time(compiled: CompiledCpu, flavour: Flavour) -> None:
    library = link_cpu_library(compiled, flavour, "ziglang")
    assert len(gzip.compress(library)) < MOST_BYTES
    assert link_cpu_library(compiled, flavour, "ziglang") == library
    assert read_custom_section(library, PLAN_SECTION) == compiled.plan


def test_a_library_is_not_larger_for_long_heads() -> None:
    """As Gemma 4's, of which a unit has eight."""
    short, long = (compile_cpu(layout_of(8, 1, head_dim, layers=1), ["plain"], functions=["prefill", "decode"]) for head_dim in (64, 512))
    sizes = [len(gzip.compress(link_cpu_library(each, "plain", "ziglang"))) for each in (short, long)]
    assert sizes[1] < 1.2 * sizes[0]
