"""The whole tool on one page: build(request) reads models, compiles them, packs their weights and writes a site or an npm package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from webllm_build.cache import Cache
from webllm_build.catalog import model_names
from webllm_build.config import BUNDLE, BuildRequest, resolve
from webllm_build.disk import check_space
from webllm_build.errors import ConfigError, DamagedEntry, InvalidOption, UnsupportedArchitecture
from webllm_build.find_weights import HubPlaces, check_hub, find_weights
from webllm_build.hosts import host_of, require
from webllm_build.library import check_library, compile_cpu_libraries, compile_library
from webllm_build.package.assets import GRAMMAR_ENGINE, SITE_SCRIPTS, check_assets, runtime_file
from webllm_build.package.bill import timestamp
from webllm_build.package.manifest import Manifest
from webllm_build.package.model_folder import CompiledModel, CompiledPart, StoredWeights
from webllm_build.package.npm import write_npm
from webllm_build.package.output import Output, open_output
from webllm_build.package.places import MODEL_FOLDER, Places
from webllm_build.package.site import SiteOptions, write_site
from webllm_build.progress import Progress, Silent
from webllm_build.recipe import Blueprint, PartRecipe, Recipe, check_ids, check_tasks, package_name, title
from webllm_build.theme import theme_of
from webllm_build.tokenizer_check import check_tokenizer
from webllm_build.weights import WEIGHTS, newline, store_weights


@dataclass(frozen=True)
class Bundle:
    """What a build wrote: the folder, the manifests of the models in it, and where their weights are."""

    out: Path
    manifests: tuple[Manifest, ...]
    places: Places


def build(request: BuildRequest, progress: Progress | None = None) -> Bundle:
    """Raises a WebllmBuildError for everything that a user can mend; the output folder is then as it was before.

    What fails quickly comes first: options, folders, the models' small files, the compiler. Weights are read last.
    """
    progress = progress or Silent()
    request = resolve(request)
    check_assets(request.kind)
    timestamp()  # a wrong one is told here, and not behind the long work
    with open_output(request.out) as output, Cache(request.cache_dir) as cache:
        weights = find_weights(request, progress)
        recipes = tuple(_checked(Recipe.read(each, cache, progress)) for each in request.each)
        check_ids(recipes)
        if request.kind == "site":
            check_tasks(recipes)
            _check_host(request, recipes)
        size = sum(part.bytes for recipe in recipes for part in recipe.parts)
        check_space(output.folder, size, "--out")
        if not cache.has(WEIGHTS):  # else they may be there: to know that they must be read
            check_space(cache.folder, size, "--cache-dir")
        programs = [[_compile(part, cache, progress) for part in recipe.parts] for recipe in recipes]
        try:
            manifests = _pack_and_write(request, recipes, programs, weights, cache, output, progress)
        except DamagedEntry as damaged:  # found while the cached weights were copied: they are made again, once
            if damaged.entry is not None:
                cache.remove(damaged.entry)
            manifests = _pack_and_write(request, recipes, programs, weights, cache, output, progress)
    return Bundle(request.out, manifests, weights[0])


def _checked(recipe: Recipe) -> Recipe:
    """Raises UnsupportedArchitecture for a site of a model that does not write, UnsupportedTokenizer, or ConfigError for a remote model
    beside one that does not chat."""
    if recipe.request.kind == "site" and recipe.embedding is not None:
        raise UnsupportedArchitecture(
            f"{recipe.checkpoint.name} makes vectors of texts, and a site's page chats",
            f"Build a package, whose engine.embeddings.create makes them: webllm-build npm --model {recipe.request.model} --out ...",
        )
    if recipe.request.remote is not None and not recipe.chats:
        fix = "Leave --remote out, or name a model that chats."
        raise ConfigError((InvalidOption("remote", recipe.request.remote, "a model with a chat template: this one continues texts", fix),))
    return replace(recipe, checkpoint=check_tokenizer(recipe.checkpoint, recipe.facts.vocab_size, answers=recipe.embedding is None))


def _check_host(request: BuildRequest, recipes: Sequence[Recipe]) -> None:
    """Raises HostError where the site cannot fit, whatever is compiled: of its files, those are counted whose sizes are known by now."""
    files = {name: len(runtime_file(name)) for name in SITE_SCRIPTS}
    if BUNDLE in request.weights_at:
        shards = ((recipe, size) for recipe in recipes for part in recipe.parts for size in part.shards)
        files |= {f"{MODEL_FOLDER}/{recipe.facts.id}-{number:04d}.bin": size for number, (recipe, size) in enumerate(shards)}
    require(host_of(request.host), files)


@dataclass(frozen=True)
class _Program:
    """What runs a model: its library for GPUs and, where it has such, those for CPUs."""

    library: bytes
    cpu: tuple[bytes, bytes] | None


def _compile(recipe: Blueprint, cache: Cache, progress: Progress) -> _Program:
    library = compile_library(recipe, cache, progress)
    return _Program(library, compile_cpu_libraries(recipe, cache, progress) if recipe.request.cpu else None)


def _pack(recipe: Recipe, programs: Sequence[_Program], cache: Cache, progress: Progress) -> CompiledModel:
    program, weights = programs[0], _weights(recipe, programs[0], cache, progress)
    checkpoint = recipe.checkpoint
    model = CompiledModel(
        recipe.facts,
        program.library,
        checkpoint.tokenizer,
        checkpoint.eos_token_ids,
        weights,
        recipe.scheme_names,
        runtime_file(GRAMMAR_ENGINE),
        recipe.request.tool_format,
        checkpoint.sampling,
        program.cpu,
        recipe.embedding,
        model_names(recipe.request.model) or (checkpoint.name,),
        recipe.memory,
    )
    if recipe.model.pictures is None:
        return model
    vectors = recipe.model.pictures.columns(recipe.model.hidden_size)
    of_parts = iter(programs[1:])

    def compiled(part: PartRecipe | None) -> CompiledPart | None:
        if part is None:
            return None
        program = next(of_parts)
        of_part = replace(
            model,
            facts=part.named(recipe.facts),
            library=program.library,
            weights=_weights(part, program, cache, progress),
            schemes=part.scheme_names,
            cpu=program.cpu,
            tower=part.tower,
            sound=part.sound,
        )
        return CompiledPart(of_part, {**part.processor, **newline(part, of_part.weights)}, part.token, vectors)

    return replace(model, vision=compiled(recipe.vision), audio=compiled(recipe.audio))


def _weights(recipe: Blueprint, program: _Program, cache: Cache, progress: Progress) -> StoredWeights:
    weights = store_weights(recipe, cache, progress)
    check_library(program.library, weights)
    return weights


def _pack_and_write(
    request: BuildRequest,
    recipes: Sequence[Recipe],
    programs: Sequence[Sequence[_Program]],
    weights: tuple[Places, HubPlaces],
    cache: Cache,
    output: Output,
    progress: Progress,
) -> tuple[Manifest, ...]:
    """Raises DamagedEntry where the cached weights turned out to be damaged, MissingFile where the Hub has not all of them."""
    places, hub = weights
    models = [_pack(recipe, each, cache, progress) for recipe, each in zip(recipes, programs, strict=True)]
    check_hub(hub, (weights for model in models for weights in model.all_weights))
    with progress.step(f"Writing {request.out}"):
        if request.kind == "site":
            site = SiteOptions(
                title(recipes),
                weights=places,
                threads=request.has_threads,
                endpoint=request.endpoint,
                remote=request.remote_at,
                host=host_of(request.host),
                language=request.fixed_language,
                words=request.words,
                logo=request.logo,
                theme=theme_of(request.colors, request.font),
            )
            write_site(output, models, site)
        else:
            name = request.package_name or package_name(recipes)
            write_npm(output, models, name=name, version=request.package_version, weights=places)
    return tuple(model.manifest(places) for model in models)
