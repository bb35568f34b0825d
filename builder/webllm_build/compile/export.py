"""Runs a model on Relax operators: one Relax function for each function of the plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import tvm
from tvm import relax, tirx
from tvm.relax.frontend import nn

from webllm_build.compile.abi_generated import MAX_ROWS
from webllm_build.compile.inputs import Inputs, Matrix
from webllm_build.compile.io import CHOICES, PROJECT_IMAGE, Compiled, Layout
from webllm_build.compile.kernels.sampling.adjust import adjust
from webllm_build.compile.kernels.sampling.logprobs import keep, logprobs
from webllm_build.compile.kernels.sampling.sample import sample
from webllm_build.compile.last_token import last_row
from webllm_build.compile.lower import DecodeOperators, PrefillOperators
from webllm_build.compile.lower_integer import IntegerDecodeOperators, IntegerPrefillOperators
from webllm_build.compile.target import Variant
from webllm_build.compile.tiles import TiledKernel
from webllm_build.model.audio.conformer import Conformer
from webllm_build.model.audio.ops import AudioOperators
from webllm_build.model.decoder import Decoder
from webllm_build.model.state import Pages, Slots
from webllm_build.model.vision.ops import TowerOperators
from webllm_build.model.vision.tower import Tower
from webllm_build.signals import held_back


@dataclass(frozen=True)
class FunctionSpec:
    """A plan function: how many rows it takes (a number, or "n" up to `most`, None for a prefill chunk), its io buffers ("ropes": all
    rotary tables, "tables": all page tables, "rows": all rows of weights in storage, "experts": what a mixture has chosen; "vectors": those
    of pictures, of a model that takes such; "ends", "spans": how far tokens and patches see, in one way or two; "beyond": what the layers
    that `prefill` leaves out need), whether it reads states and weights, and the io buffer that its result is."""

    name: str
    rows: int | Literal["n"]
    io: tuple[str, ...]
    model: bool
    result: str | None
    most: int | None = None


ROW_COUNTS = (2, 4, MAX_ROWS)  # of decode steps with several rows; powers of two
STEP = ("tokens", "state", "ropes", "tables", "rows", "experts")
FUNCTIONS = (
    FunctionSpec("prefill", "n", (*STEP, "vectors", "ends"), True, "hidden"),
    FunctionSpec("logits", "n", ("hidden", "beyond"), True, "logits"),
    FunctionSpec("encode", "n", ("hidden", "state", "beyond"), True, "pooled"),
    FunctionSpec("decode", 1, STEP, True, "logits"),
    *(FunctionSpec(f"decode_{m}", m, STEP, True, "logits") for m in ROW_COUNTS),
    FunctionSpec("sample", "n", ("logits", "sampling", "state", "tokens", "history"), False, None, most=MAX_ROWS),
    # What a request asks for beyond `sample`.
    FunctionSpec("adjust", "n", ("logits", "sampling", "tokens", "counts", "bias", "mask"), False, None, most=MAX_ROWS),
    FunctionSpec("keep", "n", ("logits", "kept"), False, None, most=MAX_ROWS),
    FunctionSpec("logprobs", "n", ("kept", "sampling", "tokens", "logprobs"), False, None, most=MAX_ROWS),
)

EMBEDDER_FUNCTIONS = ("prefill", "encode")
OF_PICTURES = ("vectors", "ends", "taps", "factors", "neighbours", "spans")  # which a model may have none of, or several
# Of a tower: the states of patches, and the vectors of groups of them.
TOWER_FUNCTIONS = (
    FunctionSpec("encode_image", "n", ("patches", "state", "ropes", "tables", "taps", "factors", "neighbours", "spans"), True, "hidden"),
    FunctionSpec(PROJECT_IMAGE, "n", ("groups",), True, "pictures"),
)

# Of what hears: vectors of a sound's tokens.
AUDIO_FUNCTIONS = (FunctionSpec("encode_audio", "n", ("frames", "present"), True, "sounds"),)


class _Builder(relax.BlockBuilder):  # type: ignore[misc]
    """Knows the kernels that it has, because TVM hashes and compares a kernel for each call of each layer, and their tiles by name."""

    def __init__(self) -> None:
        super().__init__()
        self._added: dict[int, tuple[object, tvm.ir.GlobalVar]] = {}
        self.tiles: dict[str, TiledKernel] = {}

    def add_func(self, func: tirx.PrimFunc | TiledKernel, func_name: str) -> tvm.ir.GlobalVar:
        if id(func) not in self._added:
            var = super().add_func(func.first if isinstance(func, TiledKernel) else func, func_name)
            self._added[id(func)] = (func, var)
            if isinstance(func, TiledKernel):
                self.tiles[var.name_hint] = func
        return self._added[id(func)][1]


@dataclass(frozen=True, eq=False)
class Exported:
    """The Relax module of one variant, with each kernel in its first tile, and all tiles of those that have several, by name."""

    module: tvm.IRModule
    tiles: Mapping[str, TiledKernel]


Body = Callable[[Inputs, int], "nn.Tensor | tuple[nn.Tensor, ...]"]


@dataclass(frozen=True, eq=False)
class Backend:
    """What a model is exported to. bodies: of the functions, by their names or the first part of these. kv_shape: of a layer's cache."""

    functions: Sequence[FunctionSpec]
    bodies: Mapping[str, Body]
    kv_shape: Callable[[Pages], list[int | str]]

    def part(self, model: Compiled, names: Sequence[str] | None) -> Backend:
        """With the functions that a model has (one that makes vectors of texts has no others than these need), and of these only those
        with the names, where such are given."""
        if isinstance(model, Decoder) and model.pool is not None:
            names = [name for name in EMBEDDER_FUNCTIONS if names is None or name in names]
        return self if names is None else replace(self, functions=[spec for spec in self.functions if spec.name in names])


