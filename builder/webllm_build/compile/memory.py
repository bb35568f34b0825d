"""How much GPU memory a model takes, from its plan: the browser's executor/memory.ts counts the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from webllm_build.compile.abi_generated import WINDOW_BACK, WINDOWS_KEPT
from webllm_build.compile.plan import Plan, State, VariantPlan, slot_count

# What other functions need is there when one is asked for. An embedding model has no others than `prefill` and `encode`.
FIRST_FUNCTIONS = ("prefill", "logits", "decode", "sample")
FIRST_OF_EMBEDDER = ("prefill", "encode")


@dataclass(frozen=True)
class Memory:
    """In bytes. cache: pages of one conversation as long as was asked for; workspace: what a step works in, and states of a fixed size."""

    weights: int
    cache: int
    workspace: int

    @property
    def total(self) -> int:
        return self.weights + self.cache + self.workspace


def pages_of(window: int | None, tokens: int, page_size: int, prefill_chunk: int) -> int:
    """Pages that a conversation of so many tokens takes in a group. Of one with a window: what a prefill sees and adds, unaligned and with
    a page that is copied, and what WINDOWS_KEPT tokens further back see; no more than all."""
    whole = -(-tokens // page_size)
    if window is None:
        return whole
    seen = -(-(window + WINDOW_BACK) // page_size)
    return min(whole, (1 + WINDOWS_KEPT) * seen + -(-prefill_chunk // page_size) + 2)


def cache_bytes(states: Sequence[State], sizes: Sequence[int], tokens: int, page_size: int, prefill_chunk: int) -> int:
    """Of all states in pages. sizes: of a page or a slot of each state."""
    return sum(
        pages_of(state.window, tokens, page_size, prefill_chunk) * size
        for state, size in zip(states, sizes, strict=True)
        if state.kind == "pages"
    )


def slot_bytes(states: Sequence[State], sizes: Sequence[int]) -> int:
    """Of all states in slots."""
    slots = slot_count(states, sizes)
    return sum(slots * size for state, size in zip(states, sizes, strict=True) if state.kind == "slots")


def memory_of(plan: Plan, variant: VariantPlan, tokens: int) -> Memory:
    """What the browser allocates for a conversation of so many tokens."""
    used = {name: {buffer for _, buffers in function.steps for buffer in buffers} for name, function in variant.functions.items()}
    functions = FIRST_FUNCTIONS if "decode" in used else FIRST_OF_EMBEDDER
    first = set[int]().union(*(buffers for name, buffers in used.items() if name in functions))
    later = set[int]().union(*used.values()) - first
    io = sum(buffer.bytes for number, buffer in enumerate(plan.io, plan.io_base) if number not in later)
    page = max((size for state, size in zip(plan.states, variant.state_bytes, strict=True) if state.kind == "pages"), default=4)
    model = plan.model
    return Memory(
        weights=sum(buffer.bytes for buffer in plan.weights),
        cache=cache_bytes(plan.states, variant.state_bytes, tokens, model.page_size, model.prefill_chunk),
        workspace=io + sum(variant.workspace) + slot_bytes(plan.states, variant.state_bytes) + page,  # a page that is being copied
    )
