"""model.wasm of a recipe, from the cache where the same was compiled before."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
from pathlib import Path

from webllm_build.cache import Cache
from webllm_build.compile.link import PLAN_SECTION, WGSL_SECTION, link_library, read_custom_section
from webllm_build.compile.plan import parse_plan
from webllm_build.compile.target import VARIANTS
from webllm_build.compile.toolchain import linker_version
from webllm_build.compile.verify import verify_plan
from webllm_build.disk import disk_errors
from webllm_build.errors import DamagedEntry, PlanError, ToolchainError
from webllm_build.package.manifest import hashed_name
from webllm_build.package.model_folder import StoredWeights
from webllm_build.progress import Progress
from webllm_build.recipe import Recipe
from webllm_build.versions import LIBRARY_SOURCES, LIBRARY_TOOLS, made_by


def compile_library(recipe: Recipe, cache: Cache, progress: Progress) -> bytes:
    """Raises CompileError, ToolchainError. With a debug dump it is always compiled.

    It depends on the model's shape and not on its weights: all fine-tunes of a model share an entry of the cache.
    """
    request = recipe.request
    if request.debug_dump is not None:
        with disk_errors(request.debug_dump, "--debug-dump"):
            request.debug_dump.mkdir(parents=True, exist_ok=True)
            return _compile(recipe, progress)

    def make(folder: Path) -> None:
        wasm = _compile(recipe, progress)
        (folder / hashed_name("model", hashlib.sha256(wasm).hexdigest(), "wasm")).write_bytes(wasm)

    inputs = {
        "model": recipe.model.description,
        "schemes": recipe.scheme_names,
        "kv": request.kv,
        "context_length": recipe.layout.context_length,
        "prefill_chunk": recipe.layout.prefill_chunk,
        "variants": request.variants,
        "linker": linker_version(request.toolchain),
        "made by": made_by(LIBRARY_SOURCES, LIBRARY_TOOLS),
    }
    wasm = _intact(cache.entry("library", inputs, make, lambda folder: _intact(folder) is not None))
    if wasm is None:
        raise DamagedEntry(f"a library in {cache.folder} was damaged as soon as it was written", "Its disk may be faulty: --cache-dir.")
    return wasm


def check_library(library: bytes, weights: StoredWeights) -> None:
    """Verify the plan as it will be shipped, and that it and the weights speak of the same buffers. Raises PlanError."""
    plan = parse_plan(read_custom_section(library, PLAN_SECTION))
    verify_plan(plan, json.loads(read_custom_section(library, WGSL_SECTION)))
    planned = [(buffer.name, buffer.bytes) for buffer in plan.weights]
    packed = [(tensor.name, tensor.bytes) for tensor in weights.tensors]
    if planned != packed:
        wrong = next((pair for pair in zip(planned, packed, strict=False) if pair[0] != pair[1]), (len(planned), len(packed)))
        raise PlanError(f"plan and packed weights differ: {wrong[0]} planned, {wrong[1]} packed", "This is a bug in webllm-build.")


def _intact(entry: Path) -> bytes | None:
    """The module of an entry; None where it is not the one whose hash is in its name."""
    try:
        (path,) = entry.glob("model.*.wasm")
        wasm = path.read_bytes()
    except (OSError, ValueError):
        return None
    return wasm if path.name == hashed_name("model", hashlib.sha256(wasm).hexdigest(), "wasm") else None


def _compile(recipe: Recipe, progress: Progress) -> bytes:
    # TVM takes a second to import, which a build from the cache need not wait for.
    try:
        from webllm_build.compile.pipeline import compile_model
    except (ImportError, OSError) as error:
        hint = "Its wheels are for Linux with glibc and for macOS (https://pypi.org/project/apache-tvm/#files): install webllm-build there."
        raise ToolchainError(f"the compiler TVM cannot be loaded on this machine: {error}", hint) from error

    request = recipe.request
    variants = tuple(dataclasses.replace(variant, kv=request.kv) for variant in VARIANTS if variant.name in request.variants)
    with progress.step("Compiling", len(variants) + 1, "steps") as done:
        started: list[str] = []

        def on_variant(name: str) -> None:
            done(len(started))
            started.append(name)

        compiled = compile_model(recipe.layout, variants, request.debug_dump, on_variant)
        done(len(variants))
        with disk_errors(Path(tempfile.gettempdir()), "TMPDIR"):
            return link_library(compiled.launch_object, compiled.launch_exports, compiled.plan, compiled.wgsl, request.toolchain)
