"""Builds what every family must give: exactly, with float16, and with activations as codes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from built_model import Built
from family_case import Case, Errors
from plan_runner import Array

from families import FORKED, TOKENS, references
from packed_model import EXACT
from text_run import Text
from webllm_build.compile import operators
from webllm_build.compile.target import Variant
from webllm_build.quantize import SCHEMES, parts
from webllm_build.source.checkpoint import Checkpoint

TEXT = Text(TOKENS, ends=(20, 32), forked=FORKED)
STEPS = ("prefill", "logits", "decode")  # the functions that this takes
FIRST = 6  # tokens until a rounding has decided that a code is the next one
ROW = 96  # values of a row of Qwen2's matrices


def cases(family: str, hugging_face: Checkpoint, gguf: Checkpoint, variants: Sequence[Variant]) -> list[Case]:
    """Of a family, in both file formats."""
    exact = [variant for variant in variants if not variant.f16 and not variant.integer]
    rounded = [variant for variant in variants if variant not in exact]
    return [
        *([exact_case(family, hugging_face, exact)] if exact else []),
        *(rounded_cases(family, gguf, rounded) if rounded else []),
    ]


def exact_case(family: str, checkpoint: Checkpoint, variants: Sequence[Variant]) -> Case:
    """As transformers, but for what the roundings of float32 sum up to."""
    built = build(family, checkpoint, "f16", variants, STEPS)
    return _case("exact", built, built.variants, TEXT, references(family), Errors(1e-3, 1e-5, math.inf))


def rounded_cases(family: str, checkpoint: Checkpoint, variants: Sequence[Variant]) -> list[Case]:
    """Of one build, what variants in float16 give, and what those with codes do."""
    built = build(family, checkpoint, "q8", variants, STEPS)
    expected = _logits(built, integer=False)
    half = [variant.name for variant in variants if variant.f16 and not variant.integer]
    integer = [variant for variant in variants if variant.integer]
    return [*([_half_case(built, half, expected)] if half else []), *(_code_cases(built, integer, expected) if integer else [])]


def _half_case(built: Built, names: Sequence[str], expected: Array) -> Case:
    """Within what rounding costs in NumPy, too: a norm of something small makes it large."""
    lost = Errors.of(_logits(built, integer=False, half=True), expected, float(np.abs(expected).max()))
    if any(weight.experts > 1 for weight in built.model.weights):
        # Where two experts are as good as each other a rounding chooses: one product in 2**11 that is another makes, in NumPy, errors of up
        # to 0.2 at single tokens of Qwen3's mixture. Half of all tokens have none near them.
        bounds = Errors(0.3, max(0.0025, 2 * lost.median), max(0.05, 2 * lost.norm))
    else:
        bounds = Errors(max(0.005, 2 * lost.largest), math.inf, max(0.005, 2 * lost.norm))
    return _case("float16", built, names, TEXT, expected, bounds)


def _code_cases(built: Built, variants: Sequence[Variant], without: Array) -> list[Case]:
    """As the same weights and codes in NumPy, until a rounding decides that one code is the next one: from then on all that follows
    is rounded elsewise, and is as near to what is computed without codes as before. With a cache in float16 that is at once."""
    with_codes = _logits(built, integer=True)
    lost = Errors.of(with_codes, without, float(np.abs(without).max()))  # by the codes themselves
    # A rounding may choose another expert, for two or three of 200 choices: their tokens' errors are up to ten times as large, in NumPy as
    # here, and which tokens these are is chance. Half of all tokens have none near them.
    is_mixture = any(weight.experts > 1 for weight in built.model.weights)
    most, median = (3, max(0.03, 1.5 * lost.median)) if is_mixture else (1.5, math.inf)
    bounds = Errors(max(0.05, most * lost.largest), median, max(0.05, most * lost.norm))
    whole = _case("codes", built, [variant.name for variant in variants], TEXT, without, bounds)
    first = replace(
        whole,
        kind="first codes",
        names=[variant.name for variant in variants if not variant.f16],
        text=Text(TOKENS[:FIRST], ends=[2]),
        expected=with_codes[:FIRST],
        bounds=Errors(0.05, 1e-5, math.inf),
    )
    return [first, whole]


def _logits(built: Built, *, integer: bool, half: bool = False) -> Array:
    return TEXT.of(lambda tokens: built.logits(tokens, integer=integer, half=half))


def _case(kind: str, built: Built, names: Sequence[str], text: Text, expected: Array, bounds: Errors) -> Case:
    return Case(kind, names, built.library, built.buffers, text, expected, float(np.abs(expected).max()), bounds)


def build(family: str, checkpoint: Checkpoint, scheme: str, variants: Sequence[Variant], functions: Sequence[str] | None = None) -> Built:
    """Qwen2's weights are larger than a binding here, the tables and those of its layers: with biases, with a residual, with an
    activation. Some parts are alike and some shorter, and tables have more of them than a kernel puts side by side."""
    with pytest.MonkeyPatch.context() as patch:
        if family == "qwen2":
            patch.setattr(operators, "MOST_JOINED", 2)
            patch.setattr(parts, "LARGEST_BINDING", int(64 * ROW * SCHEMES[scheme].bits // 8))
        built = Built.compiled(checkpoint, dict.fromkeys(EXACT, scheme), tuple(variants), functions)
    joins = [kernel for variant in built.plan.variants for kernel in variant.kernels if "join" in kernel.name]
    assert family != "qwen2" or (all(len(kernel.bindings) <= 3 for kernel in joins) and len(joins) >= len(variants))
    several = {"embedding.0.q", "embedding.4.q", "head.4.q", "layers.0.qkv.2.q", "layers.0.o.1.q", "layers.0.gate_up.1.q"}
    assert (several & built.buffers.keys()) == (several if family == "qwen2" else set())
    return built
