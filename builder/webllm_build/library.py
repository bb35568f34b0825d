"""model.wasm of a recipe, and its libraries for the CPU, from the cache where the same was compiled before."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from webllm_build.cache import Cache
from webllm_build.compile.link import PLAN_SECTION, WGSL_SECTION, link_library, read_custom_section
from webllm_build.compile.plan import parse_plan
from webllm_build.compile.target import VARIANTS
from webllm_build.compile.toolchain import linker_version
from webllm_build.compile.verify import verify_plan
from webllm_build.disk import disk_errors
from webllm_build.errors import DamagedEntry, PlanError, ToolchainError
from webllm_build.model.audio.conformer import Conformer
from webllm_build.model.vision.tower import Tower
from webllm_build.package.manifest import hashed_name
from webllm_build.package.model_folder import CPU_NAMES, StoredWeights
from webllm_build.progress import Progress
from webllm_build.recipe import Blueprint
from webllm_build.versions import LIBRARY_SOURCES, LIBRARY_TOOLS, made_by


def compile_library(recipe: Blueprint, cache: Cache, progress: Progress) -> bytes:
    """Raises CompileError, ToolchainError."""
    variants = {"variants": recipe.request.variants}
    (library,) = _kept(recipe, cache, "library", variants, ("model",), lambda: (_compile(recipe, progress),))
    return library


def compile_cpu_libraries(recipe: Blueprint, cache: Cache, progress: Progress) -> tuple[bytes, bytes]:
    """Of each flavour, the plain one first. Raises CompileError, ToolchainError."""
    particular = {"cpu_chunk": recipe.cpu_layout.prefill_chunk}
    plain, relaxed = _kept(recipe, cache, "cpu", particular, CPU_NAMES, lambda: _compile_cpu(recipe, progress))
    return plain, relaxed


def _kept(
    recipe: Blueprint,
    cache: Cache,
    kind: str,
    particular: Mapping[str, object],
    stems: Sequence[str],
    compiled: Callable[[], Sequence[bytes]],
) -> Sequence[bytes]:
    """Modules, kept as files of these names. With a debug dump they are always compiled.

    They depend on the model's shape and not on its weights: all fine-tunes of a model share an entry of the cache.
    """
    request = recipe.request
    if request.debug_dump is not None:
        with disk_errors(request.debug_dump, "--debug-dump"):
            request.debug_dump.mkdir(parents=True, exist_ok=True)
            return compiled()

    def make(folder: Path) -> None:
        for stem, wasm in zip(stems, compiled(), strict=True):
            (folder / hashed_name(stem, hashlib.sha256(wasm).hexdigest(), "wasm")).write_bytes(wasm)

    def intact(folder: Path) -> list[bytes] | None:
        modules = [_intact(folder, stem) for stem in stems]
        return None if None in modules else [module for module in modules if module is not None]

    inputs = {
        "model": recipe.model.description,
        "schemes": recipe.scheme_names,
        "kv": request.kv,
        "context_length": recipe.layout.context_length,
        "prefill_chunk": recipe.layout.prefill_chunk,
        "linker": linker_version(request.toolchain),
        "made by": made_by(LIBRARY_SOURCES, LIBRARY_TOOLS),
        **particular,
    }
    modules = intact(cache.entry(kind, inputs, make, lambda folder: intact(folder) is not None))
    if modules is None:
        raise DamagedEntry(f"a library in {cache.folder} was damaged as soon as it was written", "Its disk may be faulty: --cache-dir.")
    return modules


def check_library(library: bytes, weights: StoredWeights) -> None:
    """Verify the plan as it will be shipped, and that it and the weights speak of the same buffers. Raises PlanError."""
    plan = parse_plan(read_custom_section(library, PLAN_SECTION))
    verify_plan(plan, json.loads(read_custom_section(library, WGSL_SECTION)))
    planned = [(buffer.name, buffer.bytes) for buffer in (*plan.weights, *plan.stored)]
    packed = [(tensor.name, tensor.bytes) for tensor in weights.tensors]
    if planned != packed:
        wrong = next((pair for pair in zip(planned, packed, strict=False) if pair[0] != pair[1]), (len(planned), len(packed)))
        raise PlanError(f"plan and packed weights differ: {wrong[0]} planned, {wrong[1]} packed", "This is a bug in webllm-build.")


def _intact(entry: Path, stem: str) -> bytes | None:
    """A module of an entry; None where it is not the one whose hash is in its name."""
    try:
        (path,) = entry.glob(f"{stem}.*.wasm")
        wasm = path.read_bytes()
    except (OSError, ValueError):
        return None
    return wasm if path.name == hashed_name(stem, hashlib.sha256(wasm).hexdigest(), "wasm") else None


@contextmanager
def _compiler() -> Iterator[None]:
    """TVM takes a second to import, which a build from the cache need not wait for."""
    try:
        yield
    except (ImportError, OSError) as error:
        hint = "It has wheels for Linux with glibc, macOS on Apple silicon and Windows on x64 (https://pypi.org/project/apache-tvm/#files)."
        raise ToolchainError(f"the compiler TVM cannot be loaded on this machine: {error}", hint) from error


def _named(step: str, recipe: Blueprint) -> str:
    if isinstance(recipe.model, Conformer):
        return f"{step}, what hears"
    return f"{step}, what sees" if isinstance(recipe.model, Tower) else step


def _compile(recipe: Blueprint, progress: Progress) -> bytes:
    with _compiler():
        from webllm_build.compile.pipeline import compile_model

    request = recipe.request
    variants = tuple(dataclasses.replace(variant, kv=request.kv) for variant in VARIANTS if variant.name in request.variants)
    with progress.step(_named("Compiling", recipe), len(variants) + 1, "steps") as done:
        started: list[str] = []

        def on_variant(name: str) -> None:
            done(len(started))
            started.append(name)

        compiled = compile_model(recipe.layout, variants, request.debug_dump, on_variant)
        done(len(variants))
        with disk_errors(Path(tempfile.gettempdir()), "TMPDIR"):
            return link_library(compiled.launch_object, compiled.launch_exports, compiled.plan, compiled.wgsl, request.toolchain)


def _compile_cpu(recipe: Blueprint, progress: Progress) -> list[bytes]:
    with _compiler():
        from webllm_build.compile.cpu.link import link_cpu_library
        from webllm_build.compile.cpu.pipeline import compile_cpu
        from webllm_build.compile.cpu.variant import CPU_VARIANTS, FLAVOURS

    request = recipe.request
    with progress.step(_named("Compiling for CPUs", recipe)):
        variants = [dataclasses.replace(each, kv_dtype="q8") if request.kv == "q8" and each.integer else each for each in CPU_VARIANTS]
        compiled = compile_cpu(recipe.cpu_layout, FLAVOURS, variants, request.debug_dump)
        with disk_errors(Path(tempfile.gettempdir()), "TMPDIR"):
            return [link_cpu_library(compiled, flavour, request.toolchain) for flavour in FLAVOURS]
