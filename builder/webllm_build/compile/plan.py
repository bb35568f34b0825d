"""The plan: everything the browser must know to run the model, as data. One TypeScript executor interprets it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from webllm_build.compile.abi_generated import LAUNCH_WORDS, MAX_SLOTS, MIN_SLOTS, PLAN_FORMAT, SLOT_BYTES
from webllm_build.fields import Fields

MAX_UNIFORM_WORDS = LAUNCH_WORDS - 3

StateKind = Literal["pages", "slots"]
STATE_KINDS: tuple[StateKind, ...] = get_args(StateKind)


@dataclass(frozen=True)
class Rope:
    """Radians per position of each rotary pair, and the factor on cosine and sine of those that turn. In a sequence of more than `original`
    tokens all turn by long_inv_freq. axes: which position each pair turns by, where there are several: of a token in time, its row and its
    column in a picture; of a patch its row and its column."""

    inv_freq: tuple[float, ...]
    scale: float
    long_inv_freq: tuple[float, ...] | None = None
    original: int | None = None
    axes: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Mixture:
    """Of experts: each token goes through `chosen` of `count`, whose numbers are in the io buffer "choices"."""

    count: int
    chosen: int


@dataclass(frozen=True)
class PlanModel:
    """Lengths in tokens. texts: that a call of an embedding model may have. The rotary table `ropes[i]` is the io buffer "rope<i>".
    experts: None where all tokens go through all weights."""

    vocab_size: int
    hidden_size: int
    context_length: int
    page_size: int
    prefill_chunk: int
    texts: int
    ropes: tuple[Rope, ...]
    experts: Mixture | None = None


@dataclass(frozen=True)
class Buffer:
    name: str
    bytes: int


@dataclass(frozen=True)
class Stored(Buffer):
    """A buffer's contents that stay in storage, a row for each token of the vocabulary: those of a call's tokens are written one behind the
    other into the io buffer `io`, before `prefill` or a decode step."""

    row_bytes: int
    io: str


@dataclass(frozen=True)
class State:
    """A buffer that outlives a step: "pages" of a layer's cache, whose places the page table of its group names, or "slots", each for a
    sequence's state after a step; `state` names the one that a row reads and the one that it writes. Of pages, query_size: values of a
    token's queries, which each key meets; window: tokens that a token sees, None where all are. States with one window are a group."""

    name: str
    kind: StateKind
    query_size: int = 0
    window: int | None = None


def page_groups(states: Iterable[State]) -> tuple[int | None, ...]:
    """The windows of a model's groups of states in pages, by number: the io buffer "page_table<i>" is that of group i."""
    return tuple(dict.fromkeys(state.window for state in states if state.kind == "pages"))


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
    uniform: the binding of the uniform, or -1; it holds uniform_words 32-bit words, of which a tile may read fewer.
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
class PlanHead:
    """What the plans of GPUs and CPUs have in common."""

    model: PlanModel
    weights: tuple[Buffer, ...]
    states: tuple[State, ...]
    io: tuple[Buffer, ...]
    stored: tuple[Stored, ...]

    @property
    def state_base(self) -> int:
        return len(self.weights)

    @property
    def io_base(self) -> int:
        return self.state_base + len(self.states)

    @property
    def workspace_base(self) -> int:
        return self.io_base + len(self.io)

    def to_json(self) -> bytes:
        fields = asdict(self)
        for rope in fields["model"]["ropes"]:
            if rope["axes"] is None:
                del rope["axes"]
        return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Plan(PlanHead):
    variants: tuple[VariantPlan, ...]
    format: int = PLAN_FORMAT


def parse_plan(data: bytes) -> Plan:
    """The inverse of Plan.to_json; verify_plan checks what the plan says. Raises ValueError where it is no plan."""
    plan = Fields(json.loads(data), "plan")
    model = plan.nested("model")
    return Plan(
        model=PlanModel(
            vocab_size=model.count("vocab_size"),
            hidden_size=model.count("hidden_size"),
            context_length=model.count("context_length"),
            page_size=model.count("page_size"),
            prefill_chunk=model.count("prefill_chunk"),
            texts=model.count("texts"),
            ropes=tuple(_rope(rope) for rope in model.objects("ropes")),
            experts=None if model.fields.get("experts") is None else _mixture(model.nested("experts")),
        ),
        weights=_buffers(plan, "weights"),
        states=tuple(
            State(state.text("name"), state.one_of("kind", STATE_KINDS), state.count("query_size"), state.optional_count("window"))
            for state in plan.objects("states")
        ),
        io=_buffers(plan, "io"),
        stored=tuple(
            Stored(stored.text("name"), stored.count("bytes"), stored.count("row_bytes"), stored.text("io"))
            for stored in plan.objects("stored")
        ),
        variants=tuple(_variant(variant) for variant in plan.objects("variants")),
        format=plan.count("format"),
    )


def _rope(rope: Fields) -> Rope:
    long = None if rope.fields.get("long_inv_freq") is None else rope.numbers("long_inv_freq")
    axes = rope.counts("axes") if "axes" in rope.fields else None
    return Rope(rope.numbers("inv_freq"), rope.number("scale"), long, rope.optional_count("original"), axes)


def _mixture(experts: Fields) -> Mixture:
    return Mixture(experts.count("count"), experts.count("chosen"))


def _buffers(plan: Fields, key: str) -> tuple[Buffer, ...]:
    return tuple(Buffer(buffer.text("name"), buffer.count("bytes")) for buffer in plan.objects(key))


def _variant(variant: Fields) -> VariantPlan:
    functions = variant.nested("functions")
    return VariantPlan(
        name=variant.text("name"),
        features=variant.texts("features"),
        language_features=variant.texts("language_features"),
        min_subgroup_size=variant.count("min_subgroup_size"),
        limits=_counts(variant, "limits"),
        state_bytes=variant.counts("state_bytes"),
        workspace=variant.counts("workspace"),
        kernels=tuple(_kernel(kernel) for kernel in variant.objects("kernels")),
        functions={name: _function(functions.nested(name)) for name in functions.fields},
    )


def _kernel(kernel: Fields) -> Kernel:
    return Kernel(
        name=kernel.text("name"),
        bindings=kernel.texts("bindings"),
        uniform=kernel.integer("uniform", -1),
        uniform_words=kernel.count("uniform_words"),
        tiles=tuple(Tile(tile.count("wgsl"), tile.text("entry")) for tile in kernel.objects("tiles")),
        defaults=_counts(kernel, "defaults"),
    )


def _function(function: Fields) -> Function:
    steps = [Fields(_step(step), f"{function.where}.steps[{index}]") for index, step in enumerate(function.items("steps"))]
    return Function(
        launch=function.text("launch"),
        kernels=function.counts("kernels"),
        steps=tuple((step.count("kernel"), step.counts("buffers")) for step in steps),
    )


def _step(step: object) -> object:
    """[kernel, [buffer, ...]] with names."""
    return {"kernel": step[0], "buffers": step[1]} if isinstance(step, list) and len(step) == 2 else step


def _counts(fields: Fields, key: str) -> dict[str, int]:
    """An object of whole numbers."""
    counts = fields.nested(key)
    return {name: counts.count(name) for name in counts.fields}