@held_back()
def export_module(model: Compiled, layout: Layout, backend: Backend) -> Exported:
    """Parameters of a function: its io buffers, then states and weights in plan order."""
    builder = _Builder()
    for spec in backend.functions:
        _export(builder, spec, model, layout, backend)
    return Exported(builder.finalize(), builder.tiles)


def _export(builder: relax.BlockBuilder, spec: FunctionSpec, model: Compiled, layout: Layout, backend: Backend) -> None:
    symbols: dict[str, tirx.Var] = {}

    def tensor(name: str, shape: list[int | str], dtype: str) -> nn.Tensor:
        sizes = [symbols.setdefault(size, tirx.Var(size, "int64")) if isinstance(size, str) else size for size in shape]
        return nn.Tensor.placeholder(sizes, dtype, name)

    stored = layout.rows
    rows = [name for _, names in stored.values() for name in names]
    choices = [CHOICES] if layout.mixture else []
    several = {"ropes": layout.ropes.values(), "tables": layout.tables.values(), "rows": rows, "experts": choices}
    several |= {name: [each for each in layout.io_names if each.startswith(name)] for name in OF_PICTURES}
    beyond = (*STEP, "ends") if isinstance(model, Decoder) and model.whole < len(model.layers) else ()
    asked = (name for given in spec.io for name in (beyond if given == "beyond" else (given,)))
    names = list(dict.fromkeys(name for given in asked for name in several.get(given, [given])))
    io = {name: tensor(name, *layout.io_shape(name, spec.rows)) for name in names}
    states: dict[str, nn.Tensor] = {}
    weights: dict[str, list[Matrix]] = {}
    if spec.model:
        for state in model.states:
            if isinstance(state, Slots):
                states[state.name] = tensor(state.name, ["slots", *state.shape], "float32")
            else:
                states[state.name] = tensor(state.name, backend.kv_shape(state), "uint32")
        weights = {
            name: [
                Matrix(part, [tensor(f"{part.name}.{buffer.suffix}", list(buffer.shape), buffer.dtype) for buffer in part.buffers])
                for part in parts
            ]
            for name, parts in layout.parts.items()
            if name not in stored
        }
    ropes = {rope: io[name] for rope, name in layout.ropes.items() if name in io}
    tables = {state.name: layout.tables[state.window] for state in layout.states if state.kind == "pages"}
    taken = {name: [Matrix(part, [io[each] for each in names])] for name, (part, names) in stored.items() if names[0] in io}
    inputs = Inputs(io, ropes, {state: io[name] for state, name in tables.items() if name in io}, states, {**weights, **taken})
    parameters = [*io.values(), *states.values(), *(buffer for parts in weights.values() for part in parts for buffer in part.buffers)]
    attrs: dict[str, object] = {"num_input": len(parameters)}
    if "n" in symbols:
        attrs["tir_var_upper_bound"] = {"n": spec.most or layout.most(spec.name)}
    with builder.function(spec.name, [parameter._expr for parameter in parameters], attrs=attrs):
        with builder.dataflow():
            body = backend.bodies.get(spec.name) or backend.bodies[spec.name.split("_")[0]]
            result = body(inputs, spec.rows if isinstance(spec.rows, int) else 0)
            parts = [part._expr for part in (result if isinstance(result, tuple) else (result,))]
            expr = relax.Tuple(parts) if len(parts) > 1 else parts[0]
            output = builder.emit_output(expr)
        builder.emit_func_output(output)


