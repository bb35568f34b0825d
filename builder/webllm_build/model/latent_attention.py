"""Multi-head latent attention (https://arxiv.org/abs/2405.04434): keys and values of all heads come of one short vector of a token.

That vector is what the cache keeps, beside the part of the keys that turns. What heads would make keys of it is put into their queries, and
what would make values of it into the output matrix, when weights are packed, so that to kernels it is attention with a single key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from webllm_build.model.attention import Attention, Rope
from webllm_build.model.names import Part, Place
from webllm_build.model.ops import Operators, Tensor
from webllm_build.model.state import Pages, State
from webllm_build.model.weights import Floats, Source, Weight, adjacent_rotary_pairs
from webllm_build.source import checkpoint as stored
from webllm_build.source.checkpoint import Checkpoint, Raw, decode_rows


@dataclass(frozen=True)
class LatentAttention:
    """heads: of queries. query_rank: of the vector that queries come of. rank: of that of keys and values. still, turned, value: sizes of a
    head's keys, of which the first part does not turn, and of its values. rope: of heads of `turned`. scale: of products of queries and
    keys. eps: of the norms of both vectors."""

    heads: int
    query_rank: int
    rank: int
    still: int
    turned: int
    value: int
    rope: Rope
    scale: float
    eps: float

    @property
    def attention(self) -> Attention:
        """Of heads that are such a vector, and behind it what turns."""
        before = (0.0,) * (self.rank // 2)
        long = self.rope.long_inv_freq
        rope = replace(self.rope, inv_freq=(*before, *self.rope.inv_freq), long_inv_freq=None if long is None else (*before, *long))
        return Attention(self.heads, 1, self.rank + self.turned, self.scale, rope)

    @property
    def sizes(self) -> Mapping[str, int]:
        return {"q_lora_rank": self.query_rank, "kv_lora_rank": self.rank, "heads * v_head_dim": self.heads * self.value}

    def at(self, place: Place, hidden: int) -> _LatentAttention:
        return _LatentAttention(self, place, hidden)


class _LatentAttention:
    def __init__(self, description: LatentAttention, place: Place, hidden: int) -> None:
        self._of, self._attention = description, description.attention.must_fit()
        of, head = description, description.attention.head_dim
        self._q_a = place.matrix("q_a", [Part("q_a", of.query_rank)], hidden)
        self._q_a_norm = place.norm("q_a_norm", [Part("q_a_norm", of.query_rank)])
        pairs = adjacent_rotary_pairs(1, of.turned, of.turned)
        self._kv_a = place.matrix("kv_a", [Part("kv_a", head)], hidden, np.concatenate([np.arange(of.rank), of.rank + pairs]))
        self._kv_a_norm = place.norm("kv_a_norm", [Part("kv_a_norm", of.rank)])
        key_size = of.still + of.turned
        sources = [
            source
            for name, rows, columns in (
                ("q_b", of.heads * key_size, of.query_rank),
                ("kv_b", of.heads * (of.still + of.value), of.rank),
                ("o", hidden, of.heads * of.value),
            )
            for source in place.matrix(name, [Part(name, rows)], columns).sources
        ]
        q_b, kv_b, o = (source for source in sources if isinstance(source, Source))
        queries = Merged(q_b, kv_b, (of.heads * head, of.query_rank), f"queries {of}", self._queries)
        outputs = Merged(o, kv_b, (hidden, of.heads * head), f"outputs {of}", self._outputs)
        self._q, self._o = place.merged("q", queries, queries.shape), place.merged("o", outputs, outputs.shape)
        self._state = Pages(f"kv{place.layer}", of.heads, 1, head)

    @property
    def weights(self) -> tuple[Weight, ...]:
        return (self._q_a, self._q_a_norm, self._q, self._kv_a, self._kv_a_norm, self._o)

    @property
    def states(self) -> tuple[State, ...]:
        return (self._state,)

    @property
    def ropes(self) -> tuple[Rope, ...]:
        return (self._attention.rope,)

    def remember(self, ops: Operators[Tensor], x: Tensor, norm: Weight | None) -> Tensor:
        """Leaves vectors of keys and values in its state, and gives that."""
        return ops.remember(self._qkv(ops, x, norm), self._attention, self._state.name)

    def __call__(self, ops: Operators[Tensor], x: Tensor, norm: Weight | None, residual: Tensor | None) -> Tensor:
        mixed = ops.attention(self._qkv(ops, x, norm), self._attention, self._state.name)
        return ops.linear(mixed, self._o, residual=residual)

    def _qkv(self, ops: Operators[Tensor], x: Tensor, norm: Weight | None) -> Tensor:
        """The vector is key and value; what turns of the key comes with the value, to which no output belongs."""
        of = self._of
        q_a = ops.norm_parts(ops.linear(x, self._q_a, norm=norm), self._q_a_norm, (of.query_rank,), of.eps)
        kv = ops.norm_parts(ops.linear(x, self._kv_a, norm=norm), self._kv_a_norm, (of.rank,), of.eps)
        return ops.join([ops.linear(q_a, self._q), kv, kv])

    def _queries(self, first: int, end: int, q_b: stored.Tensor, kv_b: stored.Tensor) -> Floats:
        """Rows of all heads' queries: of what does not turn times the transposed matrix that would make keys."""
        of, head = self._of, self._attention.head_dim
        pairs = adjacent_rotary_pairs(1, of.turned, of.turned)

        def of_head(number: int) -> Floats:
            rows = _rows(q_b, number * (of.still + of.turned), of.still + of.turned)
            keys = _rows(kv_b, number * (of.still + of.value), of.still)
            return np.concatenate([keys.T @ rows[: of.still], rows[of.still :][pairs]])

        heads = range(first // head, -(-end // head))
        found: Floats = np.concatenate([of_head(number) for number in heads])[first - heads.start * head :][: end - first]
        return found

    def _outputs(self, first: int, end: int, o: stored.Tensor, kv_b: stored.Tensor) -> Floats:
        """Rows of the output matrix, whose columns are those of heads' vectors."""
        of, count = self._of, end - first
        rows = _rows(o, first, count).reshape(count, of.heads, of.value)
        values = _rows(kv_b, 0, kv_b.shape[0]).reshape(of.heads, of.still + of.value, of.rank)[:, of.still :]
        of_vectors = np.matmul(rows.swapaxes(0, 1), values).swapaxes(0, 1)
        still: Floats = np.zeros((count, of.heads, of.turned), np.float32)
        return np.concatenate([of_vectors, still], axis=2).reshape(count, -1)


def _rows(tensor: stored.Tensor, first: int, count: int) -> Floats:
    return decode_rows(tensor.rows(first, first + count), tensor.encoding, tensor.name)


@dataclass(frozen=True)
class Merged:
    """A matrix of this shape, as float32, of which some rows are computed of two tensors when they are read. name: all that this depends
    on."""

    one: Source
    other: Source
    shape: tuple[int, int]
    name: str
    of: Callable[[int, int, stored.Tensor, stored.Tensor], Floats]

    def names(self, checkpoint: Checkpoint) -> tuple[str, ...]:
        return (*self.one.names(checkpoint), *self.other.names(checkpoint))

    def tensor(self, checkpoint: Checkpoint) -> stored.Tensor:
        """Raises what Source.tensor raises."""
        one, other = (source.tensor(checkpoint) for source in (self.one, self.other))

        @lru_cache(maxsize=1)
        def rows(first: int, end: int) -> Raw:
            return np.ascontiguousarray(self.of(first, end, one, other), np.float32).view(np.uint8)

        return replace(one, shape=self.shape, encoding="f32", rows=rows)
