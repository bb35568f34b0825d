"""A language model: embedding, layers, final norm, and an output head, or a pool that makes a vector of a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from webllm_build.model.attention import Rope
from webllm_build.model.entry import Entry
from webllm_build.model.layer_inputs import LayerInputs
from webllm_build.model.layers import Layer, PlacedLayer, ropes_of, states_of
from webllm_build.model.names import Names, Part, Place
from webllm_build.model.norms import Norm, NormKind
from webllm_build.model.ops import Operators, Tensor
from webllm_build.model.pictures import Pictures
from webllm_build.model.pool import PlacedPool, Pool
from webllm_build.model.state import State
from webllm_build.model.suppressed import Suppressed
from webllm_build.model.weights import Weight

NO_ENTRY = Entry()


class Decoder:
    """What the compiler runs. Lengths in elements, context_length in tokens.

    layers: may differ from each other. tied: the output head is the embedding. embedding_scale: a factor on embeddings. norm: of what kind
    the final one is. head_bias: the output head has a bias. entry: what becomes of embeddings before the layers. pool: what an embedding
    model has in place of the head. logit_scale, logit_softcap: logits are multiplied, and then become softcap * tanh(logit / softcap).
    layer_inputs: what each layer gets beside its input, where it does. pictures: what it takes of such, where it does.
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
        norm: NormKind | None = "rms",
        head_bias: bool = False,
        entry: Entry = NO_ENTRY,
        pool: Pool | None = None,
        logit_scale: float = 1.0,
        logit_softcap: float | None = None,
        layer_inputs: LayerInputs | None = None,
        pictures: Pictures | None = None,
    ) -> None:
        # Of an embedding model errors of 4 bits turn vectors by degrees.
        whole = Place(names, precision="few" if pool is None else "table")
        sizes = (vocab_size, hidden_size, context_length, norm_eps, tied, embedding_scale, norm, head_bias, entry, pool)
        # All that the compiler sees: no name, no weight.
        of_pictures = () if pictures is None else (pictures,)
        self.description = repr((sizes, (logit_scale, logit_softcap), layer_inputs, tuple(layers), *of_pictures))
        self.names, self.pictures = names, pictures
        self.vocab_size, self.hidden_size, self.context_length, self.norm_eps = vocab_size, hidden_size, context_length, norm_eps
        self.embedding_scale, self.logit_scale, self.logit_softcap = embedding_scale, logit_scale, logit_softcap
        self.embedding = whole.table("embedding", vocab_size, hidden_size)
        self.entry = entry.at(whole, hidden_size)
        self.layer_inputs = None if layer_inputs is None else layer_inputs.at(whole, hidden_size, vocab_size)
        places = (replace(whole, layer=index) for index in range(len(layers)))
        self.layers: tuple[PlacedLayer, ...] = tuple(layer.at(place, hidden_size) for layer, place in zip(layers, places, strict=True))
        self.norm = None if norm is None else Norm.at(whole, "norm", norm, hidden_size)
        self.pool = None if pool is None else PlacedPool(pool, whole, hidden_size)
        self.head = None if pool is not None else self.embedding if tied else whole.table("head", vocab_size, hidden_size)
        self.head_bias = whole.bias("head_bias", [Part("head", vocab_size)]) if head_bias and pool is None else None

    def suppress(self, tokens: tuple[int, ...]) -> None:
        """Has these never drawn."""
        if self.head_bias is None:
            self.description += " with a bias of the head"  # as another model with one, whatever it is
        source = None if self.head_bias is None else self.head_bias.sources[0]
        self.head_bias = Weight("head_bias", (Suppressed(tokens, self.vocab_size, source),), (self.vocab_size,), kind="vector")

    @property
    def tied(self) -> bool:
        return self.head is self.embedding

    @property
    def weights(self) -> tuple[Weight, ...]:
        """Every weight once, in the order of the plan; behind them what stays in storage."""
        layers = (weight for layer in self.layers for weight in layer.weights)
        ends = () if self.pool is None else self.pool.weights
        head = () if self.tied or self.head is None else (self.head,)
        head_bias = () if self.head_bias is None else (self.head_bias,)
        norm = () if self.norm is None else self.norm.weights
        inputs = () if self.layer_inputs is None else self.layer_inputs.weights
        stored = () if self.layer_inputs is None else (self.layer_inputs.table,)
        return (self.embedding, *self.entry.weights, *inputs, *layers, *norm, *head, *head_bias, *ends, *stored)

    @property
    def states(self) -> tuple[State, ...]:
        """The buffers that outlive a step, in the order of the plan."""
        return states_of(self.layers)

    @property
    def ropes(self) -> tuple[Rope, ...]:
        """The different rotary tables of all layers, in the order of the plan."""
        return ropes_of(self.layers)

    def embedded(self, ops: Operators[Tensor]) -> Tensor:
        """What the first layer gets: [m, hidden]."""
        return self.entry(ops, ops.embed(self.embedding, scale=self.embedding_scale), whole=self.takes_whole_texts)

    def hidden(self, ops: Operators[Tensor], layers: int | None = None) -> Tensor:
        """Hidden states before the final norm of the tokens of this call, or those behind the first layers: [m, hidden]."""
        embedded = self.embedded(ops)
        return self._through(ops, embedded, range(len(self.layers) if layers is None else layers), embedded)

    @property
    def remembered(self) -> int:
        """How many layers, the first ones, leave something that later tokens see. Of those behind them, only what the last token becomes
        counts. Of mixtures of experts all are computed, whose choices a step leaves for all its tokens."""
        found, seen = len(self.layers), set[State]()
        for number, layer in enumerate(self.layers, 1):
            if self._counts_for_all or not seen.issuperset(layer.states) or not layer.states:
                found = number
            seen.update(layer.states)
        return found

    @property
    def _counts_for_all(self) -> bool:
        """Whether what comes of each token counts."""
        return self.pool is not None or any(weight.experts > 1 for weight in self.weights)

    @property
    def whole(self) -> int:
        """How many layers, the first ones, all tokens go through: of the last one that is remembered only its keys and values are."""
        last, first_ones = self.remembered - 1, 1 if self.pictures is None else max(1, self.pictures.deep)
        is_alone = not self._counts_for_all and last >= first_ones and self.layers[last].remembers
        return last if is_alone else self.remembered

    def prefill(self, ops: Operators[Tensor]) -> tuple[Tensor, ...]:
        """Hidden states of the tokens of this call behind the layers that all go through, [m, hidden], and the state of the next one, where
        later tokens see what it leaves."""
        x = self.hidden(ops, self.whole)
        return (x,) if self.whole == self.remembered else (x, self.layers[self.whole].remember(ops, x))

    def beyond(self, ops: Operators[Tensor], x: Tensor) -> Tensor:
        """As `hidden`, from the x[m, hidden] that a prefill gives."""
        if self.whole == len(self.layers):
            return x
        return self._through(ops, x, range(self.whole, len(self.layers)), None)

    def _through(self, ops: Operators[Tensor], x: Tensor, layers: range, embedded: Tensor | None) -> Tensor:
        if self.layer_inputs is None:
            deep = 0 if self.pictures is None else self.pictures.deep
            for layer in layers:
                x = self.layers[layer](ops, x)
                x = ops.add_deep(x, layer) if layer < deep else x
            return x
        vectors = self.layer_inputs(ops, self.embedded(ops) if embedded is None else embedded, layers)
        for layer, vector in zip(layers, vectors, strict=True):
            x = self.layers[layer](ops, x, vector)
        return x

    def normed(self, ops: Operators[Tensor], x: Tensor) -> Tensor:
        """What the head multiplies, and embeddings of texts are made of: hidden states x[m, hidden] behind the final norm."""
        return x if self.norm is None else self.norm(ops, x)

    def logits(self, ops: Operators[Tensor], x: Tensor) -> Tensor:
        """Logits of hidden states x[m, hidden]: [m, vocab]."""
        if self.head is None:
            raise ValueError("an embedding model has no output head")
        x, norm = (x, None) if self.norm is None else self.norm.before(ops, x)
        return ops.linear(x, self.head, norm=norm, bias=self.head_bias, scale=self.logit_scale, softcap=self.logit_softcap)

    def pooled(self, ops: Operators[Tensor], x: Tensor) -> Tensor:
        """Of an embedding model, the pooled state [texts, hidden] of each text in x[m, hidden]: `vector` makes its vector of it."""
        if self.pool is None:
            raise ValueError("a model with an output head has no pool")
        return ops.pool(self.normed(ops, x), self.pool.pool.kind, several=self.takes_several_texts)

    def vector(self, ops: Operators[Tensor], pooled: Tensor) -> Tensor:
        """The vectors [texts, dimensions] of texts, not yet of length 1."""
        return pooled if self.pool is None else self.pool(ops, pooled)

    @property
    def dimensions(self) -> int:
        """Of a text's vector."""
        return self.hidden_size if self.pool is None else self.pool.pool.dimensions(self.hidden_size)

    @property
    def takes_whole_texts(self) -> bool:
        """Whether a text must come in one call."""
        return self.pool is not None and self.pool.pool.whole

    @property
    def whole_picture(self) -> int:
        """Tokens that must come in one call: of a picture whose tokens see each other."""
        return 0 if self.pictures is None else self.pictures.whole

    @property
    def takes_several_texts(self) -> bool:
        """Whether a call may have several."""
        return self.pool is not None and self.pool.pool.several
