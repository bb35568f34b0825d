"""What a model will take, from its shape alone: download by scheme, memory by context length, and where it can be served and run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from webllm_build.compile.io import Layout
from webllm_build.compile.memory import Memory, cache_bytes, slot_bytes
from webllm_build.limits_generated import SHARD_BYTES
from webllm_build.model.decoder import Decoder
from webllm_build.quantize import SCHEMES, scheme_of_floats

GB, MB = 10**9, 10**6
USUAL_TOKENS = 4096  # of a conversation, where memory is told
PREFILL_CHUNK = 512
WASM_BYTES = 1 << 32  # that a page's WebAssembly can address
SHARED = 2  # of memory that GPU and CPU share, half is taken for the system and the browser
CARDS = (2, 4, 6, 8, 12, 16, 24, 32, 48)  # GB of graphics cards


@dataclass(frozen=True)
class Host:
    """Where sites are served from. most_bytes: of all files; None where there is no bound that a model meets."""

    name: str
    most_bytes: int | None
    most_files: int | None = None
    says: str = ""


# A file has SHARD_BYTES at most, which all of these take. As their documentation said in 2026.
HOSTS = (
    Host("Hugging Face Spaces", None),
    Host("Cloudflare Pages and Workers", None, 20_000, "20,000 files"),
    Host("GitHub Pages", GB, None, "1 GB a site"),
    Host("Vercel's free plan", 100 * MB, None, "100 MB a deployment"),
)


def layout_of(model: Decoder, quantization: str, matrices: str | None = None) -> Layout:
    """The buffers of a model whose weights are stored as floats. matrices: the scheme that those but tables have in a quantized file, which
    "auto" keeps."""
    schemes = {weight.name: scheme_of_floats(weight, quantization) for weight in model.weights}
    if matrices is not None:
        few = (weight.name for weight in model.weights if (weight.kind, weight.precision) == ("linear", "few"))
        schemes |= dict.fromkeys(few, SCHEMES[matrices])
    return Layout.of(model, schemes, model.context_length, min(PREFILL_CHUNK, model.context_length))


def weight_bytes(layout: Layout) -> int:
    """Of the download."""
    return sum(buffer.bytes for buffer in (*layout.weights, *layout.stored))


def parameters(model: Decoder) -> int:
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
    files = -(-weights // SHARD_BYTES)
    fit = [host for host in HOSTS if (host.most_bytes or math.inf) >= weights and (host.most_files or math.inf) >= files]
    others = [f"{host.name} ({host.says})" for host in HOSTS if host not in fit]
    return f"{', '.join(host.name for host in fit)}, any static server" + (f"; too large for {', '.join(others)}" if others else "")


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
