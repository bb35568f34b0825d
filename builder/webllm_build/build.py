"""The whole tool on one page: build(request) reads a model, compiles it, packs its weights and writes a site or an npm package."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from webllm_build.cache import PARTIAL, Cache
from webllm_build.catalog import CATALOG
from webllm_build.config import BuildRequest, resolve
from webllm_build.errors import MissingFile
from webllm_build.library import check_library, compile_library
from webllm_build.package.manifest import Manifest
from webllm_build.package.model_folder import write_model_folder
from webllm_build.package.npm import write_npm
from webllm_build.package.output import check_output, disk_errors
from webllm_build.package.site import write_site
from webllm_build.progress import Progress, Silent
from webllm_build.recipe import Recipe
from webllm_build.source import open_checkpoint
from webllm_build.tokenizer_check import check_tokenizer
from webllm_build.weights import store_weights


@dataclass(frozen=True)
class Bundle:
    """What a build wrote: the folder, the manifest of the model in it, and where its weights are (BuildRequest.weights_at)."""

    out: Path
    manifest: Manifest
    weights: str | None


def build(request: BuildRequest, progress: Progress | None = None) -> Bundle:
    """Raises a WebllmBuildError for everything that a user can mend; the output folder is then as it was before."""
    progress = progress or Silent()
    request = resolve(request)
    check_output(request.out)
    cache = Cache(request.cache_dir)
    recipe = Recipe.of(request, open_checkpoint(request.model, CATALOG, cache, progress))
    recipe = replace(recipe, checkpoint=check_tokenizer(recipe.checkpoint, recipe.facts.vocab_size))
    checkpoint, facts = recipe.checkpoint, recipe.facts
    if not checkpoint.tokenizer.config.get("chat_template"):
        raise MissingFile(
            f"{checkpoint.name} has no chat template: it may be a base model, which continues text and does not chat",
            "Use the instruct or chat version of the model, or give a Jinja template: --chat-template FILE.",
        )

    with disk_errors(request.cache_dir, "--cache-dir"):
        library = compile_library(recipe, cache, progress)
        weights = store_weights(recipe, cache, progress)
    check_library(library, weights)

    with (
        progress.step(f"Writing {request.out}"),
        disk_errors(request.cache_dir, "--cache-dir"),  # write_site and write_npm speak for request.out
        tempfile.TemporaryDirectory(prefix=PARTIAL, dir=request.cache_dir) as folder,
    ):
        written = write_model_folder(Path(folder), weights, library, checkpoint.tokenizer, checkpoint.eos_token_ids, facts)
        if request.kind == "site":
            write_site(request.out, written, title=request.title or checkpoint.name, weights=request.weights_at or "")
        else:
            name = request.package_name or f"{facts.id.lower()}-webllm"
            write_npm(request.out, written, name=name, version=request.package_version, weights=request.weights_at)
    return Bundle(request.out, written.manifest, request.weights_at)
