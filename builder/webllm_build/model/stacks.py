"""The tensors of a mixture's experts, in the forms that files have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from webllm_build.errors import MalformedFile
from webllm_build.source.checkpoint import Checkpoint, Format, Tensor, decode_rows, is_decodable, undecodable

EXPERT = "{expert}"  # in a name: the number of the expert
PLAIN = ("f32", "f16", "bf16")
BLOCK = 32
Raw = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Form:
    """What a file may have instead of one matrix [rows, columns] (or vector [rows]) of each expert.

    name: of one tensor [experts, rows, columns]; with EXPERT in it, of a tensor for each expert.
    half: the tensor has twice as many rows, of which these are the first (0) or the second (1) half; alternating: every other row.
    """

    name: str
    half: Literal[0, 1] | None = None
    alternating: bool = False

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
        encodings = {tensor.encoding for tensor in tensors}
        encoding = encodings.pop() if len(encodings) == 1 else "f32"
        each = count // len(tensors)

        def rows(tensor: Tensor) -> Raw:
            raw = self.taken(tensor.read().reshape(each, tensor.shape[-len(shape)], -1))
            raw = raw.reshape(-1, raw.shape[-1])
            return raw if tensor.encoding == encoding else decode_rows(raw, tensor.encoding, tensor.name).view(np.uint8)

        def read() -> Raw:
            return np.concatenate([rows(tensor) for tensor in tensors])

        return replace(tensors[0], shape=(count * shape[0], *shape[1:]), encoding=encoding, read=read)

    def taken(self, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Of rows [experts, rows, ...]."""
        if self.half is None:
            return rows
        return rows[:, self.half :: 2] if self.alternating else np.split(rows, 2, axis=1)[self.half]


class Transposed(Form):
    """A tensor [experts, columns, rows] of plain numbers."""

    def shapes(self, count: int, shape: tuple[int, ...]) -> Mapping[str, tuple[int, ...]]:
        ((name, (count, rows, columns)),) = super().shapes(count, shape).items()
        return {name: (count, columns, rows)}

    def joined(self, tensors: Sequence[Tensor], count: int, shape: tuple[int, ...]) -> Tensor:
        (tensor,) = tensors
        if tensor.encoding not in PLAIN:
            raise undecodable(tensor.name, f"{tensor.encoding}, columns first")

        def read() -> Raw:
            raw = tensor.read()
            rows = self.taken(raw.reshape(*tensor.shape, -1).swapaxes(1, 2))
            return np.ascontiguousarray(rows).reshape(count * shape[0], -1)

        return replace(tensor, shape=(count * shape[0], *shape[1:]), read=read)


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

        def read() -> Raw:
            blocks, scales = (self.taken(tensor.read().reshape(tensor.shape)) for tensor in tensors)
            numbers = np.stack([blocks & 15, blocks >> 4], axis=-1).reshape(*scales.shape, BLOCK)
            rows = np.concatenate([scales[..., None], numbers[..., : BLOCK // 2] | numbers[..., BLOCK // 2 :] << 4], axis=-1)
            return rows.reshape(count * shape[0], -1)

        return replace(tensors[0], shape=(count * shape[0], *shape[1:]), encoding="mxfp4", read=read)


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
