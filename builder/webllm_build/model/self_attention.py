"""Attention as a layer's mixer: queries, keys and values by one matrix, and what the heads give by another."""

from __future__ import annotations

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
    keys_of: the layer whose keys and values this one attends to, and has none; None: its own. keys_as_values: "k" is also "v".
    clip: queries, keys and values, behind such norms, are within so much of 0; None: wherever they are. Where `attention` says `normed`,
    the weights of that norm are "heads_norm"."""

    attention: Attention
    qkv_bias: bool = False
    fused: bool = False
    out_bias: bool = False
    whole_norm: float | None = None
    keys_of: int | None = None
    keys_as_values: bool = False
    clip: float | None = None

    @property
    def sizes(self) -> Mapping[str, int]:
        return {"heads * head_dim": self.attention.query_size}

    def at(self, place: Place, hidden: int) -> _SelfAttention:
        return _SelfAttention(self, place, hidden)


class _SelfAttention:
    def __init__(self, description: SelfAttention, place: Place, hidden: int) -> None:
        self.attention = attention = replace(description.attention, shared=description.keys_of is not None)
        heads, kv_heads, head_dim, turned = attention.heads, attention.own_kv_heads, attention.head_dim, attention.rope.turned
        sizes = (heads * head_dim, kv_heads * head_dim)
        keys = Part("k", sizes[1], kv_heads, turned)
        qkv = [Part("q", sizes[0], heads, turned), keys, keys if description.keys_as_values else Part("v", sizes[1])]
        qkv = qkv[:1] if attention.shared else qkv
        order = qkv_row_order(heads, kv_heads, head_dim, turned, attention.gate, attention.rope.parts)
        if description.fused:
            qkv = [Part("qkv", attention.qkv_size, heads)]
        elif attention.gate == head_dim:
            qkv[0] = Part("q", 2 * heads * head_dim)
        elif attention.gate:
            qkv.append(Part("output_gate", heads * attention.gate))
        self.qkv = place.matrix("qkv", qkv, hidden, order)
        self.qkv_bias = place.bias("qkv_bias", qkv, order) if description.qkv_bias else None
        self.qk_norm = None
        if attention.qk_norm is not None:
            norms = [Part("q_norm", head_dim), *([] if attention.shared else [Part("k_norm", head_dim)])]
            self.qk_norm = place.norm("qk_norm", norms, adjacent_rotary_pairs(len(norms), head_dim, turned, attention.rope.parts))
        self.sizes, self.whole_norm, self.whole_eps, self.clip = sizes, None, description.whole_norm, description.clip
        if description.whole_norm is not None:
            pairs = adjacent_rotary_pairs(heads + kv_heads, head_dim, turned)
            self.whole_norm = place.norm("whole_norm", [Part("q_norm", sizes[0]), Part("k_norm", sizes[1])], pairs)
        self.sinks = place.vector("sinks", [Part("sinks", heads, suffix="")]) if attention.sinks else None
        heads_norm = [Part("heads_norm", attention.query_size)]
        self.heads_norm = place.norm("heads_norm", heads_norm) if attention.normed else None
        self.o = place.matrix("o", [Part("o", hidden)], attention.query_size)
        self.o_bias = place.bias("o_bias", [Part("o", hidden)]) if description.out_bias else None
        if attention.causal:
            layer = place.layer if description.keys_of is None else description.keys_of
            self.state = Pages(f"kv{layer}", heads, attention.kv_heads, head_dim, attention.window)
        else:  # a text comes whole, so that no layer reads what another one left: all have one state
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
