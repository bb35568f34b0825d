"""The steps of build.py that are more than one call."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from webllm_build.cache import Cache
from webllm_build.compile.io import Layout
from webllm_build.compile.link import PLAN_SECTION, WGSL_SECTION, link_library, read_custom_section
from webllm_build.compile.plan import parse_plan
from webllm_build.compile.target import VARIANTS
from webllm_build.compile.verify import verify_plan
from webllm_build.config import ResolvedBuild
from webllm_build.errors import MalformedFile, MissingFile, PlanError
from webllm_build.model.layers import Decoder
from webllm_build.package.manifest import ModelFacts
from webllm_build.package.model_folder import StoredWeights, read_weights, write_weights
from webllm_build.progress import Progress
from webllm_build.quantize import Importance, Scheme, pack_weight
from webllm_build.quantize.calibrate import TEXT, calibration_tokens, gains_by_calibration, importances
from webllm_build.source import Checkpoint, Tokenizer
from webllm_build.versions import tool_versions

WASM = "model.wasm"


def with_template(checkpoint: Checkpoint, template: str | None) -> Checkpoint:
    """The checkpoint with the given chat template, if any. Raises MissingFile where it has none at all."""
    config = checkpoint.tokenizer.config
    if template is not None:
        tokenizer = Tokenizer(checkpoint.tokenizer.tokenizer_json, {**config, "chat_template": template})
        return dataclasses.replace(checkpoint, tokenizer=tokenizer)
    if not config.get("chat_template"):
        raise MissingFile(
            f"{checkpoint.name} has no chat template: it may be a base model, which continues text and does not chat",
            "Use the instruct or chat version of the model, or give a Jinja template: --chat-template FILE.",
        )
    return checkpoint


def describe(checkpoint: Checkpoint, model: Decoder, schemes: Mapping[str, Scheme], context_length: int) -> ModelFacts:
    """What people read about the model. Its quantization is the scheme that most weights have."""
    counts: Counter[str] = Counter()
    for weight in model.weights:
        counts[schemes[weight.name].name] += math.prod(weight.shape)
    quantization = counts.most_common(1)[0][0]
    return ModelFacts(
        id=f"{checkpoint.name.replace(' ', '-')}-{quantization}",
        name=checkpoint.name,
        architecture=str(checkpoint.config["model_type"]),
        parameters=counts.total(),
        license=checkpoint.license,
        quantization=quantization,
        context_length=context_length,
        vocab_size=model.dims.vocab_size,
    )


def store_weights(
    cache: Cache,
    build: ResolvedBuild,
    checkpoint: Checkpoint,
    model: Decoder,
    schemes: Mapping[str, Scheme],
    layout: Layout,
    progress: Progress,
) -> StoredWeights:
    """The packed weights as shards, from the cache where the same were packed before."""
    text = build.calibrate or TEXT.read_text("utf-8")
    calibrated = gains_by_calibration(model, checkpoint, schemes)

    def make(folder: Path) -> None:
        importance: Mapping[str, Importance] = {}
        if calibrated:
            with progress.step("Calibrating", sum(weight.kind == "linear" for weight in model.weights), "steps") as done:
                importance = importances(model, checkpoint, calibration_tokens(checkpoint, model, text), done)
        with progress.step("Packing weights", sum(buffer.bytes for buffer in layout.weights)) as done:
            packed = (pack_weight(weight, checkpoint, schemes[weight.name], importance.get(weight.name)) for weight in model.weights)
            write_weights(folder, itertools.chain.from_iterable(packed), done)

    inputs = {
        "checkpoint": checkpoint.digest,
        "schemes": _names(schemes),
        "calibration": text if calibrated else None,
        "tools": tool_versions(),
    }
    return read_weights(cache.entry("weights", inputs, make, _intact))


def compile_library(
    cache: Cache,
    build: ResolvedBuild,
    checkpoint: Checkpoint,
    model: Decoder,
    schemes: Mapping[str, Scheme],
    layout: Layout,
    context_length: int,
    progress: Progress,
) -> bytes:
    """model.wasm, from the cache where the same was compiled before. With a debug dump it is always compiled."""

    def make(folder: Path) -> None:
        # TVM takes a second to import, which a build from the cache need not wait for.
        from webllm_build.compile.pipeline import CompileOptions, compile_model

        variants = tuple(dataclasses.replace(variant, kv=build.kv) for variant in VARIANTS if variant.name in build.variants)
        options = CompileOptions(context_length, layout.prefill_chunk, build.debug_dump, variants)
        with progress.step("Compiling", len(variants) + 1, "steps") as done:
            started: list[str] = []

            def on_variant(name: str) -> None:
                done(len(started))
                started.append(name)

            compiled = compile_model(model, schemes, options, on_variant)
            done(len(variants))
            wasm = link_library(compiled.launch_object, compiled.launch_exports, compiled.plan, compiled.wgsl, build.toolchain)
        (folder / WASM).write_bytes(wasm)

    inputs = {
        "checkpoint": checkpoint.digest,
        "schemes": _names(schemes),
        "kv": build.kv,
        "context_length": context_length,
        "prefill_chunk": layout.prefill_chunk,
        "variants": build.variants,
        "toolchain": build.toolchain,
        "tools": tool_versions(),
    }
    fresh = build.debug_dump is not None
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


def _intact(weights: Path) -> bool:
    try:
        read_weights(weights)
    except MalformedFile:
        return False
    return True


def _names(schemes: Mapping[str, Scheme]) -> dict[str, str]:
    return {name: scheme.name for name, scheme in schemes.items()}
