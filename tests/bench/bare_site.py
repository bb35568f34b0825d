"""Builds the site of a shape without its weights, which fill_weights.py makes where they are wanted.

    python tests/bench/bare_site.py NAME OUT [--context-length TOKENS] [--kv float|q8] [--cpu] [variant ...]

NAME is as make_gguf.py takes it, and so is the model; variants: f16-sg-int8 and f16-sg by default. --cpu: with the CPU's libraries.
TOKENS: as many, or as the model was trained for. Nothing as large as the weights is written or read.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from make_gguf import smollm2, write

from webllm_build.cache import Cache
from webllm_build.catalog import CATALOG
from webllm_build.config import BuildRequest, resolve
from webllm_build.library import check_library, compile_cpu_libraries, compile_library
from webllm_build.limits_generated import SHARD_BYTES, TENSOR_ALIGNMENT
from webllm_build.model import read_model
from webllm_build.model.wrappers import text_config
from webllm_build.package.assets import GRAMMAR_ENGINE, runtime_file
from webllm_build.package.manifest import FileEntry, TensorEntry, hashed_name
from webllm_build.package.model_folder import CompiledModel, StoredWeights
from webllm_build.package.output import Stage, open_output
from webllm_build.package.site import SiteOptions, write_site
from webllm_build.progress import Silent
from webllm_build.recipe import Recipe
from webllm_build.tokenizer_check import check_tokenizer

CONTEXT = 8192
NO_DIGEST = "0" * 64


class _Bare(CompiledModel):
    def _write_shards(self, stage: Stage, folder: str) -> None:
        """None of them."""


def planned(recipe: Recipe) -> StoredWeights:
    """What packing would leave, but for the contents."""
    end, tensors = 0, []
    for part in (part for parts in recipe.layout.parts.values() for part in parts):
        for spec in part.buffers:
            offset = -(-end // TENSOR_ALIGNMENT) * TENSOR_ALIGNMENT
            tensors.append(TensorEntry(f"{part.name}.{spec.suffix}", spec.dtype, spec.shape, offset, spec.nbytes))
            end = offset + spec.nbytes
    sizes = [min(SHARD_BYTES, end - start) for start in range(0, end, SHARD_BYTES)]
    shards = (FileEntry(hashed_name(f"weights-{number:04d}", NO_DIGEST, "bin"), size, NO_DIGEST) for number, size in enumerate(sizes))
    return StoredWeights(Path(), tuple(shards), tuple(tensors))


def main(name: str, out: Path, variants: tuple[str, ...], context_length: int, kv: str, cpu: bool = False) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{name}.gguf"
        write(name, file, smollm2(), holes=True)
        write_bare(name, file, out, variants, min(context_length, trained_length(name)), kv, cpu)


def trained_length(name: str) -> int:
    entry = CATALOG.find(name)
    return read_model(name, text_config(name, entry.shape)).context_length if entry else CONTEXT


def write_bare(name: str, file: Path, out: Path, variants: tuple[str, ...], context_length: int, kv: str, cpu: bool) -> None:
    """file: the GGUF, of whose weights nothing is read."""
    progress = Silent()
    request = resolve(BuildRequest("site", (str(file),), out=out, variants=variants, context_length=context_length, kv=kv, cpu=cpu))
    with open_output(request.out) as output, Cache(request.cache_dir) as cache:
        recipe = Recipe.read(request, cache, progress)
        checkpoint = check_tokenizer(recipe.checkpoint, recipe.facts.vocab_size, answers=True)
        recipe = replace(recipe, checkpoint=checkpoint)
        library, weights = compile_library(recipe, cache, progress), planned(recipe)
        check_library(library, weights)
        libraries = compile_cpu_libraries(recipe, cache, progress) if cpu else None
        grammar, tokenizer = runtime_file(GRAMMAR_ENGINE), checkpoint.tokenizer
        ends, schemes = checkpoint.eos_token_ids, recipe.scheme_names
        model = _Bare(recipe.facts, library, tokenizer, ends, weights, schemes, grammar, cpu=libraries)
        write_site(output, [model], SiteOptions(name))
    print(f"{name}: {weights.bytes / 1e6:.0f} MB in {len(weights.shards)} shards, model.wasm {len(library) / 1e6:.2f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("out", type=Path)
    parser.add_argument("variants", nargs="*", default=["f16-sg-int8", "f16-sg"])
    parser.add_argument("--context-length", type=int, default=CONTEXT)
    parser.add_argument("--kv", default="float")
    parser.add_argument("--cpu", action="store_true")
    given = parser.parse_args()
    main(given.name, given.out, tuple(given.variants), given.context_length, given.kv, given.cpu)
