"""The plan: everything the browser must know to run the model, as data. One TypeScript executor interprets it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from webllm_build.compile.abi_generated import LAUNCH_WORDS, MAX_SLOTS, MIN_SLOTS, PLAN_FORMAT, SLOT_BYTES

MAX_UNIFORM_WORDS = LAUNCH_WORDS - 3


@dataclass(frozen=True)
class Rope:
    """Radians per position of each rotary pair, and the factor on cosine and sine."""

    inv_freq: tuple[float, ...]
    scale: float


@dataclass(frozen=True)
class PlanModel:
    """Lengths in tokens. The rotary table `ropes[i]` is the io buffer "rope<i>"."""

    vocab_size: int
    hidden_size: int
    context_length: int
    page_size: int
    prefill_chunk: int
    ropes: tuple[Rope, ...]


@dataclass(frozen=True)
class Buffer:
    name: str
    bytes: int


@dataclass(frozen=True)
class State:
    """A buffer that outlives a step: "pages" of a layer's cache, whose places the page table names, or "slots", each for a sequence's
    state after a step; `state` names the one that a row reads and the one that it writes. Of pages, query_size: values of a token's
    queries, which each key meets; window: tokens that a token sees."""

    name: str
    kind: Literal["pages", "slots"]
    query_size: int = 0
    window: int | None = None


def slot_count(states: Iterable[State], sizes: Iterable[int]) -> int:
    """How many slots each of a model's states in slots gets, sizes being bytes of a page or slot of each state; 0 without such a state.

    The browser's executor/buffers.ts counts the same.
    """
    size = sum(size for state, size in zip(states, sizes, strict=True) if state.kind == "slots")
    return max(MIN_SLOTS, min(MAX_SLOTS, SLOT_BYTES // size)) if size else 0


@dataclass(frozen=True)
class Tile:
    """One way to run a kernel: a WGSL module and its entry point."""

    wgsl: int
    entry: str


@dataclass(frozen=True)
class Kernel:
    """One compute pipeline: any of `tiles`, which do the same and differ in speed.

    bindings: "read" or "read_write" of each storage binding, binding i = argument i of a step.
    uniform: the binding of the uniform, or -1; it holds uniform_words 32-bit words.
    defaults: the tile to run on a vendor's GPUs where none has been measured; on others it is tile 0.
    """

    name: str
    bindings: tuple[str, ...]
    uniform: int
    uniform_words: int
    tiles: tuple[Tile, ...]
    defaults: Mapping[str, int]


@dataclass(frozen=True)
class Function:
    """A straight list of dispatches.

    launch: wasm export (n, kv_len, out) that writes LAUNCH_WORDS int32 for each tile of each of `kernels`, in order: grid x, y, z,
        uniform words.
    kernels: indices into the variant's kernels.
    steps: (index into this function's `kernels`, buffer id per binding).
    """

    launch: str
    kernels: tuple[int, ...]
    steps: tuple[tuple[int, tuple[int, ...]], ...]


@dataclass(frozen=True)
class VariantPlan:
    """One way to run the model. Buffer ids number weights, then states, then io, then workspace.

    features: of the GPU adapter, language_features: of the browser's WGSL, which it needs.
    state_bytes: of one page or one slot of each state. workspace: bytes of each buffer. functions: by name; a reader asks for those
    that it needs.
    """

    name: str
    features: tuple[str, ...]
    language_features: tuple[str, ...]
    min_subgroup_size: int
    limits: Mapping[str, int]
    state_bytes: tuple[int, ...]
    workspace: tuple[int, ...]
    kernels: tuple[Kernel, ...]
    functions: Mapping[str, Function]


@dataclass(frozen=True)
class Plan:
    model: PlanModel
    weights: tuple[Buffer, ...]
    states: tuple[State, ...]
    io: tuple[Buffer, ...]
    variants: tuple[VariantPlan, ...]
    format: int = PLAN_FORMAT

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()

    @property
    def state_base(self) -> int:
        return len(self.weights)

    @property
    def io_base(self) -> int:
        return self.state_base + len(self.states)

    @property
    def workspace_base(self) -> int:
        return self.io_base + len(self.io)


def parse_plan(data: bytes) -> Plan:
    """The inverse of Plan.to_json, for a plan of this program's own making; verify_plan checks what it says.

    Raises:
        KeyError, TypeError, ValueError: the JSON is not a plan.
    """
    raw = json.loads(data)
    model = dict(raw["model"])
    ropes = tuple(Rope(tuple(rope["inv_freq"]), rope["scale"]) for rope in model["ropes"])
    return Plan(
        model=PlanModel(**(model | {"ropes": ropes})),
        weights=tuple(Buffer(**buffer) for buffer in raw["weights"]),
        states=tuple(State(**state) for state in raw["states"]),
        io=tuple(Buffer(**buffer) for buffer in raw["io"]),
        variants=tuple(_parse_variant(variant) for variant in raw["variants"]),
        format=raw["format"],
    )


def _parse_variant(raw: Mapping[str, object]) -> VariantPlan:
    fields = dict(raw)
    fields["features"] = tuple(fields["features"])  # type: ignore[arg-type]
    fields["language_features"] = tuple(fields["language_features"])  # type: ignore[arg-type]
    fields["state_bytes"] = tuple(fields["state_bytes"])  # type: ignore[arg-type]
    fields["workspace"] = tuple(fields["workspace"])  # type: ignore[arg-type]
    fields["kernels"] = tuple(
        Kernel(**(kernel | {"bindings": tuple(kernel["bindings"]), "tiles": tuple(Tile(**tile) for tile in kernel["tiles"])}))
        for kernel in fields["kernels"]  # type: ignore[attr-defined]
    )
    fields["functions"] = {
        name: Function(
            function["launch"], tuple(function["kernels"]), tuple((kernel, tuple(buffers)) for kernel, buffers in function["steps"])
        )
        for name, function in fields["functions"].items()  # type: ignore[attr-defined]
    }
    return VariantPlan(**fields)  # type: ignore[arg-type]
