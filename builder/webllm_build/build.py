"""The whole tool on one page: build(request) reads a model, packs its weights, compiles it and writes a site or an npm package."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from webllm_build.cache import PARTIAL, Cache
from webllm_build.catalog import CATALOG
from webllm_build.compile.io import Layout
from webllm_build.config import BuildRequest, context_within, resolve
from webllm_build.model import load_model
from webllm_build.package.manifest import Manifest
from webllm_build.package.model_folder import write_model_folder
from webllm_build.package.npm import write_npm
from webllm_build.package.output import check_output, disk_errors
from webllm_build.package.site import write_site
from webllm_build.progress import Progress, Silent
from webllm_build.quantize import choose_scheme
from webllm_build.source import open_checkpoint
from webllm_build.stages import check_library, compile_library, describe, store_weights, with_template


@dataclass(frozen=True)
class Bundle:
    """What a build wrote: the folder, the manifest of the model in it, and where its weights are (as in ResolvedBuild)."""

    out: Path
    manifest: Manifest
    weights: str | None


def build(request: BuildRequest, progress: Progress | None = None) -> Bundle:
    """Raises a WebllmBuildError for everything that a user can mend; the output folder is then as it was before."""
    progress = progress or Silent()
    build = resolve(request)
    check_output(build.out)
    cache = Cache(build.cache_dir)
    checkpoint = with_template(open_checkpoint(build.model, CATALOG, cache, progress), build.chat_template)
    model = load_model(checkpoint)
    context_length = context_within(build.context_length, model.dims.context_length)
    schemes = {weight.name: choose_scheme(weight, checkpoint, build.quantization) for weight in model.weights}
    layout = Layout.of(model, schemes, context_length, min(build.prefill_chunk, context_length))

    facts = describe(checkpoint, model, schemes, context_length)

    with disk_errors(build.cache_dir, "--cache-dir"):
        weights = store_weights(cache, build, checkpoint, model, schemes, layout, progress)
        library = compile_library(cache, build, checkpoint, model, schemes, layout, context_length, progress)
    check_library(library, weights)

    with (
        progress.step(f"Writing {build.out}"),
        disk_errors(build.cache_dir, "--cache-dir"),  # write_site and write_npm speak for build.out
        tempfile.TemporaryDirectory(prefix=PARTIAL, dir=build.cache_dir) as folder,
    ):
        written = write_model_folder(Path(folder), weights, library, checkpoint.tokenizer, checkpoint.eos_token_ids, facts)
        if build.kind == "site":
            assert build.weights is not None  # resolve() gives a site one
            write_site(build.out, written, title=build.title or checkpoint.name, weights=build.weights)
        else:
            name = build.package_name or f"{facts.id.lower()}-webllm"
            write_npm(build.out, written, name=name, version=build.package_version, weights=build.weights)
    return Bundle(build.out, written.manifest, build.weights)