def tower_bodies(tower: Tower, operators: Callable[[float, Inputs], TowerOperators[nn.Tensor]]) -> Mapping[str, Body]:
    """operators: with this epsilon of norms, on the tensors of a function."""
    return {
        "encode_image": lambda inputs, _: tower.hidden(operators(tower.norm_eps, inputs)),
        PROJECT_IMAGE: lambda inputs, _: tower.pictures(operators(tower.project_eps, inputs), inputs.io["groups"]),
    }


def audio_bodies(conformer: Conformer, operators: Callable[[float, Inputs], AudioOperators[nn.Tensor]]) -> Mapping[str, Body]:
    """operators: as `tower_bodies` takes them."""
    return {"encode_audio": lambda inputs, _: conformer.vectors(operators(conformer.norm_eps, inputs))}


def gpu(layout: Layout, variant: Variant) -> Backend:
    """A variant of the GPU's."""
    model = layout.model
    many = IntegerPrefillOperators if variant.integer else PrefillOperators

    def kv_shape(state: Pages) -> list[int | str]:
        cache = layout.kv(variant.kv_dtype, state)
        return ["pages", 2, cache.num_kv_heads, cache.block_words]

    if isinstance(model, Tower):
        return Backend(TOWER_FUNCTIONS, tower_bodies(model, lambda eps, inputs: many(eps, variant, inputs)), kv_shape)
    if isinstance(model, Conformer):
        return Backend(AUDIO_FUNCTIONS, audio_bodies(model, lambda eps, inputs: many(eps, variant, inputs)), kv_shape)

    def decoding(inputs: Inputs, rows: int) -> DecodeOperators:
        return (IntegerDecodeOperators if variant.integer else DecodeOperators)(model.norm_eps, variant, inputs, rows)

    def prefill(inputs: Inputs, _: int) -> tuple[nn.Tensor, ...]:
        return model.prefill(many(model.norm_eps, variant, inputs))

    def logits(inputs: Inputs, _: int) -> nn.Tensor:
        x, is_whole = last_row(inputs.io["hidden"]), model.whole == len(model.layers)
        operators = decoding(inputs if is_whole else inputs.of_last(), 1)
        return model.logits(operators, model.beyond(operators, x))

    def encode(inputs: Inputs, _: int) -> nn.Tensor:
        operators = many(model.norm_eps, variant, inputs)
        hidden = model.beyond(operators, inputs.io["hidden"])
        if model.pool is None:
            return operators.last_and_sum(model.normed(operators, hidden))
        return model.vector(decoding(inputs, layout.texts), model.pooled(operators, hidden))

    def decode(inputs: Inputs, rows: int) -> nn.Tensor:
        operators = decoding(inputs, rows)
        return model.logits(operators, model.hidden(operators))

    bodies: Mapping[str, Body] = {
        "prefill": prefill,
        "logits": logits,
        "encode": encode,
        "decode": decode,
        "sample": lambda inputs, _: sample(variant, model.vocab_size, inputs.io),
        "adjust": lambda inputs, _: adjust(model.vocab_size, inputs.io),
        "keep": lambda inputs, _: keep(model.vocab_size, inputs.io),
        "logprobs": lambda inputs, _: logprobs(variant, model.vocab_size, inputs.io),
    }
    return Backend(FUNCTIONS, bodies, kv_shape)
