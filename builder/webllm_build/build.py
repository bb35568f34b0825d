"""The whole tool on one page: build(request) reads a model, compiles it, packs its weights and writes a site or an npm package."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from webllm_build.cache import Cache
from webllm_build.catalog import model_names
from webllm_build.config import BuildRequest, resolve
from webllm_build.disk import check_space
from webllm_build.errors import DamagedEntry, UnsupportedArchitecture
from webllm_build.library import check_library, compile_cpu_libraries, compile_library
from webllm_build.package.assets import GRAMMAR_ENGINE, check_assets, runtime_file
from webllm_build.package.manifest import Manifest
from webllm_build.package.model_folder import CompiledModel
from webllm_build.package.npm import write_npm
from webllm_build.package.output import Output, open_output
from webllm_build.package.site import write_site
from webllm_build.progress import Progress, Silent
from webllm_build.recipe import Recipe
from webllm_build.tokenizer_check import check_tokenizer
from webllm_build.weights import store_weights


@dataclass(frozen=True)
class Bundle:
    """What a build wrote: the folder, the manifest of the model in it, and where its weights are (BuildRequest.weights_at)."""

    out: Path
    manifest: Manifest
    weights: str | None


def build(request: BuildRequest, progress: Progress | None = None) -> Bundle:
    """Raises a WebllmBuildError for everything that a user can mend; the output folder is then as it was before.

    What fails quickly comes first: options, folders, the model's small files, the compiler. Weights are read last.
    """
    progress = progress or Silent()
    request = resolve(request)
    check_assets(request.kind)
    with open_output(request.out) as output, Cache(request.cache_dir) as cache:
        recipe = Recipe.read(request, cache, progress)
        _check_kind(recipe)
        recipe = replace(recipe, checkpoint=check_tokenizer(recipe.checkpoint, recipe.facts.vocab_size, answers=recipe.embedding is None))
        check_space(output.folder, recipe.bytes, "--out")
        library = compile_library(recipe, cache, progress)
        cpu = compile_cpu_libraries(recipe, cache, progress) if request.cpu else None
        try:
            manifest = _pack_and_write(recipe, library, cpu, cache, output, progress)
        except DamagedEntry:  # found while the cached weights were copied: they are made again, once
            manifest = _pack_and_write(recipe, library, cpu, cache, output, progress)
    return Bundle(request.out, manifest, request.weights_at)


def _check_kind(recipe: Recipe) -> None:
    """Raise UnsupportedArchitecture for a site of a model that does not write."""
    if recipe.request.kind == "site" and recipe.embedding is not None:
        raise UnsupportedArchitecture(
            f"{recipe.checkpoint.name} makes vectors of texts, and a site's page chats",
            f"Build a package, whose engine.embeddings.create makes them: webllm-build npm --model {recipe.request.model} --out ...",
        )


def _pack_and_write(
    recipe: Recipe, library: bytes, cpu: tuple[bytes, bytes] | None, cache: Cache, output: Output, progress: Progress
) -> Manifest:
    """Raises DamagedEntry where the cached weights turned out to be damaged; they are then gone."""
    request = recipe.request
    weights = store_weights(recipe, cache, progress)
    check_library(library, weights)
    checkpoint = recipe.checkpoint
    model = CompiledModel(
        recipe.facts,
        library,
        checkpoint.tokenizer,
        checkpoint.eos_token_ids,
        weights,
        recipe.scheme_names,
        runtime_file(GRAMMAR_ENGINE),
        request.tool_format,
        checkpoint.sampling,
        cpu,
        recipe.embedding,
    )
    with progress.step(f"Writing {request.out}"):
        try:
            if request.kind == "site":
                how = {"threads": request.has_threads, "endpoint": request.endpoint}
                write_site(output, model, title=recipe.title, weights=request.weights_at, **how)
            else:
                name, names = recipe.package_name, model_names(request.model)
                write_npm(output, model, name=name, version=request.package_version, weights=request.weights_at, aliases=names)
        except DamagedEntry:
            cache.remove(weights.folder)
            raise
    return model.manifest(request.weights_url)
