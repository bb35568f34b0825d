"""What files call the parts of a model."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from webllm_build.model.extents import Extent
from webllm_build.model.routing import Routing
from webllm_build.model.stacks import Form, Stack
from webllm_build.model.weights import Derivation, Derived, Multiplier, Ones, PatchForm, RowOrder, RowSource, Source, Stored, Weight
from webllm_build.source.checkpoint import Format

BLOCK = 32  # numbers of a row that share a scale


@dataclass(frozen=True)
class FileNames:
    """One file format's side of an architecture.

    tensors: part of the model → name of its tensor, without ".weight" or ".bias" where it ends so; "{}" stands for the number of the layer.
    norm_offset: what stored norms lack: 1 where a file holds w and the model multiplies by 1 + w.
    offset_norms: the parts whose norms lack it; None: all.
    logarithms: parts of which a file has log(-a) where the model has a.
    softened: parts of which a file has a where the model has log(1 + exp(a)).
    rotary_pairs: the rows of queries and keys lie with the two elements of a rotation side by side, and not half a head apart.
    experts: part → the forms that its tensors may have, where a layer has it once for each expert; "{}" as in tensors.
    halves: parts that are the first or the second half of the rows of their tensor, which two share.
    bare: parts whose tensors' names have no ".weight" behind them.
    by_heads: parts of which each head has its queries, keys and values together.
    added: part → a tensor whose first row is added to every row.
    transposed: parts whose matrices have columns as rows.
    patches: how the matrix of patches of pictures lies in the file.
    bounds: parts that are bounds of other values, of which infinite ones say that there is none.
    multipliers: part, or its name with ".bias" → what its values lack as a factor.
    """

    tensors: Mapping[str, str]
    norm_offset: float = 0.0
    rotary_pairs: bool = False
    experts: Mapping[str, Sequence[Form]] = field(default_factory=dict)
    halves: Mapping[str, int] = field(default_factory=dict)
    logarithms: frozenset[str] = frozenset()
    bare: frozenset[str] = frozenset()
    by_heads: frozenset[str] = frozenset()
    added: Mapping[str, str] = field(default_factory=dict)
    transposed: frozenset[str] = frozenset()
    offset_norms: frozenset[str] | None = None
    patches: PatchForm = "plain"
    multipliers: Mapping[str, Multiplier] = field(default_factory=dict)
    bounds: frozenset[str] = frozenset()
    softened: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Names:
    """ones: parts that no file has, of norms without weights."""

    hugging_face: FileNames
    gguf: FileNames
    ones: frozenset[str] = field(default=frozenset(), kw_only=True)

    @property
    def formats(self) -> Mapping[Format, FileNames]:
        return {"hugging_face": self.hugging_face, "gguf": self.gguf}

    def plus(self, tensors: Mapping[str, str]) -> Names:
        """With tensors that both formats call the same."""
        files = (replace(file, tensors={**file.tensors, **tensors}) for file in (self.hugging_face, self.gguf))
        return Names(*files, ones=self.ones)


# What most decoders are called: architectures take these, and add their own.
HUGGING_FACE: Mapping[str, str] = {
    "embedding": "model.embed_tokens",
    "norm": "model.norm",
    "head": "lm_head",
    "attention_norm": "model.layers.{}.input_layernorm",
    "q": "model.layers.{}.self_attn.q_proj",
    "k": "model.layers.{}.self_attn.k_proj",
    "v": "model.layers.{}.self_attn.v_proj",
    "o": "model.layers.{}.self_attn.o_proj",
    "mlp_norm": "model.layers.{}.post_attention_layernorm",
    "gate": "model.layers.{}.mlp.gate_proj",
    "up": "model.layers.{}.mlp.up_proj",
    "down": "model.layers.{}.mlp.down_proj",
}
GGUF: Mapping[str, str] = {
    "embedding": "token_embd",
    "norm": "output_norm",
    "head": "output",
    "attention_norm": "blk.{}.attn_norm",
    "q": "blk.{}.attn_q",
    "k": "blk.{}.attn_k",
    "v": "blk.{}.attn_v",
    "o": "blk.{}.attn_output",
    "mlp_norm": "blk.{}.ffn_norm",
    "gate": "blk.{}.ffn_gate",
    "up": "blk.{}.ffn_up",
    "down": "blk.{}.ffn_down",
}

# What a converter to GGUF may be told to join, in which tensor.
JOINED: Mapping[str, str] = dict.fromkeys((GGUF["q"], GGUF["k"], GGUF["v"]), "blk.{}.attn_qkv")

# Of heads of queries and keys, and behind blocks.
QK_NORMS: Mapping[str, str] = {"q_norm": "model.layers.{}.self_attn.q_norm", "k_norm": "model.layers.{}.self_attn.k_norm"}
QK_NORMS_GGUF: Mapping[str, str] = {"q_norm": "blk.{}.attn_q_norm", "k_norm": "blk.{}.attn_k_norm"}
OUT_NORMS: Mapping[str, str] = {
    "attention_out_norm": "model.layers.{}.post_attention_layernorm",
    "mlp_out_norm": "model.layers.{}.post_feedforward_layernorm",
}
OUT_NORMS_GGUF: Mapping[str, str] = {"attention_out_norm": "blk.{}.post_attention_norm", "mlp_out_norm": "blk.{}.post_ffw_norm"}
# Of layers with Mamba-2.
MAMBA_HUGGING_FACE: Mapping[str, str] = {
    "mamba_in": "model.layers.{}.mamba.in_proj",
    "mamba_conv": "model.layers.{}.mamba.conv1d",
    "mamba_a": "model.layers.{}.mamba.A_log",
    "mamba_d": "model.layers.{}.mamba.D",
    "mamba_dt": "model.layers.{}.mamba.dt_bias",
    "mamba_norm": "model.layers.{}.mamba.norm",
    "mamba_out": "model.layers.{}.mamba.out_proj",
}
MAMBA_GGUF: Mapping[str, str] = {
    "mamba_in": "blk.{}.ssm_in",
    "mamba_conv": "blk.{}.ssm_conv1d",
    "mamba_a": "blk.{}.ssm_a",
    "mamba_d": "blk.{}.ssm_d",
    "mamba_dt": "blk.{}.ssm_dt.bias",
    "mamba_norm": "blk.{}.ssm_norm",
    "mamba_out": "blk.{}.ssm_out",
}


def in_blocks(length: int) -> int:
    """The next length that blocks divide."""
    return -(-length // BLOCK) * BLOCK


@dataclass(frozen=True)
class Part:
    """Rows of a weight: a key of FileNames.tensors. heads: of a projection of which each head's first `turned` elements turn afterwards,
    else 0. Of a vector also: columns, of a matrix whose elements it takes; suffix: of the tensor's name, "weight", "bias" or none.
    padded: each so many rows have zeros behind them up to so many. centred: each column is without its mean in each so many rows."""

    name: str
    rows: int
    heads: int = 0
    turned: int = 0
    columns: int = 1
    suffix: str = "weight"
    padded: tuple[int, int] | None = None
    centred: int | None = None


@dataclass(frozen=True)
class Place:
    """Declares the weights of one layer, or (layer None) of what is outside of layers. precision: of its matrices. padded: rows and columns
    of matrices, and biases, have zeros behind them up to a multiple of BLOCK. before: layers before the one that files call 0."""

    names: Names
    layer: int | None = None
    precision: Literal["few", "table"] = "few"
    padded: bool = False
    before: int = 0

    def size(self, length: int) -> int:
        """What it is with zeros behind it."""
        return in_blocks(length) if self.padded else length

    def extent(self, length: int, padded: tuple[int, int] | None = None) -> Extent:
        """padded: as Part has it."""
        return Extent(1, length, self.size(length)) if padded is None else Extent(length // padded[0], *padded)

    def table(self, name: str, rows: int, columns: int) -> Weight:
        """An embedding or an output head."""
        return Weight(self._name(name), (self._source(Part(name, rows), columns),), (rows, columns), precision="table")

    def some_rows(self, name: str, rows: int, columns: int, taken: int) -> Weight:
        """The first rows of a table of [rows, columns] that stays in storage."""
        source = replace(self._source(Part(name, rows), columns), rows=None if taken == rows else (0, taken))
        return Weight(self._name(name), (source,), (taken, columns), resident=False)

    def rows(self, name: str, rows: int, columns: int, first: int, end: int) -> Weight:
        """Some rows of a table of [rows, columns], behind each other, as a vector."""
        source = replace(self._source(Part(name, rows), columns), rows=(first, end))
        return Weight(self._name(name), (source,), ((end - first) * columns,), kind="vector")

    def matrix(
        self,
        name: str,
        parts: Sequence[Part],
        columns: int,
        order: RowOrder | None = None,
        *,
        padded: tuple[int, int] | None = None,
        factor: float = 1.0,
    ) -> Weight:
        """padded: of columns, as Part has it for rows. factor: on all values."""
        sources = tuple(self._source(part, columns, before=before, padded=padded, factor=factor) for part, before in _in_turn(parts))
        shape = (sum(self.extent(part.rows, part.padded).size for part in parts), self.extent(columns, padded).size)
        return Weight(self._name(name), sources, shape, order, precision=self.precision)

    def merged(self, name: str, source: RowSource, shape: tuple[int, int]) -> Weight:
        """A matrix that is computed of several tensors."""
        return Weight(self._name(name), (source,), shape, precision=self.precision)

    def patches(self, name: str, rows: int, inner: tuple[int, ...]) -> Weight:
        """A convolution [rows, *inner] as the matrix that multiplies the numbers of patches."""
        columns = math.prod(inner)
        source = replace(self._source(Part(name, rows), columns), inner=inner)
        return Weight(self._name(name), (source,), (self.size(rows), self.size(columns)), precision=self.precision)

    def exact(self, name: str, parts: Sequence[Part], columns: int, tables: int = 1) -> Weight:
        """A matrix that keeps its precision, and is small. tables: see Source."""
        weight = self.matrix(name, parts, columns)
        return replace(weight, sources=tuple(replace(self._source(part, columns), tables=tables) for part in parts), precision="exact")

    def bias(self, name: str, parts: Sequence[Part], order: RowOrder | None = None) -> Weight:
        sources = tuple(self._source(part, suffix="bias", before=before) for part, before in _in_turn(parts))
        return Weight(self._name(name), sources, (sum(self.extent(part.rows, part.padded).size for part in parts),), order, "vector")

    def norm(
        self, name: str, parts: Sequence[Part], order: RowOrder | None = None, *, factor: float = 1.0, of_heads: bool = False
    ) -> Weight:
        """The weights of a norm. factor: on all of them. of_heads: files have them as a matrix, in which a row is a head's."""
        extents = [replace(self, padded=False).extent(part.rows, part.padded) for part in parts]
        sources = tuple(
            Ones(extent.size, factor) if part.name in self.names.ones else self._norm(part, factor, of_heads=of_heads)
            for part, extent in zip(parts, extents, strict=True)
        )
        return Weight(self._name(name), sources, (sum(extent.size for extent in extents),), order, "vector")

    def _norm(self, part: Part, factor: float, *, of_heads: bool) -> Source:
        source = self._source(part, norm=True, factor=factor)
        return replace(source, flat=True, tables=part.heads) if of_heads else source

    def vector(self, name: str, parts: Sequence[Part], order: RowOrder | None = None) -> Weight:
        """Elements of vectors and small matrices, one after the other."""
        sources = tuple(self._source(part, part.columns, suffix=part.suffix, flat=True) for part in parts)
        return Weight(self._name(name), sources, (sum(part.rows * part.columns for part in parts),), order, "vector")

    def derived(
        self, name: str, part: Part, columns: int, shape: tuple[int, ...], derivation: Derivation, inner: tuple[int, ...] = ()
    ) -> Weight:
        """A vector that is computed from a matrix, or of one column from a vector. inner: as `patches` has it."""
        source = replace(self._source(part, columns, suffix=part.suffix, flat=columns == 1), inner=inner)
        return Weight(self._name(name), (Derived(source, shape, derivation),), shape, kind="vector")

    def stack(self, name: str, parts: Sequence[Part], routing: Routing, *columns: int, order: RowOrder | None = None) -> Weight:
        """The matrices of all experts, or without columns their vectors. parts, order: of each."""
        count = routing.count
        sources = tuple(Stack(self._forms(part.name), count, (part.rows, *columns)) for part in parts)
        shape = (count * sum(part.rows for part in parts), *columns)
        return Weight(self._name(name), sources, shape, order, "linear" if columns else "vector", experts=count, chosen=routing.chosen)

    def _forms(self, part: str) -> Mapping[Format, Sequence[Form]]:
        """Its forms in this layer."""
        return {format: [form.of_layer(self.layer) for form in file.experts[part]] for format, file in self.names.formats.items()}

    def _name(self, weight: str) -> str:
        return weight if self.layer is None else f"layers.{self.before + self.layer}.{weight}"

    def _source(
        self,
        part: Part,
        *columns: int,
        suffix: str = "weight",
        norm: bool = False,
        flat: bool = False,
        before: tuple[int, int] = (0, 0),
        padded: tuple[int, int] | None = None,
        factor: float = 1.0,
    ) -> Source:
        """before: rows of the parts of its weight before it, and of all. padded, factor: see `matrix`."""

        def stored(file: FileNames) -> Stored:
            end = [suffix] if suffix and part.name not in file.bare else []
            name = ".".join([file.tensors[part.name].format(self.layer), *end])
            whole = JOINED.get(file.tensors[part.name])
            joined = None if whole is None else (".".join([whole.format(self.layer), *end]), *before)
            pairs = (part.heads, part.turned) if file.rotary_pairs else (0, 0)
            has_offset = norm and (file.offset_norms is None or part.name in file.offset_norms)
            offset, is_logarithm = file.norm_offset if has_offset else 0.0, part.name in file.logarithms
            half, multiplier = file.halves.get(part.name), file.multipliers.get(f"{part.name}.bias" if suffix == "bias" else part.name, 1.0)
            by_heads, is_turned = part.heads if part.name in file.by_heads else 0, part.name in file.transposed and bool(columns)
            added = file.added.get(part.name)
            flags = (part.name in file.bounds, part.name in file.softened)
            return Stored(
                name, offset, multiplier, pairs[0], is_logarithm, pairs[1], half, added, by_heads, is_turned, file.patches, *flags, joined
            )

        place = replace(self, padded=False) if norm else self
        extents = (place.extent(part.rows, part.padded), *(place.extent(length, padded) for length in columns))
        in_files = {format: stored(file) for format, file in self.names.formats.items()}
        is_whole = all(extent.length == extent.padded for extent in extents)
        return Source(in_files, (part.rows, *columns), flat=flat, padded=None if is_whole else extents, factor=factor, centred=part.centred)


def _in_turn(parts: Sequence[Part]) -> Iterator[tuple[Part, tuple[int, int]]]:
    """Each with the rows of those before it, and of all."""
    firsts = itertools.accumulate((part.rows for part in parts), initial=0)
    total = sum(part.rows for part in parts)
    return ((part, (first, total)) for part, first in zip(parts, firsts, strict=False))
