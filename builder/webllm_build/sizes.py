"""What a model will take, from its shape alone: download by scheme, memory by context length, and where it can be served and run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from webllm_build.compile.io import Compiled, Layout
from webllm_build.compile.memory import Memory, cache_bytes, slot_bytes
from webllm_build.hosts import GB, HOSTS, faults
from webllm_build.limits_generated import SHARD_BYTES
from webllm_build.model.audio.conformer import Conformer
from webllm_build.model.decoder import Decoder
from webllm_build.model.vision.tower import Tower
from webllm_build.quantize import SCHEMES, scheme_of_floats

USUAL_TOKENS = 4096  # of a conversation, where memory is told
PREFILL_CHUNK = 512
WASM_BYTES = 1 << 32  # that a page's WebAssembly can address
SHARED = 2  # of memory that GPU and CPU share, half is taken for the system and the browser
CARDS = (2, 4, 6, 8, 12, 16, 24, 32, 48)  # GB of graphics cards


def layout_of(model: Decoder, quantization: str, held: Mapping[str, str] = MappingProxyType({})) -> Layout:
    """The buffers of a model whose weights are stored as floats. held: the schemes that linear weights have in a quantized file, which
    "auto" keeps, by their precision."""
    schemes = {weight.name: scheme_of_floats(weight, quantization) for weight in model.weights}
    linear = (weight for weight in model.weights if weight.kind == "linear" and weight.precision in held)
    schemes |= {weight.name: SCHEMES[held[weight.precision]] for weight in linear}
    return Layout.of(model, schemes, model.context_length, min(PREFILL_CHUNK, model.context_length))


def part_layout(part: Tower | Conformer, quantization: str) -> Layout:
    """The buffers of a part for pictures or sounds, whose weights have 8 bits, or 16 where all are to have so many."""
    schemes = {weight.name: scheme_of_floats(weight, part_quantization(quantization)) for weight in part.weights}
    return Layout.of(part, schemes, part.most, part.most)


def part_quantization(quantization: str) -> str:
    """Of a part for pictures or sounds: errors of 4 bits are seen in what is said of a picture."""
    return "f16" if quantization == "f16" else "auto"


def weight_bytes(layout: Layout) -> int:
    """Of the download."""
    return sum(buffer.bytes for buffer in (*layout.weights, *layout.stored))


def parameters(model: Compiled) -> int:
    return sum(math.prod(weight.shape) for weight in model.weights)


def memory_at(layout: Layout, kv_dtype: str, tokens: int) -> Memory:
    """Weights, and the cache of one conversation; what a step works in is known when it is compiled."""
    sizes = layout.state_bytes(kv_dtype)
    cache = cache_bytes(layout.states, sizes, tokens, layout.page_size, layout.prefill_chunk)
    return Memory(sum(buffer.bytes for buffer in layout.weights), cache, slot_bytes(layout.states, sizes))


def context_lengths(most: int) -> Sequence[int]:
    """Those that people ask about, and the longest."""
    return *(length for length in (2048, 4096, 8192, 32768) if length < most), most


def hosts(weights: int) -> str:
    """Which hosts take weights of so many bytes, beside any server of one's own."""
    files = {str(begin): min(SHARD_BYTES, weights - begin) for begin in range(0, weights, SHARD_BYTES)}
    fit = [host for host in HOSTS if not faults(host, files)]
    others = [host.title for host in HOSTS if host not in fit]
    return ", ".join(host.title for host in fit) + (f"; too large for {', '.join(others)}" if others else "")


def devices(memory: Memory) -> str:
    """What has so much memory for a GPU."""
    shared = next((1 << power for power in range(1, 10) if (1 << power) * GB >= SHARED * memory.total), None)
    card = next((size for size in CARDS if size * GB >= memory.total * 1.1), None)
    if shared is None or card is None:
        return "none that people have at home"
    return f"phones and computers with {shared} GB, graphics cards with {card} GB"


def browsers(memory: Memory) -> str:
    """What computes it, in order of speed."""
    gpu = "with WebGPU: Chrome and Edge 113, Safari 26, Firefox 141 (Windows) and 145 (macOS), or newer"
    return gpu + ("; without, on the CPU: any" if memory.total < WASM_BYTES else "; too large for WebAssembly, so nothing without")
