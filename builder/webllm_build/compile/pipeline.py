"""Model → plan, WGSL and launch object: the ordered passes of the compiler."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import tvm
from tvm.relax import transform as t
from tvm.s_tir import dlight as dl

from webllm_build.compile.emit import Emitter
from webllm_build.compile.export import export_module, gpu
from webllm_build.compile.io import Layout
from webllm_build.compile.kernels.dequantize import CODES
from webllm_build.compile.launch import compile_functions
from webllm_build.compile.plan import Plan, PlanModel
from webllm_build.compile.target import VARIANTS, WASM_HOST, Variant
from webllm_build.compile.verify import verify_plan
from webllm_build.errors import CompileError
from webllm_build.signals import held_back

# Phases in order; the module is dumped after each with --debug-dump.
PHASES: Sequence[tuple[str, Callable[[], Sequence[tvm.transform.Pass]]]] = (
    ("legalize", lambda: [t.LegalizeOps(), t.AnnotateTIROpPattern(), t.FoldConstant()]),
    ("fuse", lambda: [t.FuseOps(), t.FuseTIR(), t.DeadCodeElimination()]),
    (
        "schedule",
        # The hot kernels come with their schedule; these rules give one to what TVM made itself.
        lambda: [dl.ApplyDefaultSchedule(dl.gpu.Reduction(), dl.gpu.GeneralReduction(), dl.gpu.Fallback())],
    ),
    ("lower", lambda: [t.ToNonDataflow(), t.RemovePurityChecking(), t.CallTIRRewrite()]),
    ("allocate", lambda: [t.StaticPlanBlockMemory(), t.LowerAllocTensor()]),
)


@dataclass(frozen=True)
class CompiledLibrary:
    """What the linker puts into model.wasm."""

    plan: bytes
    wgsl: bytes
    launch_object: bytes
    launch_exports: tuple[str, ...]


def compile_model(
    layout: Layout,
    variants: Sequence[Variant] = VARIANTS,
    debug_dump: Path | None = None,
    on_variant: Callable[[str], None] = lambda name: None,
    functions: Sequence[str] | None = None,
) -> CompiledLibrary:
    """Compiles the layout's model in each of the variants. debug_dump: a folder that gets the IR after each phase. functions: the names of
    the plan's; all where None.

    Raises:
        CompileError: TVM or a kernel refused, or the plan breaks its specification.
    """
    model, emitter = layout.model, Emitter(layout)
    for variant in _supported(variants, layout):
        on_variant(variant.name)
        backend = gpu(layout, variant).part(model, functions)
        exported = export_module(model, layout, backend)
        module = lower_module(exported.module, variant.target, variant.name, debug_dump)
        emitter.add(variant, backend.functions, module, exported.tiles)
    plan = Plan(
        model=plan_model(layout),
        weights=layout.weights,
        states=layout.states,
        io=layout.io,
        stored=layout.stored,
        variants=emitter.variants,
    )
    verify_plan(plan, emitter.wgsl)
    return CompiledLibrary(
        plan=plan.to_json(),
        wgsl=json.dumps(emitter.wgsl, separators=(",", ":")).encode(),
        launch_object=compile_functions(emitter.launches, tvm.target.Target(WASM_HOST)),
        launch_exports=tuple(emitter.launches),
    )


def plan_model(layout: Layout) -> PlanModel:
    model = layout.model
    return PlanModel(
        vocab_size=model.vocab_size,
        hidden_size=model.hidden_size,
        context_length=layout.context_length,
        page_size=layout.page_size,
        prefill_chunk=layout.prefill_chunk,
        texts=layout.texts,
        ropes=layout.plan_ropes,
        experts=layout.mixture,
    )


def _supported(variants: Sequence[Variant], layout: Layout) -> list[Variant]:
    """The variants that the model's weights allow: integer dot products need integers."""
    weights = (weight for weight in layout.model.weights if weight.kind != "vector" and weight.precision != "exact" and weight.resident)
    matrices = (layout.parts[weight.name][0] for weight in weights)
    others = sorted({part.scheme.name for part in matrices} - CODES.keys())
    supported = [variant for variant in variants if not (variant.integer and others)]
    if not supported:
        raise CompileError(f"The variants asked for need integer weights, and some are {others[0]}.", "Ask for another variant too.")
    return supported


@held_back()
def lower_module(
    module: tvm.IRModule, target: tvm.target.Target, variant: str, dump: Path | None = None, without: Sequence[str] = ()
) -> tvm.IRModule:
    """Runs every phase but those named: what is left of a Relax function is allocations and kernel calls. variant: its name."""
    with target:
        for number, (name, passes) in enumerate(phase for phase in PHASES if phase[0] not in without):
            module = tvm.transform.Sequential(passes())(module)
            if dump is not None:
                dump.mkdir(parents=True, exist_ok=True)
                (dump / f"{variant}.{number}-{name}.py").write_text(module.script())
    return module
