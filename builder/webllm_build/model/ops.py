"""The operators a model is written in. The compiler implements them for each phase and variant (compile/lower.py)."""

from __future__ import annotations

from typing import Literal, Protocol, TypeVar

from webllm_build.model.weights import Weight

Tensor = TypeVar("Tensor")

Activation = Literal["none", "silu_mul", "gelu_tanh_mul"]


class Operators(Protocol[Tensor]):
    """Operators over activations float32[m, features], m tokens at a time (1 in a decode step)."""

    def embed(self, table: Weight) -> Tensor:
        """Rows of table[vocab, hidden] for the tokens of this call: [m, hidden]."""

    def linear(
        self, x: Tensor, weight: Weight, *, norm: Weight | None = None, residual: Tensor | None = None, activation: Activation = "none"
    ) -> Tensor:
        """x[m, k] times weight[n, k] transposed.

        With `norm`, x is first RMS-normalised and scaled by norm[k]. With `residual`, that is added to the result.
        "silu_mul" and "gelu_tanh_mul" treat rows 2i and 2i + 1 of the weight as gate and up of channel i: silu(gate) * up, or
        gelu(gate) * up with GELU's tanh approximation, [m, n/2].
        """

    def attention(self, qkv: Tensor, layer: int) -> Tensor:
        """Rotates queries and keys of qkv[m, (heads + 2 kv_heads) * head_dim], appends keys and values to the layer's
        cache, and attends causally to everything in it: [m, heads * head_dim]."""
