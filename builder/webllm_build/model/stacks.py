"""The tensors of a mixture's experts, in the forms that files have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from webllm_build.errors import MalformedFile
from webllm_build.source.checkpoint import Checkpoint, Format, Tensor, decode_rows, is_decodable, undecodable

EXPERT = "{expert}"  # in a name: the number of the expert
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

    def names(self, count: int) -> tuple[str, ...]:
        """Of all tensors that it takes."""
        return tuple(self.name.replace(EXPERT, str(expert)) for expert in range(count)) if EXPERT in self.name else (self.name,)

    def shape(self, count: int, shape: tuple[int, ...]) -> tuple[int, ...]:
        """That its tensors must have, where each expert has rows of this shape."""
        rows = shape[0] * (1 if self.half is None else 2)
        return (rows, *shape[1:]) if EXPERT in self.name else (count, rows, *shape[1:])

    def rows(self, tensor: Tensor, count: int) -> Raw:
        """uint8[experts, rows, bytes per row] of one of its tensors (of one expert, where each has its own)."""
        experts = 1 if EXPERT in self.name else count
        raw = tensor.read().reshape(experts, tensor.shape[0] if experts == 1 else tensor.shape[1], -1)
        if self.half is None:
            return raw
        return raw[:, self.half :: 2] if self.alternating else np.split(raw, 2, axis=1)[self.half]


@dataclass(frozen=True)
class Stack:
    """The rows of each of `count` experts, expert by expert: a source of a Weight. shape: of what one has. forms: that files of a format
    may have; the first that is there counts."""

    forms: Mapping[Format, Sequence[Form]]
    count: int
    shape: tuple[int, ...]

    def names(self, checkpoint: Checkpoint) -> tuple[str, ...]:
        """The tensors that it is read from."""
        return self._form(checkpoint).names(self.count)

    def tensor(self, checkpoint: Checkpoint) -> Tensor:
        """All of it, [count * rows, columns]. Raises MalformedFile where a tensor is missing or has another shape, UnsupportedEncoding."""
        form = self._form(checkpoint)
        names, expected = form.names(self.count), form.shape(self.count, self.shape)
        if missing := [name for name in names if name not in checkpoint.tensors]:
            raise MalformedFile(f"missing: {missing[0]}" + (f", and {len(missing) - 1} more like it" if len(missing) > 1 else ""))
        tensors = [checkpoint.tensors[name] for name in names]
        for tensor in tensors:
            if tensor.shape != expected:
                raise MalformedFile(f"shapes: {tensor.name} is {list(tensor.shape)}, and not {list(expected)}")
            if not is_decodable(tensor.encoding):
                raise undecodable(tensor.name, tensor.encoding)
        shape = (self.count * self.shape[0], *self.shape[1:])
        return _joined(tensors, shape, lambda tensor: form.rows(tensor, self.count))

    def _form(self, checkpoint: Checkpoint) -> Form:
        forms = self.forms[checkpoint.format]
        return next((form for form in forms if any(name in checkpoint.tensors for name in form.names(self.count))), forms[0])


def _joined(tensors: Sequence[Tensor], shape: tuple[int, ...], rows_of: Callable[[Tensor], Raw]) -> Tensor:
    """Tensors below each other, in the encoding that they share, or float32."""
    encodings = {tensor.encoding for tensor in tensors}
    encoding = encodings.pop() if len(encodings) == 1 else "f32"

    def rows(tensor: Tensor) -> Raw:
        raw = rows_of(tensor)
        raw = raw.reshape(-1, raw.shape[-1])
        return raw if tensor.encoding == encoding else decode_rows(raw, tensor.encoding, tensor.name).view(np.uint8)

    return replace(tensors[0], shape=shape, encoding=encoding, read=lambda: np.concatenate([rows(tensor) for tensor in tensors]))
