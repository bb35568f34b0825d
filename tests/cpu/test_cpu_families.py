"""A whole tiny model of each family, by the CPU's kernels: see text_run.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from cpu_runner import CpuRunner, memory_needed
from kernels import in_loops
from machine import Array, Machine, Native, Wasm
from tvm.tirx import PrimFunc

from families import FAMILIES, FORKED, TOKENS, open_tiny, reference, references
from packed_model import EXACT, PackedModel
from text_run import Text
from webllm_build.compile.cpu import pipeline
from webllm_build.compile.cpu.link import link_cpu_library
from webllm_build.compile.cpu.pipeline import compile_cpu
from webllm_build.compile.cpu.variant import EXACT as FLOAT, CpuVariant, Flavour
from webllm_build.model.numpy_operators import NumpyOperators
from webllm_build.quantize import parts

TEXT = Text(TOKENS, ends=(20, 32), forked=FORKED)
STEPS = ("prefill", "logits", "decode")  # the functions that a text takes
ENCODE = ("prefill", "encode")  # and what makes vectors of texts


def build(
    folder: Path, packed: PackedModel, flavour: Flavour, variant: CpuVariant, functions: Sequence[str] = STEPS, *, alike: bool = False
) -> CpuRunner:
    """alike: as Wasm takes it."""
    machine: Machine
    if flavour == "native":
        made: dict[str, PrimFunc] = {}
        with patch.object(pipeline, "compile_functions", lambda functions, target: made.update(functions)):  # Native compiles them
            compiled = compile_cpu(packed.layout, [flavour], [variant], functions=functions)
        machine = Native(folder, made, memory_needed(compiled.plan))
    else:
        compiled = compile_cpu(packed.layout, [flavour], [variant], functions=functions)
        machine = Wasm(link_cpu_library(compiled, flavour, "ziglang"), memory_needed(compiled.plan), alike=alike)
    return CpuRunner(machine, compiled.plan, variant.name, packed.buffers)


@dataclass
class One:
    """A sequence at a time."""

    runner: CpuRunner
    sequence: int = 0

    def prefill(self, tokens: Sequence[int]) -> Array:
        return self.runner.prefill(tokens, self.sequence)

    def decode(self, token: int) -> Array:
        logits: Array = self.runner.decode([token], [self.sequence])[0]
        return logits

    def roll_back(self, length: int) -> int:
        return self.runner.roll_back(length, self.sequence)

    def fork(self, length: int) -> int:
        self.runner.fork(length, self.sequence + 1, self.sequence)
        return self.sequence + 1

    def use(self, sequence: int) -> None:
        self.sequence = sequence


def error(found: Array, expected: Array) -> float:
    """The largest, as a part of the largest logit."""
    return float(np.abs(found - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_equal_those_of_transformers(tmp_path: Path, family: str) -> None:
    """In loops; test_cpu_codes.py has what is written out of each family."""
    packed = PackedModel.of(open_tiny(family, "hugging_face", tmp_path / "model"), EXACT)
    with in_loops():
        runner = build(tmp_path, packed, "native", FLOAT)
    found, rows = TEXT.run(One(runner))
    assert error(found, references(family)[rows]) < 1e-4


def test_webassembly_computes_the_same(tmp_path: Path) -> None:
    packed = PackedModel.of(open_tiny("gemma3_text", "hugging_face", tmp_path / "model"), EXACT)
    found, rows = TEXT.run(One(build(tmp_path, packed, "plain", FLOAT)))
    assert error(found, references("gemma3_text")[rows]) < 1e-4


@pytest.mark.parametrize("scheme", ["q4", "q4a", "q8", "mxfp4"])
def test_every_scheme_is_read_as_it_was_packed(tmp_path: Path, scheme: str) -> None:
    packed = PackedModel.of(open_tiny("qwen2", "hugging_face", tmp_path / "model"), dict.fromkeys(EXACT, scheme))
    found, rows = TEXT.run(One(build(tmp_path, packed, "native", FLOAT)))
    assert error(found, TEXT.of(lambda tokens: packed.logits(tokens, integer=False))[rows]) < 1e-4


def test_weights_in_parts_make_the_same_logits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables and those of the layers: with biases, with a residual, with an activation."""
    monkeypatch.setattr(parts, "LARGEST_BINDING", 64 * 96 * 2)
    packed = PackedModel.of(open_tiny("qwen2", "hugging_face", tmp_path / "model"), EXACT)
    assert {"embedding.0.q", "head.4.q", "layers.0.qkv.2.q", "layers.0.o.1.q", "layers.0.gate_up.1.q"} <= packed.buffers.keys()
    found, rows = TEXT.run(One(build(tmp_path, packed, "native", FLOAT)))
    assert error(found, references("qwen2")[rows]) < 1e-4


def test_tokens_that_are_never_drawn_have_the_least_logits(tmp_path: Path) -> None:
    """Of a family that caps them, minus the cap."""
    checkpoint, never = replace(open_tiny("gemma4_text", "hugging_face", tmp_path / "model"), suppressed=(2, 7, 299)), [2, 7, 299]
    packed, expected = PackedModel.of(checkpoint, EXACT), references("gemma4_text")
    expected[:, never] = -1.0
    found, rows = TEXT.run(One(build(tmp_path, packed, "native", FLOAT)))
    assert error(found, expected[rows]) < 1e-4


def test_rows_of_several_sequences_and_of_one_get_what_each_would_alone(tmp_path: Path) -> None:
    packed = PackedModel.of(open_tiny("qwen3", "hugging_face", tmp_path / "model"), EXACT)
    runner, expected = build(tmp_path, packed, "native", FLOAT), reference("qwen3")
    runner.prefill(TOKENS[:24], 0)
    runner.prefill(TOKENS[:18], 1)
    # Two tokens of one sequence behind each other, padding, and one of another.
    found = runner.decode([TOKENS[24], TOKENS[25], 0, TOKENS[18]], [0, 0, None, 1])
    assert error(found[[0, 1, 3]], expected[[24, 25, 18]]) < 1e-4


def test_rows_of_one_sequence_each_read_the_slot_that_the_row_before_wrote(tmp_path: Path) -> None:
    packed = PackedModel.of(open_tiny("lfm2", "hugging_face", tmp_path / "model"), EXACT)
    runner, expected = build(tmp_path, packed, "native", FLOAT), reference("lfm2")
    runner.prefill(TOKENS[:1], 0)  # fewer than a convolution's state has rows
    runner.prefill(TOKENS[1:24], 0)
    runner.prefill(TOKENS[:18], 1)
    found = runner.decode([TOKENS[24], TOKENS[25], 0, TOKENS[18]], [0, 0, None, 1])
    assert error(found[[0, 1, 3]], expected[[24, 25, 18]]) < 1e-4


def test_states_are_pooled_behind_all_layers_where_a_prefill_leaves_some_out(tmp_path: Path) -> None:
    checkpoint = open_tiny("gemma4_text", "hugging_face", tmp_path / "model")
    packed = PackedModel.of(checkpoint, EXACT)
    runner, tokens = build(tmp_path, packed, "native", FLOAT, ENCODE), TOKENS[:20]
    operators = NumpyOperators(checkpoint, packed.model.norm_eps, tokens)
    states = packed.model.normed(operators, packed.model.hidden(operators))
    last, total = runner.encode(tokens).reshape(2, -1)
    assert error(last, states[-1]) < 1e-4
    assert error(total, states.sum(0)) < 1e-4
