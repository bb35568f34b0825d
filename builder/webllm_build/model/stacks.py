"""The tensors of a mixture's experts, in the forms that files have them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from webllm_build.errors import MalformedFile
from webllm_build.source.checkpoint import Checkpoint, Format, Raw, Tensor, decode_rows, is_decodable, undecodable

EXPERT = "{expert}"  # in a name: the number of the expert
PLAIN = ("f32", "f16", "bf16")
BLOCK = 32


@dataclass(frozen=True)
class Form:
    """What a file may have instead of one matrix [rows, columns] (or vector [rows]) of each expert.

    name: of one tensor [experts, rows, columns]; with EXPERT in it, of a tensor for each expert.
    half: the tensor has twice as many rows, of which these are the first (0) or the second (1) half; alternating: every other row.
    """

    name: str
    half: Literal[0, 1] | None = None
    alternating: bool = False

    def of_layer(self, layer: int | None) -> Form:
        """With the number of the layer in the place of "{}" in names."""
        return replace(self, name=self.name.replace("{}", str(layer)))

    def shapes(self, count: int, shape: tuple[int, ...]) -> Mapping[str, tuple[int, ...]]:
        """Of the tensors that it takes, by their names, where each expert has rows of this shape."""
        rows = shape[0] * (1 if self.half is None else 2)
        if EXPERT in self.name:
            return {self.name.replace(EXPERT, str(expert)): (rows, *shape[1:]) for expert in range(count)}
        return {self.name: (count, rows, *shape[1:])}

    def joined(self, tensors: Sequence[Tensor], count: int, shape: tuple[int, ...]) -> Tensor:
        """All experts' rows below each other, in the encoding that the tensors share, or float32. Raises UnsupportedEncoding."""
        for tensor in tensors:
            if not is_decodable(tensor.encoding):
                raise undecodable(tensor.name, tensor.encoding)
        each = count // len(tensors)
        if len(shape) == 1:
            return self._vector(tensors, count, shape[0])
        encodings = {tensor.encoding for tensor in tensors}
        encoding = encodings.pop() if len(encodings) == 1 else "f32"

        def of_expert(expert: int, first: int, end: int) -> Raw:
            tensor, place = tensors[expert // each], self.place(shape[0], first, end)
            before = expert % each * tensor.shape[-2]
            raw = tensor.rows(before + place.start, before + place.stop)[:: place.step]
            return raw if tensor.encoding == encoding else decode_rows(raw, tensor.encoding, tensor.name).view(np.uint8)

        return _stacked(tensors[0], encoding, count, shape, of_expert)

    def _vector(self, tensors: Sequence[Tensor], count: int, size: int) -> Tensor:
        place = self.place(size, 0, size)

        def rows(first: int, end: int) -> Raw:
            values = np.concatenate([tensor.dequantize().reshape(-1, tensor.shape[-1])[:, place] for tensor in tensors])
            return np.ascontiguousarray(values).reshape(1, -1).view(np.uint8)

        return replace(tensors[0], shape=(count * size,), encoding="f32", rows=rows)

    def place(self, rows: int, first: int, end: int) -> slice:
        """Where rows first to end of an expert that has so many stand in its part of a tensor."""
        if self.half is None:
            return slice(first, end, 1)
        if self.alternating:
            return slice(2 * first + self.half, 2 * end + self.half - 1, 2)
        return slice(self.half * rows + first, self.half * rows + end, 1)


@dataclass(frozen=True)
class Scaled(Form):
    """Rows of each expert that are times its element of a vector [experts], of the name `factors`."""

    factors: str = ""

    def of_layer(self, layer: int | None) -> Form:
        name, factors = (name.replace("{}", str(layer)) for name in (self.name, self.factors))
        return replace(self, name=name, factors=factors)

    def shapes(self, count: int, shape: tuple[int, ...]) -> Mapping[str, tuple[int, ...]]:
        return {**super().shapes(count, shape), self.factors: (count,)}

    def joined(self, tensors: Sequence[Tensor], count: int, shape: tuple[int, ...]) -> Tensor:
        *matrices, factors = tensors
        matrix = super().joined(matrices, count, shape)

        def of_expert(expert: int, first: int, end: int) -> Raw:
            rows = matrix.rows(expert * shape[0] + first, expert * shape[0] + end)
            values = decode_rows(rows, matrix.encoding, matrix.name) * factors.dequantize()[expert]
            return np.ascontiguousarray(values, np.float32).view(np.uint8)

        return _stacked(matrix, "f32", count, shape, of_expert)


class Transposed(Form):
    """A tensor [experts, columns, rows] of plain numbers."""

    def shapes(self, count: int, shape: tuple[int, ...]) -> Mapping[str, tuple[int, ...]]:
        ((name, (count, rows, columns)),) = super().shapes(count, shape).items()
        return {name: (count, columns, rows)}

    def joined(self, tensors: Sequence[Tensor], count: int, shape: tuple[int, ...]) -> Tensor:
        (tensor,) = tensors
        if tensor.encoding not in PLAIN:
            raise undecodable(tensor.name, f"{tensor.encoding}, columns first")

        @functools.lru_cache(maxsize=2)
        def rows(expert: int) -> Raw:
            columns = tensor.rows(expert * tensor.shape[1], (expert + 1) * tensor.shape[1]).reshape(*tensor.shape[1:], -1)
            turned = columns.swapaxes(0, 1)
            return np.ascontiguousarray(turned[self.place(shape[0], 0, shape[0])]).reshape(shape[0], -1)

        return _stacked(tensor, tensor.encoding, count, shape, lambda expert, first, end: rows(expert)[first:end])


class Microscaled(Form):
    """Two tensors of bytes, MXFP4 as transformers has it: name_blocks [experts, rows, blocks, 16] with two numbers a byte, the first low,
    and name_scales [experts, rows, blocks]."""

    def shapes(self, count: int, shape: tuple[int, ...]) -> Mapping[str, tuple[int, ...]]:
        ((name, (count, rows, columns)),) = super().shapes(count, shape).items()
        blocks = (count, rows, columns // BLOCK)
        return {f"{name}_blocks": (*blocks, BLOCK // 2), f"{name}_scales": blocks}

    def joined(self, tensors: Sequence[Tensor], count: int, shape: tuple[int, ...]) -> Tensor:
        for tensor in tensors:
            if tensor.encoding != "u8":
                raise MalformedFile(f"encodings: {tensor.name} is in {tensor.encoding}, and not in bytes")

        def of_expert(expert: int, first: int, end: int) -> Raw:
            place = self.place(shape[0], first, end)
            blocks, scales = (_of_expert(tensor, expert, place) for tensor in tensors)
            numbers = np.stack([blocks & 15, blocks >> 4], axis=-1).reshape(*scales.shape, BLOCK)
            rows = np.concatenate([scales[..., None], numbers[..., : BLOCK // 2] | numbers[..., BLOCK // 2 :] << 4], axis=-1)
            return rows.reshape(end - first, -1)

        return _stacked(tensors[0], "mxfp4", count, shape, of_expert)


def _of_expert(tensor: Tensor, expert: int, place: slice) -> Raw:
    """Rows of an expert's part of a tensor [experts, rows, ...] of bytes."""
    inner = tensor.count // math.prod(tensor.shape[:2])  # rows of the tensor in one of the expert
    before = expert * tensor.shape[1]
    read = tensor.rows((before + place.start) * inner, (before + place.stop) * inner)
    return read.reshape(place.stop - place.start, *tensor.shape[2:])[:: place.step]


def _stacked(tensor: Tensor, encoding: str, count: int, shape: tuple[int, ...], of_expert: Callable[[int, int, int], Raw]) -> Tensor:
    """All experts' rows below each other. of_expert: gives rows of one, by their numbers in it."""

    def rows(first: int, end: int) -> Raw:
        experts = range(first // shape[0], -(-end // shape[0]))
        bounds = ((expert, max(first - expert * shape[0], 0), min(end - expert * shape[0], shape[0])) for expert in experts)
        return np.concatenate([of_expert(*each) for each in bounds])

    return replace(tensor, shape=(count * shape[0], *shape[1:]), encoding=encoding, rows=rows)


@dataclass(frozen=True)
class Stack:
    """The rows of each of `count` experts, expert by expert: a source of a Weight. shape: of what one has. forms: that files of a format
    may have; the first that is there counts."""

    forms: Mapping[Format, Sequence[Form]]
    count: int
    shape: tuple[int, ...]

    def names(self, checkpoint: Checkpoint) -> tuple[str, ...]:
        """The tensors that it is read from."""
        return tuple(self._form(checkpoint).shapes(self.count, self.shape))

    def tensor(self, checkpoint: Checkpoint) -> Tensor:
        """All of it, [count * rows, columns]. Raises MalformedFile where a tensor is missing or has another shape, UnsupportedEncoding."""
        form = self._form(checkpoint)
        shapes = form.shapes(self.count, self.shape)
        if missing := [name for name in shapes if name not in checkpoint.tensors]:
            raise MalformedFile(f"missing: {missing[0]}" + (f", and {len(missing) - 1} more like it" if len(missing) > 1 else ""))
        tensors = [checkpoint.tensors[name] for name in shapes]
        for tensor, expected in zip(tensors, shapes.values(), strict=True):
            if tensor.shape != expected:
                raise MalformedFile(f"shapes: {tensor.name} is {list(tensor.shape)}, and not {list(expected)}")
        return form.joined(tensors, self.count, self.shape)

    def _form(self, checkpoint: Checkpoint) -> Form:
        forms = self.forms[checkpoint.format]
        return next((form for form in forms if any(name in checkpoint.tensors for name in form.shapes(self.count, self.shape))), forms[0])
