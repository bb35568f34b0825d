"""model.wasm of a recipe, from the cache where the same was compiled before."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from webllm_build.cache import Cache
from webllm_build.compile.link import PLAN_SECTION, WGSL_SECTION, link_library, read_custom_section
from webllm_build.compile.plan import parse_plan
from webllm_build.compile.target import VARIANTS
from webllm_build.compile.verify import verify_plan
from webllm_build.errors import PlanError
from webllm_build.package.model_folder import StoredWeights
from webllm_build.progress import Progress
from webllm_build.recipe import Recipe
from webllm_build.versions import tool_versions

WASM = "model.wasm"


def compile_library(recipe: Recipe, cache: Cache, progress: Progress) -> bytes:
    """With a debug dump it is always compiled. Raises CompileError, ToolchainError."""
    request = recipe.request

    def make(folder: Path) -> None:
        (folder / WASM).write_bytes(_compile(recipe, progress))

    inputs = {
        "checkpoint": recipe.checkpoint.digest,
        "schemes": recipe.scheme_names,
        "kv": request.kv,
        "context_length": recipe.context_length,
        "prefill_chunk": recipe.layout.prefill_chunk,
        "variants": request.variants,
        "toolchain": request.toolchain,
        "tools": tool_versions(),
    }
    fresh = request.debug_dump is not None
    entry = cache.entry("library", inputs, make, lambda folder: not fresh and (folder / WASM).is_file())
    return (entry / WASM).read_bytes()


def check_library(library: bytes, weights: StoredWeights) -> None:
    """Verify the plan as it will be shipped, and that it and the weights speak of the same buffers. Raises PlanError."""
    plan = parse_plan(read_custom_section(library, PLAN_SECTION))
    verify_plan(plan, json.loads(read_custom_section(library, WGSL_SECTION)))
    planned = [(buffer.name, buffer.bytes) for buffer in plan.weights]
    packed = [(tensor.name, tensor.bytes) for tensor in weights.tensors]
    if planned != packed:
        wrong = next((pair for pair in zip(planned, packed, strict=False) if pair[0] != pair[1]), (len(planned), len(packed)))
        raise PlanError(f"plan and packed weights differ: {wrong[0]} planned, {wrong[1]} packed", "This is a bug in webllm-build.")


def _compile(recipe: Recipe, progress: Progress) -> bytes:
    # TVM takes a second to import, which a build from the cache need not wait for.
    from webllm_build.compile.pipeline import CompileOptions, compile_model

    request = recipe.request
    variants = tuple(dataclasses.replace(variant, kv=request.kv) for variant in VARIANTS if variant.name in request.variants)
    options = CompileOptions(recipe.context_length, recipe.layout.prefill_chunk, request.debug_dump, variants)
    with progress.step("Compiling", len(variants) + 1, "steps") as done:
        started: list[str] = []

        def on_variant(name: str) -> None:
            done(len(started))
            started.append(name)

        compiled = compile_model(recipe.model, recipe.schemes, options, on_variant)
        done(len(variants))
        return link_library(compiled.launch_object, compiled.launch_exports, compiled.plan, compiled.wgsl, request.toolchain)
