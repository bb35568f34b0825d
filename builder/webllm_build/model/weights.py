"""The weights that a model declares: what to read from the checkpoint, what to make of it, and in which row order to pack it."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from webllm_build.errors import MalformedFile
from webllm_build.model.extents import Extent, padded
from webllm_build.model.stacks import EXPERT, Form, Stack
from webllm_build.source.checkpoint import Checkpoint, Format, Raw, Tensor, decode_rows, is_decodable, undecodable

RowOrder = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
PLAIN = ("f32", "f16", "bf16", "f64")  # encodings of vectors
LARGEST = float(np.finfo(np.float32).max)
FRAMES = 2  # of a film that towers take at once
Multiplier = float | tuple[tuple[int, float], ...]  # of all rows; or runs, how many rows have which


# How a file has the matrix of patches [rows, channel, row, column]: so; with channels last; with frames behind channels, which are alike in
# a picture, as extents or (frame_rows) as rows of numbers; or a tensor of each of two frames, the second's name with ".1" behind it.
PatchForm = Literal["plain", "channels_last", "frames", "frame_rows", "frame_tensors"]


@dataclass(frozen=True)
class Stored:
    """A tensor of one file format: its name, what its values lack (value = multiplier * stored + offset), and of how many heads the
    first `paired` rows are to be put back from rotary pairs side by side to halves. negated_exp: value = -exp(stored). half: 0 or 1, of
    a tensor that has the rows of two such parts. multiplier: of all rows, or one after the other of so many rows each.
    by_heads: so many heads have their queries, keys and values together, which are to be put one kind after the other.
    added: a tensor whose first row is added to every row. transposed: the tensor has columns as rows.
    joined: a tensor that may hold it in its place, among others: its name, the first row, and how many all have. patches: of a matrix of
    patches. bounds: values beyond float32's, which files may have as infinities, are its largest. softened: value =
    log(1 + exp(stored))."""

    name: str
    offset: float = 0.0
    multiplier: Multiplier = 1.0
    paired_heads: int = 0
    negated_exp: bool = False
    paired: int = 0
    half: int | None = None
    added: str | None = None
    by_heads: int = 0
    transposed: bool = False
    patches: PatchForm = "plain"
    bounds: bool = False
    softened: bool = False
    joined: tuple[str, int, int] | None = None


@dataclass(frozen=True)
class Source:
    """One tensor of a checkpoint, or rows of it. in_files: what it is in each format; shape: of the whole tensor; rows: (first, end) of
    those that are taken, all where None. flat: its elements are taken one after the other, as a vector, and extents of 1 do not count.
    inner: of a tensor of more than two extents, those behind the first, whose numbers are a row. padded: with zeros behind groups
    of each extent. factor: on all values. centred: each column is without its mean in each so many rows.
    tables: the tensor has so many of rows / tables rows, which stand one below the other; where its name has EXPERT, each is a tensor."""

    in_files: Mapping[Format, Stored]
    shape: tuple[int, ...]
    rows: tuple[int, int] | None = None
    flat: bool = False
    inner: tuple[int, ...] = ()
    padded: tuple[Extent, ...] | None = None
    factor: float = 1.0
    centred: int | None = None
    tables: int = 1

    @property
    def taken(self) -> int:
        """Number of rows."""
        return self.shape[0] if self.rows is None else self.rows[1] - self.rows[0]

    def stored_shape(self, format: Format) -> tuple[int, ...]:
        """Of the tensor in files of that format."""
        rows, *columns = self.shape
        if self.inner:
            return rows, *_patch_extents(self.in_files[format].patches, self.inner)
        if self.in_files[format].transposed:
            return *columns, rows
        if self.tables > 1 and EXPERT not in self.in_files[format].name:
            return self.tables, rows // self.tables, *columns
        return self.shape if self.in_files[format].half is None else (2 * rows, *columns)

    def names(self, checkpoint: Checkpoint) -> tuple[str, ...]:
        """The tensors that it is read from."""
        stored = self.in_files[checkpoint.format]
        if EXPERT in stored.name:
            return self._each(stored).names(checkpoint)
        others = (*((stored.added,) if stored.added is not None else ()), *self._frames(stored))
        is_joined = stored.joined is not None and stored.name not in checkpoint.tensors and stored.joined[0] in checkpoint.tensors
        return (stored.joined[0] if is_joined and stored.joined is not None else stored.name, *others)

    def _each(self, stored: Stored) -> Stack:
        """Of tables that have tensors of their own."""
        return Stack(dict.fromkeys(self.in_files, (Form(stored.name),)), self.tables, (self.shape[0] // self.tables, *self.shape[1:]))

    def _frames(self, stored: Stored) -> tuple[str, ...]:
        """Of a picture's second frame, which is like the first."""
        return (f"{stored.name}.1",) if self.inner and stored.patches == "frame_tensors" else ()

    def tensor(self, checkpoint: Checkpoint) -> Tensor:
        """The part of the checkpoint that this is, read and transformed when it is asked for. What needs no arithmetic keeps its encoding.

        Raises MalformedFile where the checkpoint has no such tensor, or one of another shape, UnsupportedEncoding.
        """
        stored = self.in_files[checkpoint.format]
        name, *_ = self.names(checkpoint)
        tensor = self._each(stored).tensor(checkpoint) if EXPERT in stored.name else checkpoint.tensors.get(name)
        if tensor is None:
            raise MalformedFile(f"missing: {name}")
        rows, shape = self.shape[0], self.stored_shape(checkpoint.format)
        if stored.joined is not None and name != stored.name:
            _, first, total = stored.joined
            if tensor.shape != (total, *shape[1:]):
                raise MalformedFile(f"shapes: {name} is {list(tensor.shape)}, and not {[total, *shape[1:]]}")
            tensor = tensor.taken(range(first, first + rows))
        tensor = _row(tensor) if shape == (1, *tensor.shape) else tensor
        tensor = replace(tensor, shape=shape) if len(shape) == 1 and tensor.shape == (1, *shape) else tensor
        if (_of_elements(tensor.shape, shape) != _of_elements(shape, shape)) if self.flat else tensor.shape != shape:
            raise MalformedFile(f"shapes: {stored.name} is {list(tensor.shape)}, and not {list(shape)}")
        if stored.half is not None:
            tensor = tensor.taken(range(stored.half * rows, (stored.half + 1) * rows))
        if self.flat:
            tensor = _flat(tensor)
        if self.tables > 1:
            tensor = replace(tensor, shape=self.shape)
        if len(tensor.shape) == 1 and tensor.encoding not in PLAIN:
            raise MalformedFile(f"encodings: {stored.name} is a vector in {tensor.encoding}, and not in one of {', '.join(PLAIN)}")
        if not is_decodable(tensor.encoding):
            raise undecodable(stored.name, tensor.encoding)
        if self.inner:
            frames = [tensor, *(checkpoint.tensors[name] for name in self._frames(stored) if name in checkpoint.tensors)]
            tensor = _of_patches(frames, stored.patches, self.inner)
        if stored.transposed:
            tensor = _transposed(tensor)
        if stored.paired_heads and stored.paired:
            tensor = tensor.taken(_in_halves(tensor.shape[0], stored.paired_heads, stored.paired))
        if stored.by_heads:
            tensor = tensor.taken(_by_kinds(tensor.shape[0], stored.by_heads))
        if self.rows is not None:
            tensor = tensor.taken(range(*self.rows))
        tensor = self._valued(tensor, stored, checkpoint)
        if self.centred is not None:
            tensor = _centred(tensor, self.centred)
        if self.factor != 1:
            tensor = _computed(tensor, lambda values, rows: values * np.float32(self.factor))
        return tensor if self.padded is None else padded(tensor, self.padded)

    @staticmethod
    def _valued(tensor: Tensor, stored: Stored, checkpoint: Checkpoint) -> Tensor:
        """With what its values lack."""
        if stored.negated_exp:
            return _computed(tensor, lambda values, rows: -np.exp(values))
        if stored.softened:
            return _computed(tensor, lambda values, rows: np.logaddexp(np.float32(0), values))
        if stored.bounds:
            return _computed(tensor, lambda values, rows: np.clip(values, -LARGEST, LARGEST))
        if stored.added is not None:
            return _computed(tensor, _adding(stored.added, checkpoint, tensor.shape[-1]))
        if (stored.multiplier, stored.offset) == (1.0, 0.0):
            return tensor
        return _computed(tensor, lambda values, rows: _scaled(values, stored.multiplier, rows) + np.float32(stored.offset))


