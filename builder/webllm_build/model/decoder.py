"""A causal language model: embedding, layers, final norm and output head."""

from __future__ import annotations

from collections.abc import Sequence

from webllm_build.model.attention import Rope
from webllm_build.model.layers import Layer, PlacedLayer
from webllm_build.model.names import Names, Part, Place
from webllm_build.model.ops import Operators, Tensor
from webllm_build.model.state import State
from webllm_build.model.weights import Weight


class Decoder:
    """What the compiler runs. Lengths in elements, context_length in tokens.

    layers: may differ from each other. tied: the output head is the embedding. embedding_scale: a factor on embeddings.
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
    ) -> None:
        whole = Place(names)
        sizes = (vocab_size, hidden_size, context_length, norm_eps, tied, embedding_scale)
        self.description = repr((sizes, tuple(layers)))  # all that the compiler sees: no name, no weight
        self.names = names
        self.vocab_size, self.hidden_size, self.context_length, self.norm_eps = vocab_size, hidden_size, context_length, norm_eps
        self.embedding_scale = embedding_scale
        self.embedding = whole.table("embedding", vocab_size, hidden_size)
        self.layers: tuple[PlacedLayer, ...] = tuple(layer.at(Place(names, index), hidden_size) for index, layer in enumerate(layers))
        self.norm = whole.norm("norm", [Part("norm", hidden_size)])
        self.head = self.embedding if tied else whole.table("head", vocab_size, hidden_size)

    @property
    def tied(self) -> bool:
        return self.head is self.embedding

    @property
    def weights(self) -> tuple[Weight, ...]:
        """Every weight once, in the order of the plan."""
        layers = (weight for layer in self.layers for weight in layer.weights)
        return (self.embedding, *layers, self.norm, *(() if self.tied else (self.head,)))

    @property
    def states(self) -> tuple[State, ...]:
        """The buffers that outlive a step, in the order of the plan."""
        return tuple(state for layer in self.layers for state in layer.states)

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
        return ops.norm(x, self.norm)

    def logits(self, ops: Operators[Tensor], x: Tensor) -> Tensor:
        """Logits of hidden states x[m, hidden]: [m, vocab]."""
        return ops.linear(x, self.head, norm=self.norm)
