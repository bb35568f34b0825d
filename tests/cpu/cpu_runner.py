"""Runs a compiled model on a machine, step for step as the browser does, with a page table of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from machine import Array, Machine, place

from webllm_build.compile.abi_generated import FIRST_WORD, MAX_ROWS, SAMPLING_WORDS, STATE_WORDS
from webllm_build.model.numpy_operators import picture_ends

PAGES, SLOTS = 64, 32
GREEDY = np.array([0, np.float32(1).view(np.uint32)] + [0] * (SAMPLING_WORDS - 2), np.uint32)  # temperature 0, top_p 1


def memory_needed(plan: bytes) -> int:
    read = json.loads(plan)
    return max(place(_sizes(read, variant))[1] for variant in read["variants"]) + (1 << 20)


def _groups(plan: Mapping[str, Any]) -> list[int | None]:
    """The windows of layers, which share page tables where they have the same."""
    return list(dict.fromkeys(state["window"] for state in plan["states"] if state["kind"] == "pages"))


def _sizes(plan: Mapping[str, Any], variant: Mapping[str, Any]) -> list[int]:
    """Of the buffers in the order of their ids, and behind them of the pages of each group, of which no other buffer is."""
    states = list(zip(plan["states"], variant["state_bytes"], strict=True))
    paged = [(state["window"], size) for state, size in states if state["kind"] == "pages"]
    pools = [PAGES * sum(size for window, size in paged if window == group) for group in _groups(plan)]
    cache = [size * SLOTS if state["kind"] == "slots" else 0 for state, size in states]
    weights, io = ([buffer["bytes"] for buffer in plan[kind]] for kind in ("weights", "io"))
    return [*weights, *cache, *io, *variant["workspace"], *pools]


class CpuRunner:
    """Sequences of tokens in one variant of a model. Whatever is not a weight begins with NaN (integers: -1)."""

    def __init__(self, machine: Machine, plan: bytes, variant: str, weights: Mapping[str, Array]) -> None:
        self.plan = json.loads(plan)
        (self.variant,) = (each for each in self.plan["variants"] if each["name"] == variant)
        self._machine = machine
        sizes = _sizes(self.plan, self.variant)
        places, self._scratch = place(sizes)
        machine.memory[:] = 255
        for start, buffer in zip(places, self.plan["weights"], strict=False):
            content = weights[buffer["name"]]
            machine.memory[start : start + buffer["bytes"]] = np.ascontiguousarray(content).reshape(-1).view(np.uint8)
        base, groups = len(self.plan["weights"]), _groups(self.plan)
        ends = dict(zip(groups, places[len(places) - len(groups) :], strict=True))
        for number, (state, size) in enumerate(zip(self.plan["states"], self.variant["state_bytes"], strict=True)):
            if state["kind"] == "pages":
                places[base + number] = ends[state["window"]]
                ends[state["window"]] += size
        self._stored = {stored["io"]: weights[stored["name"]].tobytes() for stored in self.plan["stored"]}
        self._places = places
        self._io = {buffer["name"]: base + len(self.plan["states"]) + number for number, buffer in enumerate(self.plan["io"])}
        self._pages = [np.random.default_rng(number).permutation(PAGES) for number in range(len(groups))]
        self.lengths: dict[int, int] = {}
        self._owned: dict[int, list[int]] = {}  # places in the groups' orders of pages
        self._slots: dict[int, dict[int, int]] = {}  # the latest four of each sequence, by the length whose state they hold
        self._taken = self._steps = 0

    def prefill(self, tokens: Sequence[int], sequence: int = 0, vectors: Array | None = None, positions: Any = None) -> Array:
        """Append tokens: the logits after the last, float32[vocabulary]. vectors: of those with negative ids, a row for each token.
        positions: of each by axis, where it has several."""
        self.take(tokens)
        if vectors is not None:
            self.write("vectors", vectors)
        if "ends" in self._io:
            self.write("ends", picture_ends(np.array(tokens)).astype(np.int32) + self.lengths.get(sequence, 0))
        self._prepare([sequence], len(tokens))
        if positions is not None:
            self._write_ropes(positions)
        self.run("prefill", len(tokens))
        before = self.read("logits", np.uint32).reshape(MAX_ROWS, -1), self.read("sampling", np.uint32)
        self.run("logits", len(tokens))
        first, *others = self.read("logits", np.uint32).reshape(MAX_ROWS, -1)
        np.testing.assert_array_equal(others, before[0][1:])  # of one row, however many tokens there were
        np.testing.assert_array_equal(self.read("sampling", np.uint32), before[1])
        return np.asarray(first.view(np.float32))

    def encode(self, tokens: Sequence[int], sequence: int = 0) -> Array:
        """A whole text's vector, of an embedding model: float32[dimensions]."""
        vector: Array = self.encode_texts([tokens], sequence)[0]
        return vector

    def encode_texts(self, texts: Sequence[Sequence[int]], sequence: int = 0) -> Array:
        """The same of several texts in one call: float32[texts, dimensions]. Each begins with a page."""
        page, tokens = self.plan["model"]["page_size"], [token for text in texts for token in text]
        lengths = np.array([len(text) for text in texts])
        begins = np.cumsum([0, *(-(-lengths // page) * page)])
        self.take(tokens)
        self._prepare([sequence], int(begins[-1]))
        state = np.full((MAX_ROWS, STATE_WORDS), -1, np.int32)
        state[: len(texts), 0], state[: len(texts), 1] = begins[:-1], lengths
        state[1 : len(texts), FIRST_WORD] = np.cumsum(lengths)[:-1]
        self.write("state", state)
        self._write_ropes([place for length in lengths for place in range(length)])
        self.run("prefill", len(tokens))
        self.run("encode", len(tokens))
        return self.read("pooled", np.float32).reshape(self.plan["model"]["texts"], -1)[: len(texts)]

    def see(self, pictures: Mapping[str, Array], positions: Any, group: int) -> Array:
        """Of a tower, the vectors of some pictures: float32[groups, columns]. pictures: its io buffers but those of any model. positions:
        of each patch, its row and column. group: patches of a vector."""
        for name, values in pictures.items():
            self.write(name, values)
        count = len(pictures["patches"])
        self._prepare([max(self.lengths, default=-1) + 1], count)
        self._write_ropes(positions)
        self.run("encode_image", count)
        self.run("project_image", count // group)
        columns = self.read("pictures", np.float32).size // (self.plan["model"]["prefill_chunk"] // group)
        return self.read("pictures", np.float32).reshape(-1, columns)[: count // group]

    def hear(self, frames: Array, present: Array) -> Array:
        """Of a conformer, the vectors of a sound: float32[tokens, columns]."""
        self.write("frames", frames)
        self.write("present", present)
        self.run("encode_audio", len(frames))
        return self.read("sounds", np.float32).reshape(self.plan["model"]["prefill_chunk"], -1)[: len(frames)]

    def decode(self, tokens: Sequence[int], sequences: Sequence[int | None]) -> Array:
        """Append a token to each row's sequence: logits float32[rows, vocabulary]. None: padding."""
        self.take(tokens)
        self._prepare(sequences, 1)
        self.run("decode", len(sequences))
        return self.read("logits", np.float32).reshape(MAX_ROWS, -1)[: len(sequences)]

    def roll_back(self, length: int, sequence: int = 0) -> int:
        """The length that is left: the asked one, or where layers have slots the largest below it whose state is kept."""
        slots = {kept: slot for kept, slot in self._slots[sequence].items() if kept <= length}
        if any(state["kind"] == "slots" for state in self.plan["states"]):
            length = max(slots, default=0)
        self.lengths[sequence], self._slots[sequence] = length, slots
        return length

    def fork(self, length: int, new: int, sequence: int = 0) -> None:
        """A sequence that begins as another, up to its length, where a page ends."""
        whole, rest = divmod(length, self.plan["model"]["page_size"])
        assert rest == 0 and self.lengths[sequence] == length
        self._owned[new] = self._owned[sequence][:whole]
        self.lengths[new], self._slots[new] = length, {length: self._slots[sequence][length]}

    def generate(self, prompt: Sequence[int], count: int) -> list[int]:
        """Greedily, as `sample` leaves each token for the next step."""
        self.write("sampling", GREEDY)
        self.prefill(prompt)
        self.run("sample", 1)
        found = [int(self.read("tokens", np.int32)[0])]
        while len(found) < count:
            self._prepare([0], 1)
            self.run("decode", 1)
            self.run("sample", 1)
            found.append(int(self.read("tokens", np.int32)[0]))
        return found

    def run(self, name: str, n: int) -> None:
        function, machine = self.variant["functions"][name], self._machine
        machine.launch(function["launch"], n, self._scratch)
        units = machine.memory[self._scratch :][: 4 * len(function["kernels"])].view(np.int32).copy()
        for kernel, buffers in function["steps"]:
            places = np.array([self._places[buffer] for buffer in buffers], np.uint32)
            machine.memory[self._scratch : self._scratch + places.nbytes] = places.view(np.uint8)
            entry = self.plan["kernels"][function["kernels"][kernel]]["entry"]
            middle = int(units[kernel]) // 2
            machine.kernel(entry, self._scratch, n, middle, int(units[kernel]))
            machine.kernel(entry, self._scratch, n, 0, middle)

    def take(self, tokens: Sequence[int]) -> None:
        """Ids, and what a step reads of these in storage."""
        self.write("tokens", np.array(tokens, np.int32))
        for stored in self.plan["stored"]:
            rows = np.frombuffer(self._stored[stored["io"]], np.uint8).reshape(-1, stored["row_bytes"])
            self.write(stored["io"], rows[np.maximum(tokens, 0)])  # a picture's have the first, as in a page

    def write(self, name: str, values: Array) -> None:
        start = self._places[self._io[name]]
        self._machine.memory[start : start + values.nbytes] = values.reshape(-1).view(np.uint8)

    def read(self, name: str, dtype: type[np.generic]) -> Array:
        number = self._io[name]
        size = self.plan["io"][number - len(self.plan["weights"]) - len(self.plan["states"])]["bytes"]
        return self._machine.memory[self._places[number] :][:size].view(dtype).copy()

    def _prepare(self, sequences: Sequence[int | None], n: int) -> None:
        model = self.plan["model"]
        state = np.full((MAX_ROWS, STATE_WORDS), -1, np.int32)
        positions: list[int] = []
        for row, sequence in enumerate(sequences):
            if sequence is None:
                positions.append(0)
                continue
            first = self.lengths.get(sequence, 0)
            pages = self._owned.setdefault(sequence, [])
            while len(pages) * model["page_size"] < first + n:
                pages.append(self._taken)
                self._taken += 1
            slots = self._slots.setdefault(sequence, {})
            held = {slot for slots in self._slots.values() for slot in slots.values()}
            written = next(slot for slot in range(SLOTS) if slot not in held)
            state[row, :5] = first, n, self._steps + row, slots.get(first, -1), written
            self.lengths[sequence], slots[first + n] = first + n, written
            if len(slots) > 4:
                del slots[min(slots)]
            positions += range(first, first + n)
        for number, order in enumerate(self._pages):
            table = np.full((len(sequences), -(-model["context_length"] // model["page_size"])), -1, np.int32)
            for row, sequence in enumerate(sequences):
                pages = self._owned.get(-1 if sequence is None else sequence, [])
                table[row, : len(pages)] = order[pages]
            self.write(f"page_table{number}", table)
        self._write_ropes(positions)
        self.write("state", state)
        self._steps += len(sequences)

    def _write_ropes(self, positions: Any) -> None:
        """Of each token, or of each by axis."""
        places = np.array(positions).reshape(len(positions), -1)
        places = np.repeat(places, 3, axis=1) if places.shape[1] == 1 else places
        for number, rope in enumerate(self.plan["model"]["ropes"]):
            # As in a sequence that will be longer than the original length.
            frequencies = np.array(rope["long_inv_freq"] or rope["inv_freq"])
            angles, scale = places[:, rope.get("axes") or [0]] * frequencies, np.where(frequencies == 0, 1, rope["scale"])[:, None]
            self.write(f"rope{number}", (np.stack([np.cos(angles), np.sin(angles)], axis=-1) * scale).astype(np.float32))