@dataclass(frozen=True)
class Derivation:
    """How values of another shape are computed from a tensor's. name: says all that it depends on."""

    name: str
    of: Callable[[Floats], Floats] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Derived:
    """What is computed from a whole tensor when it is read: `derivation` makes numbers of this shape of its values, as float32."""

    source: Source
    shape: tuple[int, ...]
    derivation: Derivation

    def names(self, checkpoint: Checkpoint) -> tuple[str, ...]:
        return self.source.names(checkpoint)

    def tensor(self, checkpoint: Checkpoint) -> Tensor:
        """Raises what Source.tensor raises."""
        tensor = self.source.tensor(checkpoint)

        def rows(first: int, end: int) -> Raw:
            values = self.derivation.of(tensor.dequantize()).reshape(math.prod(self.shape[:-1]), -1)
            return np.ascontiguousarray(values[first:end], np.float32).view(np.uint8)

        return replace(tensor, shape=self.shape, encoding="f32", rows=rows)


@dataclass(frozen=True)
class Ones:
    """A vector that no file has: with it as its weights, a norm is one that has none. value: of each number."""

    length: int
    value: float = 1.0

    def names(self, checkpoint: Checkpoint) -> tuple[str, ...]:
        return ()

    def tensor(self, checkpoint: Checkpoint) -> Tensor:
        return Tensor.of("ones", (self.length,), "f32", np.full(self.length, self.value, np.float32).view(np.uint8))


