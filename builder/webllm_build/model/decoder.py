"""A causal language model: embedding, layers, final norm and output head."""

from __future__ import annotations

from collections.abc import Sequence

from webllm_build.model.attention import Rope
from webllm_build.model.layers import Layer, PlacedLayer
from webllm_build.model.names import Names, Part, Place
from webllm_build.model.norms import Norm, NormKind
from webllm_build.model.ops import Operators, Tensor
from webllm_build.model.state import State
from webllm_build.model.weights import Weight


class Decoder:
    """What the compiler runs. Lengths in elements, context_length in tokens.

    layers: may differ from each other. tied: the output head is the embedding. embedding_scale: a factor on embeddings. norm: of what kind
    the final one is. head_bias: the output head has a bias.
    Raises UnsupportedArchitecture for sizes that kernels do not have.
    """

    def __init__(
        self,
        names: Names,
        layers: Sequence[Layer],
        *,
        vocab_size: int,
        hidden_size: int,
        context_length: int,
        norm_eps: float,
        tied: bool,
        embedding_scale: float = 1.0,
        norm: NormKind = "rms",
        head_bias: bool = False,
    ) -> None:
        whole = Place(names)
        sizes = (vocab_size, hidden_size, context_length, norm_eps, tied, embedding_scale, norm, head_bias)
        self.description = repr((sizes, tuple(layers)))  # all that the compiler sees: no name, no weight
        self.names = names
        self.vocab_size, self.hidden_size, self.context_length, self.norm_eps = vocab_size, hidden_size, context_length, norm_eps
        self.embedding_scale = embedding_scale
        self.embedding = whole.table("embedding", vocab_size, hidden_size)
        self.layers: tuple[PlacedLayer, ...] = tuple(layer.at(Place(names, index), hidden_size) for index, layer in enumerate(layers))
        self.norm = Norm.at(whole, "norm", norm, hidden_size)
        self.head = self.embedding if tied else whole.table("head", vocab_size, hidden_size)
        self.head_bias = whole.bias("head_bias", [Part("head", vocab_size)]) if head_bias else None

    @property
    def tied(self) -> bool:
        return self.head is self.embedding

    @property
    def weights(self) -> tuple[Weight, ...]:
        """Every weight once, in the order of the plan."""
        layers = (weight for layer in self.layers for weight in layer.weights)
        head = (None if self.tied else self.head, self.head_bias)
        return (self.embedding, *layers, *self.norm.weights, *(weight for weight in head if weight is not None))

    @property
    def states(self) -> tuple[State, ...]:
        """The buffers that outlive a step, in the order of the plan."""
        return tuple(dict.fromkeys(state for layer in self.layers for state in layer.states))

    @property
    def ropes(self) -> tuple[Rope, ...]:
        """The different rotary tables of all layers, in the order of the plan."""
        return tuple(dict.fromkeys(rope for layer in self.layers for rope in layer.ropes))

    def hidden(self, ops: Operators[Tensor]) -> Tensor:
        """Hidden states before the final norm of the tokens of this call: [m, hidden]."""
        x = ops.embed(self.embedding, scale=self.embedding_scale)
        for layer in self.layers:
            x = layer(ops, x)
        return x

    def normed(self, ops: Operators[Tensor], x: Tensor) -> Tensor:
        """What the head multiplies, and embeddings of texts are made of: hidden states x[m, hidden] behind the final norm."""
        return self.norm(ops, x)

    def logits(self, ops: Operators[Tensor], x: Tensor) -> Tensor:
        """Logits of hidden states x[m, hidden]: [m, vocab]."""
        x, norm = self.norm.before(ops, x)
        return ops.linear(x, self.head, norm=norm, bias=self.head_bias)
