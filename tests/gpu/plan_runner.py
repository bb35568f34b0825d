"""Run a linked model.wasm on Dawn, or on wgpu, step for step as the browser's executor does (runtime_js/src/executor)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from device import Device
from naga import Naga

from wasm_library import WasmLibrary
from webllm_build.compile.abi_generated import (
    FIRST_WORD,
    HISTORY,
    LAUNCH_WORDS,
    LOGPROB_WORDS,
    MAX_ROWS,
    MAX_SLOTS,
    SAMPLING_WORDS,
    STATE_WORDS,
)
from webllm_build.compile.link import PLAN_SECTION, WGSL_SECTION, read_custom_section
from webllm_build.compile.plan import Function, Kernel, page_groups, parse_plan
from webllm_build.model.numpy_operators import picture_ends

Array = npt.NDArray[Any]

PAGES = 96
UNIFORM_STRIDE = 256  # WebGPU's largest minUniformBufferOffsetAlignment
GRID_WORDS = 3
GREEDY = np.array([0, np.float32(1).view(np.uint32)] + [0] * (SAMPLING_WORDS - 2), np.uint32)  # temperature 0, top_p 1


class PlanRunner:
    """One sequence in one variant of a model. `tile`: which of its tiles each kernel runs, the last where it has fewer; the one with
    the shortest text where None, which is the soonest compiled.

    All buffers but the weights begin with NaN (integers: -1), so that it is seen where a kernel uses what nobody wrote.
    """

    def __init__(self, gpu: Device | Naga, library: bytes, variant: str, weights: Mapping[str, Array]) -> None:
        """weights: contents of the plan's weight buffers by name."""
        self.plan = parse_plan(read_custom_section(library, PLAN_SECTION))
        (self.variant,) = (candidate for candidate in self.plan.variants if candidate.name == variant)
        self.tile: int | None = 0
        self.is_long = False  # whether sequences will be longer than the rotary frequencies' original length
        self._gpu, self._wgpu, self._device = gpu, gpu.wgpu, gpu.device
        self._windows = page_groups(self.plan.states)
        self._wgsl: list[str] = json.loads(read_custom_section(library, WGSL_SECTION))
        self._wasm = WasmLibrary(library)
        contents = [weights[buffer.name].tobytes() for buffer in self.plan.weights]
        assert [len(content) for content in contents] == [buffer.bytes for buffer in self.plan.weights]
        self._stored = {stored.io: weights[stored.name].tobytes() for stored in self.plan.stored}
        places = [MAX_SLOTS if state.kind == "slots" else PAGES for state in self.plan.states]
        sizes = [count * size for count, size in zip(places, self.variant.state_bytes, strict=True)]
        sizes += [buffer.bytes for buffer in self.plan.io]
        sizes += self.variant.workspace
        usage = self._wgpu.BufferUsage
        contents += [b"\xff" * size for size in sizes]
        self._buffers = [self._buffer(content, usage.STORAGE | usage.COPY_SRC | usage.COPY_DST) for content in contents]
        self._layouts = [self._layout(kernel) for kernel in self.variant.kernels]
        functions = self.variant.functions
        self._uniforms = {
            name: self._buffer(bytes(len(function.kernels) * UNIFORM_STRIDE), usage.UNIFORM | usage.COPY_DST)
            for name, function in functions.items()
        }
        self._bind_groups = {name: self._bind(function, self._uniforms[name]) for name, function in functions.items()}
        self.start()

    def start(self) -> None:
        """Begin a new sequence. Another one takes a page after each step, so that this one's pages do not follow each other."""
        slots = MAX_SLOTS if any(state.kind == "slots" for state in self.plan.states) else 0
        assert self._wasm.call("kv_reset", self.plan.model.page_size, slots) == 0
        for number, window in enumerate(self._windows):
            assert self._wasm.call("kv_add_group", window or 0, PAGES) == number
        self._other, self.sequence = self._wasm.call("kv_new"), self._wasm.call("kv_new")
        self._others: list[int] = []
        self._held: list[set[int]] = [set() for _ in self._windows]  # pages of each group that some sequence has
        self._steps = 0

    def prefill(self, tokens: Sequence[int], vectors: Array | None = None, positions: Array | None = None) -> Array:
        """Append tokens: the logits after the last, float32[vocabulary]. vectors: of those with negative ids, a row for each token.
        positions: of each by axis, where it has several."""
        self._take(tokens)
        if vectors is not None:
            self._write("vectors", vectors)
        if any(buffer.name == "ends" for buffer in self.plan.io):
            self._write("ends", picture_ends(np.array(tokens)).astype(np.int32) + self.length(self.sequence))
        self._submit([("prefill", len(tokens)), ("logits", len(tokens))], [self.sequence], len(tokens), by_axis=positions)
        return self.logits()

    def encode(self, tokens: Sequence[int]) -> Array:
        """Append tokens: float32[2, hidden], the last token's normed state and the sum of all these tokens'; of an embedding model
        float32[1, dimensions], the text's vector."""
        self._take(tokens)
        self._submit([("prefill", len(tokens)), ("encode", len(tokens))], [self.sequence], len(tokens))
        pooled: Array = self._read("pooled", np.float32).reshape(2 if "decode" in self.variant.functions else self.plan.model.texts, -1)
        return pooled

    def encode_texts(self, texts: Sequence[Sequence[int]]) -> Array:
        """Vectors of several texts in one call, of an embedding model: float32[texts, dimensions]."""
        tokens = [token for text in texts for token in text]
        self._write("tokens", np.array(tokens, np.int32))
        self._submit([("prefill", len(tokens)), ("encode", len(tokens))], [self.sequence], texts=[len(text) for text in texts])
        vectors: Array = self._read("pooled", np.float32).reshape(self.plan.model.texts, -1)[: len(texts)]
        return vectors

    def see(self, pictures: Mapping[str, Array], positions: Array, group: int) -> Array:
        """Of a tower, the vectors of some pictures: float32[groups, columns]. pictures: its io buffers but those of any model. positions:
        of each patch, its row and column. group: patches of a vector."""
        for name, values in pictures.items():
            self._write(name, values)
        count = len(pictures["patches"])
        self._submit([("encode_image", count), ("project_image", count // group)], [self.sequence], count, by_axis=positions)
        vectors: Array = self._read("pictures", np.float32).reshape(self.plan.model.prefill_chunk // group, -1)[: count // group]
        return vectors

    def hear(self, frames: Array, present: Array) -> Array:
        """Of a conformer, the vectors of a sound: float32[tokens, columns]."""
        self._write("frames", frames)
        self._write("present", present)
        self._submit([("encode_audio", len(frames))], [None], len(frames))
        vectors: Array = self._read("sounds", np.float32).reshape(self.plan.model.prefill_chunk, -1)[: len(frames)]
        return vectors

    def roll_back(self, length: int) -> int:
        """The length that is left."""
        return self._wasm.call("kv_truncate", self.sequence, length)

    def fork(self, length: int) -> int:
        """A sequence that begins as this one, and its length. It must end with a page: this runner copies none."""
        self._others.append(self._wasm.call("kv_fork", self.sequence, length))
        return self._others[-1]

    def use(self, sequence: int) -> None:
        """Go on with a fork."""
        self._others.append(self.sequence)
        self.sequence = sequence

    def mark(self) -> None:
        """Keep the sequence's window at its present length."""
        assert self._wasm.call("kv_mark", self.sequence) == 0

    def table(self, sequence: int, group: int) -> list[int]:
        """Page ids, -1 in front of a window."""
        return self._wasm.read(self._wasm.call("kv_pages", sequence, group), self._wasm.call("kv_page_count", sequence))

    def length(self, sequence: int) -> int:
        return self._wasm.call("kv_length", sequence)

    def prefill_another(self, tokens: Sequence[int]) -> int:
        """A sequence of its own that begins with the tokens, as an answer's prompt."""
        self._others.append(self._wasm.call("kv_new"))
        self._take(tokens)
        self._submit([("prefill", len(tokens)), ("logits", len(tokens))], self._others[-1:], len(tokens))
        return self._others[-1]

    def decode_rows(self, tokens: Sequence[int], sequences: Sequence[int | None]) -> Array:
        """One step with a token of each row's sequence, of which several may be the same: float32[rows, vocabulary]. A row of None is
        padding, and where no function has as many rows, so are the next one's others."""
        self._take(tokens)
        m = next(m for m in (1, 2, 4, MAX_ROWS) if m >= len(tokens))
        self._submit([(self._rows(m), m)], sequences)
        return np.stack([self.logits(row) for row in range(len(tokens))])

    def generate_rows(self, tokens: Sequence[int], sequences: Sequence[int], count: int) -> list[list[int]]:
        """Decode each row's sequence greedily from its token on: ids."""
        m, first = len(tokens), self._steps
        self._write("sampling", np.tile(GREEDY, (m, 1)))
        self._take(tokens)
        for _ in range(count):
            self._submit([(self._rows(m), m), ("sample", m)], sequences)
        return self._read("history", np.int32)[first : first + m * count].reshape(count, m).T.tolist()

    def _rows(self, m: int) -> str:
        return "decode" if m == 1 else f"decode_{m}"

    def decode(self, token: int) -> Array:
        """As prefill of one token, by a decode step."""
        self._take([token])
        self._submit([("decode", 1)], [self.sequence])
        return self.logits()

    def draw(self, token: int, sampling: Array, inputs: Mapping[str, Array]) -> tuple[int, Array, Array]:
        """A decode step with all that a request may ask for. sampling: the row's words; inputs: what other io buffers begin with. Returns
        the sampled id, the row of `logprobs`, and the logits as the step leaves them."""
        for name, values in {"tokens": np.array([token], np.int32), "sampling": sampling, **inputs}.items():
            self._write(name, values)
        place = self._steps
        self._submit([(name, 1) for name in ("decode", "keep", "adjust", "sample", "logprobs")], [self.sequence])
        return int(self._read("history", np.int32)[place]), self._read("logprobs", np.uint32)[:LOGPROB_WORDS], self.logits()

    def logits(self, row: int = 0) -> Array:
        """After the last step, float32[vocabulary]."""
        logits: Array = self._read("logits", np.float32).reshape(MAX_ROWS, -1)[row]
        return logits

    def generate(self, tokens: Sequence[int], count: int) -> list[int]:
        """Append tokens and decode greedily: ids, which the CPU reads when the last is made."""
        self._write("sampling", GREEDY)
        self._take(tokens)
        first = self._steps
        self._submit([("prefill", len(tokens)), ("logits", len(tokens)), ("sample", 1)], [self.sequence], len(tokens))
        for _ in range(count - 1):
            self._submit([("decode", 1), ("sample", 1)], [self.sequence])
        return [int(token) for token in self._read("history", np.int32)[first : first + count]]

    def _submit(
        self,
        functions: Sequence[tuple[str, int]],
        sequences: Sequence[int | None],
        n: int = 1,
        texts: Sequence[int] = (),
        by_axis: Array | None = None,
    ) -> None:
        """One step that appends n tokens to each row's sequence, or texts of so many tokens, each from a page's begin on. by_axis: of the n
        tokens' positions, where each has several. functions: names, and how many tokens or rows each takes. Pages that were given back hold
        NaN by then."""
        model, wasm = self.plan.model, self._wasm
        lengths = np.array(texts, np.int32)
        begins = np.cumsum([0, *(-(-lengths // model.page_size) * model.page_size)])
        n = int(begins[-1]) or n
        state = np.zeros((MAX_ROWS, STATE_WORDS), np.int32)
        state[:, :5] = -1  # padding
        tables = np.full((len(self._windows), len(sequences), -(-model.context_length // model.page_size)), -1, np.int32)
        before = 0  # rows of the same sequence
        rows = [(row, sequence) for row, sequence in enumerate(sequences) if sequence is not None]
        for row, sequence in rows:
            position = wasm.call("kv_length", sequence)
            for grown, count in ((sequence, n), (self._other, model.page_size)):
                assert wasm.call("kv_append", grown, count) == 0
            before = before + 1 if row and sequences[row - 1] == sequence else 0
            state[row, :6] = position, n, (self._steps + row) % HISTORY, *wasm.read(wasm.call("kv_slots", sequence), 2), before
        positions = np.concatenate([np.arange(first, first + n) for first in state[: len(sequences), 0]])
        if texts:
            state[: len(texts), 0], state[: len(texts), 1] = begins[:-1], lengths
            state[1 : len(texts), FIRST_WORD] = np.cumsum(lengths)[:-1]
            positions = np.concatenate([np.arange(length) for length in lengths])
        for row, sequence in rows:
            for number in range(len(tables)):
                pages = self.table(sequence, number)
                tables[number, row, : len(pages)] = pages
        for number, table in enumerate(tables):
            self._write(f"page_table{number}", table)
        self._poison()
        self._write("state", state)
        for number, rope in enumerate(model.ropes):
            frequencies = np.array(rope.inv_freq if rope.long_inv_freq is None or not self.is_long else rope.long_inv_freq)
            places = positions[:, None] if by_axis is None else by_axis[:, rope.axes or [0]]
            angles, scale = places * frequencies, np.where(frequencies == 0, 1, rope.scale)[:, None]
            self._write(f"rope{number}", (np.stack([np.cos(angles), np.sin(angles)], axis=-1) * scale).astype(np.float32))
        encoder = self._device.create_command_encoder()
        compute = encoder.begin_compute_pass()
        for name, count in functions:
            self._encode(compute, name, count, int(positions.max()) + 1)
        compute.end()
        self._device.queue.submit([encoder.finish()])
        self._steps += len(sequences)

    def _poison(self) -> None:
        for number, window in enumerate(self._windows):
            held = {page for sequence in (self._other, self.sequence, *self._others) for page in self.table(sequence, number)}
            given_back, self._held[number] = self._held[number] - held, held
            for index, (state, size) in enumerate(zip(self.plan.states, self.variant.state_bytes, strict=True)):
                for page in given_back if state.kind == "pages" and state.window == window else ():
                    self._device.queue.write_buffer(self._buffers[self.plan.state_base + index], page * size, b"\xff" * size)

    def _encode(self, compute: Any, name: str, n: int, kv_len: int) -> None:
        function = self.variant.functions[name]
        kernels = [self.variant.kernels[number] for number in function.kernels]
        tiles = [self._tile(kernel) for kernel in kernels]
        first = np.cumsum([0] + [len(kernel.tiles) for kernel in kernels])
        words = self._launch(function.launch, int(first[-1]), n, kv_len)[first[:-1] + tiles]
        uniforms = np.zeros((len(kernels), UNIFORM_STRIDE // 4), np.int32)
        uniforms[:, : LAUNCH_WORDS - GRID_WORDS] = words[:, GRID_WORDS:]
        self._device.queue.write_buffer(self._uniforms[name], 0, uniforms.tobytes())
        for (slot, _), bind_group in zip(function.steps, self._bind_groups[name], strict=True):
            number = function.kernels[slot]
            tile = self.variant.kernels[number].tiles[tiles[slot]]
            compute.set_pipeline(self._gpu.pipeline(self._wgsl[tile.wgsl], tile.entry, self._layouts[number]))
            compute.set_bind_group(0, bind_group)
            compute.dispatch_workgroups(*map(int, words[slot, :GRID_WORDS]))

    def _tile(self, kernel: Kernel) -> int:
        if self.tile is not None:
            return min(self.tile, len(kernel.tiles) - 1)
        return min(range(len(kernel.tiles)), key=lambda number: len(self._wgsl[kernel.tiles[number].wgsl]))

    def _launch(self, name: str, tiles: int, n: int, kv_len: int) -> Array:
        """int32[tiles, LAUNCH_WORDS]: grid and uniform words of each tile of each kernel."""
        out = self._wasm.call("scratch", 4 * LAUNCH_WORDS * tiles)
        assert out
        self._wasm.call(name, n, kv_len, out)
        return np.array(self._wasm.read(out, LAUNCH_WORDS * tiles), np.int32).reshape(tiles, LAUNCH_WORDS)

    def _layout(self, kernel: Kernel) -> Any:
        types = ["read-only-storage" if access == "read" else "storage" for access in kernel.bindings]
        types += ["uniform"] if kernel.uniform >= 0 else []
        visibility = self._wgpu.ShaderStage.COMPUTE
        entries = [{"binding": i, "visibility": visibility, "buffer": {"type": kind}} for i, kind in enumerate(types)]
        return self._device.create_bind_group_layout(entries=entries)

    def _bind(self, function: Function, uniforms: Any) -> list[Any]:
        """A bind group for each step."""

        def bind(slot: int, buffers: Sequence[int]) -> Any:
            number = function.kernels[slot]
            resources = [{"buffer": self._buffers[buffer], "offset": 0, "size": self._buffers[buffer].size} for buffer in buffers]
            if self.variant.kernels[number].uniform >= 0:
                resources.append({"buffer": uniforms, "offset": slot * UNIFORM_STRIDE, "size": UNIFORM_STRIDE})
            entries = [{"binding": binding, "resource": resource} for binding, resource in enumerate(resources)]
            return self._device.create_bind_group(layout=self._layouts[number], entries=entries)

        return [bind(slot, buffers) for slot, buffers in function.steps]

    def _buffer(self, content: bytes, usage: int) -> Any:
        return self._device.create_buffer_with_data(data=content, usage=usage)

    def _io(self, name: str) -> Any:
        return self._buffers[self.plan.io_base + [buffer.name for buffer in self.plan.io].index(name)]

    def _take(self, tokens: Sequence[int]) -> None:
        """Ids, and what a step reads of these in storage."""
        self._write("tokens", np.array(tokens, np.int32))
        for stored in self.plan.stored:
            rows = np.frombuffer(self._stored[stored.io], np.uint8).reshape(-1, stored.row_bytes)
            self._write(stored.io, rows[np.maximum(tokens, 0)])  # a picture's have the first, as in a page

    def _write(self, name: str, values: Array) -> None:
        """Make an io buffer begin with values."""
        self._device.queue.write_buffer(self._io(name), 0, values.tobytes())

    def _read(self, name: str, dtype: type[np.generic]) -> Array:
        return np.frombuffer(self._device.queue.read_buffer(self._io(name)), dtype)
