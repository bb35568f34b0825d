"""Blocks that decoder models share. A difference between models is an argument, not a copy."""

from __future__ import annotations

from dataclasses import dataclass

from webllm_build.errors import UnsupportedArchitecture
from webllm_build.model.ops import Operators, Tensor
from webllm_build.model.weights import Weight, interleaved_halves, qkv_row_order


@dataclass(frozen=True)
class Dimensions:
    """What the compiler and the runtime must know of a decoder. Lengths in elements, context in tokens."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    context_length: int
    norm_eps: float
    inv_freq: tuple[float, ...]

    def __post_init__(self) -> None:
        rules = {
            "num_attention_heads must be a multiple of num_key_value_heads": self.num_heads % self.num_kv_heads == 0,
            "head_dim must be a multiple of 8 up to 256": self.head_dim % 8 == 0 and self.head_dim <= 256,
            "hidden_size and intermediate_size must be multiples of 32": (self.hidden_size | self.intermediate_size) % 32 == 0,
            "num_attention_heads * head_dim must be a multiple of 32": self.num_heads * self.head_dim % 32 == 0,
        }
        broken = [rule for rule, holds in rules.items() if not holds]
        if broken:
            raise UnsupportedArchitecture(f"The sizes in config.json do not fit: {'; '.join(broken)}", "Blocks hold 32 values.")


def vector(name: str, source: str, length: int) -> Weight:
    return Weight(name, (source,), (length,), kind="vector")


class DecoderLayer:
    """x + attention(norm(x)), then x + down(silu(gate) * up) of its norm: pre-norm residual blocks."""

    def __init__(self, dims: Dimensions, index: int) -> None:
        source, name = f"model.layers.{index}", f"layers.{index}"
        hidden, inner = dims.hidden_size, dims.intermediate_size
        queries, keys = dims.num_heads * dims.head_dim, dims.num_kv_heads * dims.head_dim
        self.index = index
        self.attention_norm = vector(f"{name}.attention_norm", f"{source}.input_layernorm.weight", hidden)
        self.qkv = Weight(
            f"{name}.qkv",
            tuple(f"{source}.self_attn.{part}_proj.weight" for part in "qkv"),
            (queries + 2 * keys, hidden),
            qkv_row_order(dims.num_heads, dims.num_kv_heads, dims.head_dim),
        )
        self.o = Weight(f"{name}.o", (f"{source}.self_attn.o_proj.weight",), (hidden, queries))
        self.mlp_norm = vector(f"{name}.mlp_norm", f"{source}.post_attention_layernorm.weight", hidden)
        self.gate_up = Weight(
            f"{name}.gate_up",
            (f"{source}.mlp.gate_proj.weight", f"{source}.mlp.up_proj.weight"),
            (2 * inner, hidden),
            interleaved_halves(2 * inner),
        )
        self.down = Weight(f"{name}.down", (f"{source}.mlp.down_proj.weight",), (hidden, inner))

    @property
    def weights(self) -> tuple[Weight, ...]:
        return (self.attention_norm, self.qkv, self.o, self.mlp_norm, self.gate_up, self.down)

    def __call__(self, ops: Operators[Tensor], x: Tensor) -> Tensor:
        qkv = ops.linear(x, self.qkv, norm=self.attention_norm)
        x = ops.linear(ops.attention(qkv, self.index), self.o, residual=x)
        channels = ops.linear(x, self.gate_up, norm=self.mlp_norm, activation="silu_mul")
        return ops.linear(channels, self.down, residual=x)


class Decoder:
    """A causal language model: embedding, layers, final norm and output head (tied to the embedding or not)."""

    def __init__(self, dims: Dimensions, *, tied: bool) -> None:
        table = (dims.vocab_size, dims.hidden_size)
        self.dims = dims
        self.embedding = Weight("embedding", ("model.embed_tokens.weight",), table)
        self.layers = tuple(DecoderLayer(dims, index) for index in range(dims.num_layers))
        self.norm = vector("norm", "model.norm.weight", dims.hidden_size)
        self.head = self.embedding if tied else Weight("head", ("lm_head.weight",), table)

    @property
    def weights(self) -> tuple[Weight, ...]:
        """Every weight once, in the order of the plan."""
        layers = (weight for layer in self.layers for weight in layer.weights)
        head = () if self.head is self.embedding else (self.head,)
        return (self.embedding, *layers, self.norm, *head)

    def hidden(self, ops: Operators[Tensor]) -> Tensor:
        """Hidden states before the final norm of the tokens of this call: [m, hidden]."""
        x = ops.embed(self.embedding)
        for layer in self.layers:
            x = layer(ops, x)
        return x

    def logits(self, ops: Operators[Tensor], x: Tensor) -> Tensor:
        """Logits of hidden states x[m, hidden]: [m, vocab]."""
        return ops.linear(x, self.head, norm=self.norm)
