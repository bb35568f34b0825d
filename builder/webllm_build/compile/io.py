"""Buffers of a plan and their numbering: weights, one KV cache a layer, io, workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from webllm_build.compile.kv_layout import PAGE_SIZE, KvLayout
from webllm_build.compile.plan import Buffer
from webllm_build.compile.target import Variant
from webllm_build.model.attention import Rope
from webllm_build.model.decoder import Decoder
from webllm_build.model.state import Pages
from webllm_build.quantize import BufferSpec, Scheme

STATE_WORDS = 16
SAMPLING_WORDS = 8
HISTORY = 256  # sampled ids that the GPU remembers until the CPU has read them


@dataclass(frozen=True)
class Layout:
    """Sizes that every variant shares.

    weights: GPU buffers of all weights, in plan order; weight_specs: the same by logical weight.
    max_pages: pages of the longest sequence. prefill_chunk: tokens of the longest prefill call.
    """

    model: Decoder
    weight_specs: Mapping[str, tuple[BufferSpec, ...]]
    max_pages: int
    prefill_chunk: int
    page_size: int = PAGE_SIZE

    @staticmethod
    def of(model: Decoder, schemes: Mapping[str, Scheme], context_length: int, prefill_chunk: int) -> Layout:
        specs = {weight.name: tuple(schemes[weight.name].buffers(*_rows_columns(weight.shape))) for weight in model.weights}
        return Layout(model, specs, -(-context_length // PAGE_SIZE), prefill_chunk)

    @property
    def weights(self) -> tuple[Buffer, ...]:
        return tuple(Buffer(f"{name}.{spec.suffix}", spec.nbytes) for name, specs in self.weight_specs.items() for spec in specs)

    @property
    def io(self) -> tuple[Buffer, ...]:
        model, word = self.model, 4
        return (
            Buffer("tokens", self.prefill_chunk * word),
            Buffer("state", STATE_WORDS * word),
            *(Buffer(name, self.prefill_chunk * 2 * len(rope.inv_freq) * word) for rope, name in self.ropes.items()),
            Buffer("page_table", self.max_pages * word),
            Buffer("hidden", model.hidden_size * word),
            Buffer("logits", model.vocab_size * word),
            Buffer("sampling", SAMPLING_WORDS * word),
            Buffer("history", HISTORY * word),
        )

    def io_shape(self, name: str, tokens: int | str) -> tuple[list[int | str], str]:
        """Relax shape and dtype of an io buffer in a function over `tokens` tokens."""
        model = self.model
        shapes: dict[str, tuple[list[int | str], str]] = {
            "tokens": ([tokens], "int32"),
            "state": ([STATE_WORDS], "int32"),
            **{name: ([self.prefill_chunk, 2 * len(rope.inv_freq)], "float32") for rope, name in self.ropes.items()},
            "page_table": ([self.max_pages], "int32"),
            "hidden": ([1, model.hidden_size], "float32"),
            "logits": ([1, model.vocab_size], "float32"),
            "sampling": ([SAMPLING_WORDS], "uint32"),
            "history": ([HISTORY], "int32"),
        }
        return shapes[name]

    @property
    def ropes(self) -> Mapping[Rope, str]:
        """The io buffer of each rotary table."""
        return {rope: f"rope{index}" for index, rope in enumerate(self.model.ropes)}

    @property
    def pages(self) -> tuple[Pages, ...]:
        """The states in pages, one for each layer with attention."""
        return tuple(state for state in self.model.states if isinstance(state, Pages))

    def kv(self, variant: Variant, state: Pages) -> KvLayout:
        """One layer's cache."""
        return KvLayout(variant.kv_dtype, state.kv_heads, state.head_dim)


def _rows_columns(shape: tuple[int, ...]) -> tuple[int, int]:
    return (shape[0], shape[1]) if len(shape) == 2 else (shape[0], 1)
