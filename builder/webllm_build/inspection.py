"""What a model is, or each model of a built folder, as lines of (label, value)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from webllm_build.cache import Cache
from webllm_build.catalog import CATALOG
from webllm_build.compile.link import PLAN_SECTION, WGSL_SECTION, read_custom_section
from webllm_build.compile.memory import Memory, memory_of
from webllm_build.compile.plan import VariantPlan, parse_plan
from webllm_build.compile.target import VARIANTS
from webllm_build.config import QUANTIZATIONS, BuildRequest, context_within, resolve
from webllm_build.disk import is_file, is_folder, size_of
from webllm_build.errors import MalformedFile, SourceError
from webllm_build.limits_generated import SHARD_BYTES
from webllm_build.package.manifest import read_manifest
from webllm_build.package.output import own_marker
from webllm_build.progress import Progress
from webllm_build.quantize.loss import LOSSES
from webllm_build.quantize.pack import is_quantized, is_repacked
from webllm_build.recipe import Recipe
from webllm_build.sizes import USUAL_TOKENS, browsers, context_lengths, devices, hosts, layout_of, memory_at, weight_bytes
from webllm_build.source.folder import Folder
from webllm_build.tokenizer_check import check_tokenizer

Lines = list[tuple[str, str]]
MODEL_FILES = ("config.json", "mlc-chat-config.json", "adapter_config.json")  # of a folder that is no result of this program


def inspect(request: BuildRequest, progress: Progress) -> tuple[Lines, ...]:
    """What would be built of request.model, or the models that were: it may name a folder that this program wrote. Weights are not read.

    request: quantization and kv count for a model, context_length (for the memory; None for the longest) for both, and nothing else.
    Raises ConfigError, the errors of open_checkpoint and load_model, MalformedFile for a damaged folder.
    """
    request = resolve(request)
    folder = Path(request.model).expanduser()
    if CATALOG.find(request.model) is None and is_folder(folder) and not _has_model(folder):
        return _built(folder, request.context_length)
    return (_model(request, progress),)


def _model(request: BuildRequest, progress: Progress) -> Lines:
    with Cache(request.cache_dir) as cache:
        recipe = Recipe.read(request, cache, progress)
    checkpoint = recipe.checkpoint
    facts, model, layout, schemes, tokens = recipe.facts, recipe.model, recipe.layout, recipe.schemes, recipe.layout.context_length
    weights = {name: sum(spec.nbytes for part in parts for spec in part.buffers) for name, parts in layout.parts.items()}
    kinds = {variant.name: replace(variant, kv=request.kv).kv_dtype for variant in VARIANTS}
    beside = sum(part.bytes for part in recipe.parts[1:])

    def memory_of_all(kind: str, length: int) -> Memory:
        memory = memory_at(layout, kind, length)
        return replace(memory, weights=memory.weights + beside)

    memory = {name: memory_of_all(kind, tokens) for name, kind in kinds.items()}
    first = next(iter(kinds.values()))
    lengths = context_lengths(tokens)[:-1]
    usual = memory_of_all(first, min(USUAL_TOKENS, tokens))
    shards = [shard for part in recipe.parts for shard in part.shards]
    again = Counter(
        (tensor.encoding, schemes[weight.name].name)
        for weight in model.weights
        for tensor in weight.tensors(checkpoint)
        if is_quantized(tensor.encoding) and not is_repacked(tensor.encoding, schemes[weight.name])
    )
    tower = recipe.vision
    of_pictures = f"{size_of(tower.bytes)} more, most in {tower.quantization}; --no-vision leaves them out" if tower is not None else None
    audio = recipe.audio
    of_sounds = f"{size_of(audio.bytes)} more, most in {audio.quantization}; --no-audio leaves them out" if audio is not None else None
    encodings = Counter(tensor.encoding for tensor in checkpoint.tensors.values())
    return [
        ("Model", facts.name),
        ("Architecture", facts.architecture),
        *([("Source", facts.source)] if facts.source else []),
        ("License", facts.license or "not said"),
        ("Parameters", f"{facts.parameters:,}"),
        ("Context length", f"{model.context_length:,} tokens"),
        ("Tensors", ", ".join(f"{count} in {encoding}" for encoding, count in encodings.most_common())),
        *([("Encoded again", ", ".join(_again(*change, count) for change, count in again.most_common()))] if again else []),
        *_bytes_by_scheme((schemes[name].name, size) for name, size in weights.items()),
        *([("Pictures", of_pictures)] if of_pictures else []),
        *([("Sounds", of_sounds)] if of_sounds else []),
        ("Files", f"{len(shards)} of at most {size_of(SHARD_BYTES)}, and five small ones"),
        ("Other schemes", ", ".join(f"{size_of(weight_bytes(layout_of(model, name)))} in {name}" for name in QUANTIZATIONS[1:])),
        *((f"Memory at {length:,}", size_of(memory_of_all(first, length).total)) for length in lengths),
        *_memory(memory, tokens),
        ("Hosts", hosts(sum(shards))),
        ("Browsers", browsers(usual)),
        ("Devices", f"{devices(usual)}, at {min(USUAL_TOKENS, tokens):,} tokens"),
        *_refused(recipe),
    ]


def _refused(recipe: Recipe) -> Lines:
    """What stops a build of it, of what its small files say: a tokenizer or a chat template that the page could not use."""
    try:
        check_tokenizer(recipe.checkpoint, recipe.facts.vocab_size, answers=recipe.embedding is None)
    except SourceError as error:
        return [("Stops a build", " ".join(error.message.split()))]
    return []


def _again(encoding: str, scheme: str, count: int) -> str:
    """What becomes of weights that are quantized already."""
    loss = LOSSES.get(scheme, {}).get(encoding, 0.0)
    return f"{count} in {encoding} as {scheme}" + (f" (error {loss:.1%} of the weights)" if loss else "")


def _has_model(folder: Path) -> bool:
    return any(is_file(folder / name) for name in MODEL_FILES) or bool(Folder(folder).ggufs())


def _built(folder: Path, context_length: int | None) -> tuple[Lines, ...]:
    marker = own_marker(folder, "Give a built folder, or a model as --model takes it.")
    return tuple(_built_model(folder / model.manifest, marker.kind, context_length) for model in marker.models)


def _built_model(path: Path, kind: str, context_length: int | None) -> Lines:
    manifest = read_manifest(path)
    library = path.parent / manifest.library.file
    try:
        wasm = library.read_bytes()
        plan = parse_plan(read_custom_section(wasm, PLAN_SECTION))
    except OSError as error:
        raise MalformedFile(f"{library}: {error.strerror}", "Build the folder again.") from error
    except (MalformedFile, ValueError, RecursionError) as error:
        raise MalformedFile(f"{library} is damaged or of another version of webllm-build", "Build the folder again.") from error
    tokens = context_within(context_length, manifest.model.context_length)
    return [
        ("Model", f"{manifest.model.name} ({manifest.model.id})"),
        ("Made as", f"{kind} by {manifest.generator}"),
        ("Architecture", manifest.model.architecture),
        *([("Source", manifest.model.source)] if manifest.model.source else []),
        ("License", manifest.model.license or "not said"),
        ("Parameters", f"{manifest.model.parameters:,}"),
        ("Context length", f"{manifest.model.context_length:,} tokens"),
        ("Download", f"{size_of(manifest.download_bytes)} in {len(manifest.files)} files"),
        *_bytes_by_scheme((manifest.schemes.get(tensor.name.rpartition(".")[0], "other"), tensor.bytes) for tensor in manifest.tensors),
        ("model.wasm", f"{size_of(len(wasm))}, of it {size_of(len(read_custom_section(wasm, WGSL_SECTION)))} WGSL"),
        *((f"Variant {variant.name}", _variant(variant)) for variant in plan.variants),
        *_memory({variant.name: memory_of(plan, variant, tokens) for variant in plan.variants}, tokens),
    ]


def _variant(variant: VariantPlan) -> str:
    steps = sum(len(variant.functions[name].steps) for name in ("decode", "sample") if name in variant.functions)
    needs = ", ".join((*variant.features, *variant.language_features)) or "nothing special"
    return f"{len(variant.kernels)} kernels, {steps} dispatches a token, workspace {size_of(sum(variant.workspace))}, needs {needs}"


def _bytes_by_scheme(weights: Iterable[tuple[str, int]]) -> Lines:
    sizes: Counter[str] = Counter()
    for scheme, size in weights:
        sizes[scheme] += size
    parts = ", ".join(f"{size_of(size)} in {scheme}" for scheme, size in sizes.most_common())
    return [("Weights", f"{size_of(sizes.total())}: {parts}")]


def _memory(memory: Mapping[str, Memory], tokens: int) -> Lines:
    """GPU memory at a full context, by variant."""
    by_size: defaultdict[Memory, list[str]] = defaultdict(list)
    for name, size in memory.items():
        by_size[size].append(name)
    return [
        (f"Memory ({', '.join(names)})", f"{size_of(size.total)} at {tokens:,} tokens, of it {size_of(size.cache)} cache")
        for size, names in by_size.items()
    ]
