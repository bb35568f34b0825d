"""Buffers of a plan and their numbering: weights, states, io, workspace."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from webllm_build.compile.abi_generated import HISTORY, LOGPROB_WORDS, MAX_ROWS, SAMPLING_WORDS, STATE_WORDS
from webllm_build.compile.kv_layout import PAGE_SIZE, KvLayout
from webllm_build.compile.plan import Buffer, Mixture, Rope as PlanRope, State, Stored, page_groups
from webllm_build.errors import UnsupportedArchitecture
from webllm_build.model.attention import Rope
from webllm_build.model.audio.conformer import STEPS, Conformer
from webllm_build.model.decoder import Decoder
from webllm_build.model.state import Pages
from webllm_build.model.vision.tower import Tower
from webllm_build.model.weights import Weight
from webllm_build.quantize import Part, Scheme, parts_of
from webllm_build.quantize.scheme import DTYPE_BYTES, BufferSpec

WORD = 4
POOLED = 2  # rows of a pooled state: the last token's, and the sum of all
PROJECT_IMAGE = "project_image"  # a tower's function that takes groups of patches
CHOICES = "choices"  # what the layer has chosen that was computed last: see kernels/experts/choices.py
# io buffers that a function sees as many rows of as it has.
OF_TOWERS = ("patches", "spans0", "spans1", "taps", "factors", "neighbours", "groups", "frames", "present")
ROWS = ("tokens", "vectors", "ends", CHOICES, "hidden", "logits", "kept", *OF_TOWERS)

Shape = list[int | str]
Compiled = Decoder | Tower | Conformer  # what a library is made of


def mask_words(vocab_size: int) -> int:
    """uint32 words of a row's mask: bit i of word w is token 32 w + i."""
    return -(-vocab_size // 32)


@dataclass(frozen=True)
class Layout:
    """Sizes that every variant shares.

    weights: GPU buffers of all weights, in plan order; parts: the same by logical weight, which has several
    where it is larger than a binding, and one where it stays in storage (`stored`).
    context_length, prefill_chunk: tokens of the longest sequence, and of the longest prefill call.
    """

    model: Compiled
    parts: Mapping[str, tuple[Part, ...]]
    context_length: int
    prefill_chunk: int
    page_size: int = PAGE_SIZE

    @staticmethod
    def of(model: Compiled, schemes: Mapping[str, Scheme], context_length: int, prefill_chunk: int) -> Layout:
        parts = {
            weight.name: parts_of(weight.name, schemes[weight.name], weight.shape, weight.experts)
            if weight.resident
            else (_whole(weight, schemes[weight.name]),)
            for weight in model.weights
        }
        return Layout(model, parts, context_length, prefill_chunk)

    @property
    def weights(self) -> tuple[Buffer, ...]:
        parts = (part for weight in self.model.weights if weight.resident for part in self.parts[weight.name])
        return tuple(Buffer(f"{part.name}.{spec.suffix}", spec.nbytes) for part in parts for spec in part.buffers)

    @property
    def stored(self) -> tuple[Stored, ...]:
        """What stays in storage, by buffers of its schemes."""
        buffers = [(part, spec) for part in self._stored for spec in part.buffers]
        return tuple(
            Stored(f"{part.name}.{spec.suffix}", spec.nbytes, spec.nbytes // part.rows, name)
            for (part, spec), name in zip(buffers, self._rows, strict=True)
        )

    @property
    def rows(self) -> Mapping[str, tuple[Part, tuple[str, ...]]]:
        """Of each weight in storage, by its name, the rows of a call's tokens as a part, and the io buffers that they are in."""
        names = iter(self._rows)
        parts = (replace(part, rows=self._chunk) for part in self._stored)
        return {part.name: (part, tuple(next(names) for _ in part.buffers)) for part in parts}

    @property
    def _stored(self) -> tuple[Part, ...]:
        return tuple(part for weight in self.model.weights if not weight.resident for part in self.parts[weight.name])

    @property
    def _rows(self) -> Mapping[str, BufferSpec]:
        """The io buffers of these rows."""
        specs = (spec for part in self._stored for spec in replace(part, rows=self._chunk).buffers)
        return {f"rows{index}": spec for index, spec in enumerate(specs)}

    @property
    def _chunk(self) -> int:
        """Tokens of the longest call: only what writes decodes several sequences at once."""
        return self.prefill_chunk if isinstance(self.model, Tower) else max(self.prefill_chunk, MAX_ROWS)

    @property
    def mixture(self) -> Mixture | None:
        """Of the model's layers with experts, which all have as many."""
        return next((Mixture(weight.experts, weight.chosen) for weight in self.model.weights if weight.experts > 1), None)

    @property
    def _io(self) -> dict[str, tuple[list[int], str]]:
        """Shape and dtype of each io buffer. Rows are those of a decode step; a prefill uses the first."""
        chunk, model = self._chunk, self.model
        if isinstance(model, Conformer):
            sound = {"frames": STEPS * model.bins, "present": STEPS // 2, "sounds": model.columns}
            return {"state": ([MAX_ROWS, STATE_WORDS], "int32"), **{name: ([chunk, size], "float32") for name, size in sound.items()}}
        shared = {
            "state": ([MAX_ROWS, STATE_WORDS], "int32"),
            **{name: ([chunk, 2 * len(rope.inv_freq)], "float32") for rope, name in self.ropes.items()},
            **{name: ([MAX_ROWS, -(-self.context_length // self.page_size)], "int32") for name in self.tables.values()},
            **({} if self.mixture is None else {CHOICES: ([chunk, 2, self.mixture.chosen], "int32")}),
            "hidden": ([chunk, model.states_size if isinstance(model, Tower) else model.hidden_size], "float32"),
        }
        if isinstance(model, Tower):
            return {**self._of_pictures(model), **shared}
        rows = {name: (list(spec.shape), spec.dtype) for name, spec in self._rows.items()}
        return {**self._of_tokens(model), **shared, **self._of_results(model), **rows}

    def _of_tokens(self, model: Decoder) -> dict[str, tuple[list[int], str]]:
        found: dict[str, tuple[list[int], str]] = {"tokens": ([self._chunk], "int32")}
        if model.pictures is not None:
            found["vectors"] = ([self._chunk, model.pictures.columns(model.hidden_size)], "float32")
            if model.pictures.whole:
                found["ends"] = ([self._chunk], "int32")
        return found

    def _of_results(self, model: Decoder) -> dict[str, tuple[list[int], str]]:
        if model.pool is not None:
            return {"pooled": ([self.texts, model.dimensions], "float32")}
        return {
            "pooled": ([POOLED, model.hidden_size], "float32"),
            "logits": ([MAX_ROWS, model.vocab_size], "float32"),
            "sampling": ([MAX_ROWS, SAMPLING_WORDS], "uint32"),
            "history": ([HISTORY], "int32"),
            "counts": ([MAX_ROWS, model.vocab_size], "uint32"),
            "bias": ([MAX_ROWS, model.vocab_size], "float32"),
            "mask": ([MAX_ROWS, mask_words(model.vocab_size)], "uint32"),
            "kept": ([MAX_ROWS, model.vocab_size], "float32"),
            "logprobs": ([MAX_ROWS, LOGPROB_WORDS], "uint32"),
        }

    def _of_pictures(self, tower: Tower) -> dict[str, tuple[list[int], str]]:
        """See model/vision/tower.py."""
        chunk, patches = self._chunk, tower.patches
        return {
            "patches": ([chunk, patches.width], "float32"),
            **{f"spans{number}": ([chunk, 2], "int32") for number in range(tower.spans)},
            **({"taps": ([chunk, tower.taps], "int32"), "factors": ([chunk, tower.taps], "float32")} if patches.positions else {}),
            **({"neighbours": ([chunk, tower.neighbours], "int32")} if tower.neighbours else {}),
            "pictures": ([chunk // tower.projector.group, tower.columns], "float32"),
        }

    @property
    def aliases(self) -> Mapping[str, str]:
        """Other names of io buffers, as which functions see other shapes: a tower's states as groups of patches."""
        return {"groups": "hidden"} if isinstance(self.model, Tower) else {}

    def most(self, spec: str) -> int:
        """Rows of the longest call of a function, of those that take as many as it is called with."""
        if isinstance(self.model, Tower) and spec == PROJECT_IMAGE:
            return self.prefill_chunk // self.model.projector.group
        return self.prefill_chunk

    @property
    def texts(self) -> int:
        """That one call of an embedding model may have."""
        return MAX_ROWS if isinstance(self.model, Decoder) and self.model.takes_several_texts else 1

    @property
    def io(self) -> tuple[Buffer, ...]:
        return tuple(Buffer(name, math.prod(shape) * DTYPE_BYTES.get(dtype, WORD)) for name, (shape, dtype) in self._io.items())

    @property
    def io_names(self) -> tuple[str, ...]:
        return tuple(self._io)

    def io_shape(self, name: str, rows: int | str) -> tuple[Shape, str]:
        """Relax shape and dtype of an io buffer in a function over so many tokens or rows."""
        if name == "groups" and isinstance(self.model, Tower):
            return [rows, self.model.projector.group * self.model.states_size], "float32"
        shape, dtype = self._io[name]
        return [rows if name in ROWS else shape[0], *shape[1:]], dtype

    def state_bytes(self, kv_dtype: str) -> tuple[int, ...]:
        """Of one page, or one slot, of each of the model's states. kv_dtype: as KvLayout's."""
        states = self.model.states
        return tuple(self.kv(kv_dtype, state).page_bytes if isinstance(state, Pages) else math.prod(state.shape) * WORD for state in states)

    @property
    def states(self) -> tuple[State, ...]:
        return tuple(
            State(state.name, state.kind, state.heads * state.head_dim, self._window(state))
            if isinstance(state, Pages)
            else State(state.name, state.kind)
            for state in self.model.states
        )

    def _window(self, state: Pages) -> int | None:
        """None where it is as long as the longest sequence, too."""
        return None if state.window is None or state.window >= self.context_length else state.window

    @property
    def tables(self) -> Mapping[int | None, str]:
        """The io buffer of the page table that layers with this window share."""
        return {window: f"page_table{index}" for index, window in enumerate(page_groups(self.states))}

    @property
    def ropes(self) -> Mapping[Rope, str]:
        """The io buffer of each rotary table."""
        return {rope: f"rope{index}" for index, rope in enumerate(self.model.ropes)}

    @property
    def plan_ropes(self) -> tuple[PlanRope, ...]:
        """The rotary tables, without what no sequence is long enough for."""
        return tuple(
            PlanRope(rope.inv_freq, rope.scale, axes=rope.axes)
            if rope.original is None or self.context_length <= rope.original
            else PlanRope(rope.inv_freq, rope.scale, rope.long_inv_freq, rope.original, rope.axes)
            for rope in self.model.ropes
        )

    @property
    def pages(self) -> tuple[Pages, ...]:
        """The states in pages, one for each layer with attention."""
        return tuple(state for state in self.model.states if isinstance(state, Pages))

    def kv(self, kv_dtype: str, state: Pages) -> KvLayout:
        """One layer's cache."""
        return KvLayout(kv_dtype, state.kv_heads, state.head_dim)


def _whole(weight: Weight, scheme: Scheme) -> Part:
    """Of a weight that stays in storage, whose rows must be whole words of each buffer."""
    rows, columns = weight.shape
    part = Part(weight.name, scheme, 0, rows, columns)
    if any(two.nbytes != 2 * one.nbytes for one, two in zip(scheme.buffers(1, columns), scheme.buffers(2, columns), strict=True)):
        raise UnsupportedArchitecture(
            f"Rows of {columns} values of {weight.name} are not whole words as {scheme.name}", "Other schemes (--quantization) may do."
        )
    return part