class RowSource(Protocol):
    """Where rows of a weight come from."""

    def names(self, checkpoint: Checkpoint) -> tuple[str, ...]:
        """The tensors that they are read from."""

    def tensor(self, checkpoint: Checkpoint) -> Tensor:
        """All of them, read when they are asked for. Raises MalformedFile where the checkpoint does not have it, UnsupportedEncoding."""


@dataclass(frozen=True, eq=False)
class Weight:
    """One logical weight.

    Attributes:
        name: its name in the plan and the manifest, such as "layers.0.qkv".
        sources: whose rows are concatenated.
        shape: (rows, columns) of a "linear" weight, (length,) of a "vector", after concatenation.
        row_order: int64[rows] or None; packed row i is concatenated row row_order[i].
        kind: a "linear" weight is quantized, a "vector" stays float32.
        precision: "table" for embeddings, output heads and embedding models, where errors weigh most; "exact" for what decides which
            weights are read.
        resident: it is where kernels compute. Of one that is not, kernels get the rows of a call's tokens, and all of it stays in storage.
        experts: the weight is that of so many experts, one below the other; what is said of concatenation and of order is so of each.
        chosen: of these, how many a token goes through.
    """

    name: str
    sources: tuple[RowSource, ...]
    shape: tuple[int, ...]
    row_order: RowOrder | None = field(default=None, repr=False)
    kind: Literal["linear", "vector"] = "linear"
    precision: Literal["few", "table", "exact"] = "few"
    experts: int = 1
    resident: bool = True
    chosen: int = 1

    def tensors(self, checkpoint: Checkpoint) -> tuple[Tensor, ...]:
        """What the rows are, source by source. Raises MalformedFile where the checkpoint does not have it."""
        return tuple(source.tensor(checkpoint) for source in self.sources)

    def values(self, checkpoint: Checkpoint) -> npt.NDArray[np.float32]:
        """All values in the order of packing, float32[shape]."""
        parts = [tensor.dequantize() for tensor in self.tensors(checkpoint)]
        of_each = [part.reshape(self.experts, len(part) // self.experts, *part.shape[1:]) for part in parts]
        rows = np.concatenate(of_each, axis=1)
        rows = rows if self.row_order is None else rows[:, self.row_order]
        return rows.reshape(-1, *rows.shape[2:])

    def origins(self, tensors: Sequence[Tensor]) -> RowOrder:
        """Of each row in the order of packing, its number where the tensors of the sources stand one below the other."""
        counts = [tensor.shape[0] for tensor in tensors]
        firsts = np.cumsum([0, *counts[:-1]])
        of_each = [
            (first + np.arange(count)).reshape(self.experts, count // self.experts) for first, count in zip(firsts, counts, strict=True)
        ]
        rows = np.concatenate(of_each, axis=1)
        return (rows if self.row_order is None else rows[:, self.row_order]).reshape(-1)


def _of_elements(shape: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[int, ...]:
    """What must be equal of shapes whose elements are taken one after the other: how many a vector, or each row, has."""
    extents = tuple(extent for extent in shape if extent != 1)
    return (*extents[:1], math.prod(extents[1:])) if wanted[-1] > 1 else (math.prod(extents),)


def _row(tensor: Tensor) -> Tensor:
    """A vector as a matrix of one row."""
    return replace(tensor, shape=(1, *tensor.shape))


def _flat(tensor: Tensor) -> Tensor:
    return replace(tensor, shape=(math.prod(tensor.shape),), rows=lambda first, end: tensor.read().reshape(1, -1))


def _patch_extents(form: PatchForm, inner: tuple[int, ...]) -> tuple[int, ...]:
    """Of a tensor's rows, for patches [channel, row, column]."""
    channels, *size = inner
    frames = (channels, FRAMES, *size)
    return {"channels_last": (math.prod(inner),), "frames": frames, "frame_rows": (math.prod(frames),)}.get(form, inner)


def _of_patches(tensors: Sequence[Tensor], form: PatchForm, inner: tuple[int, ...]) -> Tensor:
    """The matrix of patches, whose rows have all that is behind the first extent: the sum of those of all frames."""
    (count, *extents), (channels, *size) = tensors[0].shape, inner
    each = math.prod(extents[:-1])
    plain = replace(
        tensors[0],
        shape=(count, math.prod(inner)),
        rows=lambda first, end: tensors[0].rows(first * each, end * each).reshape(end - first, -1),
    )
    if form == "plain":
        return plain

    def rows(first: int, end: int) -> Raw:
        given = [decode_rows(tensor.rows(first * each, end * each), tensor.encoding, tensor.name) for tensor in tensors]
        values = np.sum([part.reshape(end - first, *extents) for part in given], axis=0)
        if form in ("frames", "frame_rows"):
            values = values.reshape(end - first, channels, FRAMES, *size).sum(2)
        if form == "channels_last":
            values = np.moveaxis(values.reshape(end - first, *size, channels), -1, 1)
        return np.ascontiguousarray(values.reshape(end - first, -1), np.float32).view(np.uint8)

    return replace(plain, encoding="f32", rows=rows)


def _transposed(tensor: Tensor) -> Tensor:
    @functools.lru_cache(maxsize=1)
    def turned() -> Raw:
        return np.ascontiguousarray(tensor.dequantize().T).view(np.uint8)

    return replace(tensor, shape=tensor.shape[::-1], encoding="f32", rows=lambda first, end: turned()[first:end])


def _centred(tensor: Tensor, size: int) -> Tensor:
    """As float32, each column without its mean in each group of so many rows; of a vector, each number without that of its group."""
    if len(tensor.shape) == 1:
        return _computed(tensor, lambda values, rows: _without_mean(values.reshape(-1, 1), size).reshape(values.shape))

    def rows(first: int, end: int) -> Raw:
        begin, until = first // size * size, -(-end // size) * size
        values = decode_rows(tensor.rows(begin, until), tensor.encoding, tensor.name)
        return np.ascontiguousarray(_without_mean(values, size)[first - begin : end - begin], np.float32).view(np.uint8)

    return replace(tensor, encoding="f32", rows=rows)


def _without_mean(values: Floats, size: int) -> Floats:
    groups = values.reshape(-1, size, values.shape[-1])
    found: Floats = groups - groups.mean(1, keepdims=True)
    return found.reshape(values.shape)


@functools.cache
def _in_halves(rows: int, heads: int, paired: int) -> RowOrder:
    """The inverse of what llama.cpp's converter does to heads: it puts element i + paired/2 after element i."""
    pairs, still = np.split(np.arange(rows).reshape(heads, -1), [paired], axis=1)
    halves = pairs.reshape(heads, paired // 2, 2).swapaxes(1, 2).reshape(pairs.shape)
    return _frozen(np.concatenate([halves, still], axis=1).reshape(-1))


@functools.cache
def _by_kinds(rows: int, heads: int) -> RowOrder:
    return _frozen(np.arange(rows).reshape(heads, 3, -1).swapaxes(0, 1).reshape(-1))


def _adding(name: str, checkpoint: Checkpoint, columns: int) -> Callable[[Floats, slice], Floats]:
    tensor = checkpoint.tensors.get(name)
    if tensor is None or tensor.shape[-1] != columns or not is_decodable(tensor.encoding):
        raise MalformedFile(f"missing: {name}, with {columns} columns")

    @functools.cache
    def row() -> Floats:
        return decode_rows(tensor.rows(0, 1), tensor.encoding, name)[:1]

    return lambda values, rows: values + row()


def _scaled(values: Floats, multiplier: Multiplier, taken: slice) -> Floats:
    if isinstance(multiplier, float):
        return values * np.float32(multiplier)
    counts, factors = zip(*multiplier, strict=True)
    rows = np.repeat(np.array(factors, np.float32), counts)[taken]
    return (values.reshape(len(rows), -1) * rows[:, None]).reshape(values.shape)


def _computed(tensor: Tensor, of: Callable[[Floats, slice], Floats]) -> Tensor:
    """of: makes values of those that are stored, in these rows of a matrix, or places of a vector."""

    def rows(first: int, end: int) -> Raw:
        taken = slice(first, end) if len(tensor.shape) > 1 else slice(None)
        with np.errstate(over="ignore"):  # infinities are found when values are packed
            values = of(decode_rows(tensor.rows(first, end), tensor.encoding, tensor.name), taken)
        return np.ascontiguousarray(values, np.float32).view(np.uint8)

    return replace(tensor, encoding="f32", rows=rows)


@functools.cache
def adjacent_rotary_pairs(heads: int, head_dim: int, turned: int, parts: int = 1) -> RowOrder:
    """Row order that turns halves (i, i + turned/2) of the first elements of each head, or of each of its parts, as Hugging Face stores
    them, into neighbours (2i, 2i + 1); others stay.

    Dot products of queries and keys do not change, and a kernel finds both elements of a rotation side by side.
    """
    heads, head_dim, turned = heads * parts, head_dim // parts, turned // parts
    pairs = np.concatenate([np.arange(turned).reshape(2, turned // 2).T.reshape(-1), np.arange(turned, head_dim)])
    return _frozen((np.arange(heads)[:, None] * head_dim + pairs).reshape(-1))


@functools.cache
def qkv_row_order(heads: int, kv_heads: int, head_dim: int, turned: int, gate: int = 0, parts: int = 1) -> RowOrder:
    """Row order of concatenated query, key and value projections: rotary pairs adjacent in queries and keys. parts: of a head (Rope).

    gate: rows of each head's output gate, which come last. Where there are head_dim, files have them behind each head's queries.
    """
    rotated = adjacent_rotary_pairs(heads + kv_heads, head_dim, turned, parts)
    order = np.concatenate([rotated, np.arange(len(rotated), len(rotated) + kv_heads * head_dim + heads * gate)])
    if gate == head_dim:
        queries, gates = np.arange(2 * heads * head_dim).reshape(heads, 2, head_dim).swapaxes(0, 1).reshape(2, -1)
        rest = 2 * len(queries) + np.arange(2 * kv_heads * head_dim)
        order = np.concatenate([queries, rest, gates])[order]
    return _frozen(order)


@functools.cache
def taps_first(channels: int, kernel: int, bias: bool) -> RowOrder:
    """Order of a convolution's weights [channels, kernel] and of a bias behind them: the first tap of all channels, then the second, ..."""
    taps = np.arange(channels * kernel).reshape(channels, kernel).T.reshape(-1)
    return _frozen(np.concatenate([taps, np.arange(len(taps), len(taps) + channels * bias)]))


@functools.cache
def interleaved_halves(rows: int) -> RowOrder:
    """Row order that puts row i of the second half after row i of the first: gate and up of one channel become neighbours."""
    return _frozen(np.arange(rows).reshape(2, rows // 2).T.reshape(-1))


def _frozen(order: RowOrder) -> RowOrder:
    """Layers share row orders."""
    order.flags.writeable = False
    return order
