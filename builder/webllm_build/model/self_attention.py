"""Attention as a layer's mixer: queries, keys and values by one matrix, and what the heads give by another."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from webllm_build.model.attention import Attention, Rope
from webllm_build.model.names import Part, Place
from webllm_build.model.ops import Operators, Tensor
from webllm_build.model.state import Pages, State
from webllm_build.model.weights import Weight, adjacent_rotary_pairs, qkv_row_order


@dataclass(frozen=True)
class SelfAttention:
    """qkv_bias: queries, keys and values have biases. out_bias: so has the output. fused: files hold queries, keys and values as one matrix
    "qkv". whole_norm: the epsilon of RMS norms of all queries and of all keys of a token, before they turn; none where None. Gates of
    outputs are a matrix "output_gate" where each head has one; where it has one for each element, rows of "q" behind the head's queries.
    head_norm: the epsilon of layer normalisations of each head of queries and of keys, with weights of its own and no bias, before they
    turn; none where None. They are RMS norms here, of heads whose mean is taken away as the matrix is read.
    keys_of: the layer whose keys and values this one attends to, and has none; None: its own. keys_as_values: "k" is also "v".
    clip: queries, keys and values, behind such norms, are within so much of 0; None: wherever they are. Where `attention` says `normed`,
    the weights of that norm are "heads_norm"."""

    attention: Attention
    qkv_bias: bool = False
    fused: bool = False
    out_bias: bool = False
    whole_norm: float | None = None
    head_norm: float | None = None
    keys_of: int | None = None
    keys_as_values: bool = False
    clip: float | None = None

    @property
    def sizes(self) -> Mapping[str, int]:
        return {}

    def at(self, place: Place, hidden: int) -> _SelfAttention:
        return _SelfAttention(self, place, hidden)


class _SelfAttention:
    def __init__(self, description: SelfAttention, place: Place, hidden: int) -> None:
        stored = replace(description.attention, shared=description.keys_of is not None)
        self.attention = attention = stored.fitted()
        heads, kv_heads, head_dim, turned = stored.heads, stored.own_kv_heads, stored.head_dim, stored.rope.turned
        padded, shrink = (head_dim, attention.head_dim), math.sqrt(head_dim / attention.head_dim)  # of norms, see Attention.fitted
        in_files, sizes = (heads * head_dim, kv_heads * head_dim), (attention.query_size, kv_heads * attention.head_dim)
        centred = None if description.head_norm is None else head_dim
        keys = Part("k", in_files[1], kv_heads, turned, padded=padded, centred=centred)
        values = keys if description.keys_as_values else Part("v", in_files[1], padded=padded)
        qkv = [Part("q", in_files[0], heads, turned, padded=padded, centred=centred), *([] if attention.shared else [keys, values])]
        order = qkv_row_order(heads, kv_heads, attention.head_dim, turned, attention.gate, attention.rope.parts)
        if description.fused:
            qkv = [Part("qkv", stored.qkv_size, heads, padded=padded)]
        elif stored.gate == head_dim:
            qkv[0] = Part("q", 2 * heads * head_dim, padded=padded)
        elif attention.gate:
            qkv.append(Part("output_gate", heads * attention.gate))
        self.qkv = place.matrix("qkv", qkv, hidden, order)
        self.qkv_bias = place.bias("qkv_bias", qkv, order) if description.qkv_bias else None
        self.qk_norm = None
        if attention.qk_norm is not None:
            norms = [Part(name, head_dim, padded=padded) for name in ("q_norm", "k_norm")][: 1 if attention.shared else 2]
            pairs = adjacent_rotary_pairs(len(norms), attention.head_dim, turned, attention.rope.parts)
            self.qk_norm = place.norm("qk_norm", norms, pairs, factor=shrink)
        self.sizes: tuple[int, ...] = sizes
        self.whole_norm, self.whole_eps, self.clip = None, description.whole_norm, description.clip
        if description.whole_norm is not None:
            pairs = adjacent_rotary_pairs(heads + kv_heads, attention.head_dim, turned)
            norms = [Part(name, rows, padded=padded) for name, rows in zip(("q_norm", "k_norm"), in_files, strict=True)]
            self.whole_norm, self.whole_eps = place.norm("whole_norm", norms, pairs, factor=shrink), description.whole_norm * shrink**2
        if description.head_norm is not None:
            pairs = adjacent_rotary_pairs(heads + kv_heads, attention.head_dim, turned)
            of_heads = (("q_norm", in_files[0], heads), ("k_norm", in_files[1], kv_heads))
            norms = [Part(name, rows, count, turned, padded=padded) for name, rows, count in of_heads]
            self.whole_norm = place.norm("head_norms", norms, pairs, factor=shrink, of_heads=True)
            self.whole_eps = description.head_norm * shrink**2
            self.sizes = (attention.head_dim,) * (heads + kv_heads)
        self.sinks = place.vector("sinks", [Part("sinks", heads, suffix="")]) if attention.sinks else None
        heads_norm = [Part("heads_norm", attention.query_size)]
        self.heads_norm = place.norm("heads_norm", heads_norm) if attention.normed else None
        factor = shrink if attention.value_norm else 1.0
        self.o = place.matrix("o", [Part("o", hidden)], in_files[0], padded=padded, factor=factor)
        self.o_bias = place.bias("o_bias", [Part("o", hidden)]) if description.out_bias else None
        if attention.causal:
            layer = place.layer if description.keys_of is None else description.keys_of
            self.state = Pages(f"kv{layer}", heads, attention.kv_heads, attention.head_dim, attention.window)
        else:  # a text comes whole, so that no layer reads what another one left: all have one state
            head_dim = attention.head_dim
            self.state = Pages(f"kv{heads}x{kv_heads}x{head_dim}", heads, kv_heads, head_dim)

    @property
    def weights(self) -> tuple[Weight, ...]:
        vectors = (self.qkv_bias, self.whole_norm, self.qk_norm, self.sinks, self.heads_norm, self.o_bias)
        return (self.qkv, self.o, *(weight for weight in vectors if weight is not None))

    @property
    def states(self) -> tuple[State, ...]:
        return (self.state,)

    @property
    def ropes(self) -> tuple[Rope, ...]:
        return (self.attention.rope,)

    def remember(self, ops: Operators[Tensor], x: Tensor, norm: Weight | None) -> Tensor:
        """Leaves keys and values in its state, and gives that."""
        return ops.remember(self._qkv(ops, x, norm), self.attention, self.state.name, self.qk_norm, self.sinks)

    def __call__(self, ops: Operators[Tensor], x: Tensor, norm: Weight | None, residual: Tensor | None) -> Tensor:
        mixed = ops.attention(self._qkv(ops, x, norm), self.attention, self.state.name, self.qk_norm, self.sinks)
        return ops.linear(mixed, self.o, norm=self.heads_norm, bias=self.o_bias, residual=residual)

    def _qkv(self, ops: Operators[Tensor], x: Tensor, norm: Weight | None) -> Tensor:
        qkv = ops.linear(x, self.qkv, norm=norm, bias=self.qkv_bias)
        if self.whole_norm is not None and self.whole_eps is not None:
            qkv = ops.norm_parts(qkv, self.whole_norm, self.sizes, self.whole_eps)
        return qkv if self.clip is None else ops.clip(qkv, self.clip)
