"""What an attention layer is: kernels, the NumPy operators and the plan read it from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from webllm_build.errors import UnsupportedArchitecture
from webllm_build.model.rope import PROPORTIONAL, RopeSettings

MIN_HEAD_DIM, MAX_HEAD_DIM = 32, 512


@dataclass(frozen=True)
class Rope:
    """Rotary position embedding (arXiv 2104.09864): pair i of a head turns by position * inv_freq[i] radians.

    inv_freq: head_dim / 2 of them; those at the end are 0, which leaves a pair as it is. scale: a factor on the others' cosines and sines.
    axes: which of a token's several positions each pair turns by; None: it has one.
    spread: the elements of a pair lie half a head apart in files, and not half of what turns. parts: a head has so many of one size behind
    each other, which turn by themselves: the elements of a pair lie half a part apart.
    long_inv_freq: what takes inv_freq's place for all tokens of a sequence that has more than `original`; None: nothing does.
    """

    inv_freq: tuple[float, ...]
    scale: float = 1.0
    long_inv_freq: tuple[float, ...] | None = None
    original: int | None = None
    spread: bool = False
    axes: tuple[int, ...] | None = None
    parts: int = 1

    @staticmethod
    def of(settings: RopeSettings, head_dim: int) -> Rope:
        """What a config says, for heads of this size. Raises UnsupportedArchitecture where their elements are not pairs."""
        turned = head_dim if settings.kind == PROPORTIONAL else int(head_dim * settings.partial)
        if turned % 2:
            what = f"{turned} elements of a head of {head_dim} turn, which are no pairs"
            raise UnsupportedArchitecture(what, "See head_dim and partial_rotary_factor of its config.")
        if settings.kind == PROPORTIONAL:
            pairs = int(settings.partial * head_dim // 2)
            frequencies = settings.inverse_frequencies(head_dim)[:pairs].tolist()
            return Rope((*frequencies, *[0.0] * (head_dim // 2 - pairs)), spread=True)
        still = (0.0,) * (head_dim // 2 - turned // 2)
        inv_freq, long = (
            frequencies if frequencies is None else (*frequencies.tolist(), *still) for frequencies in settings.tables(turned)
        )
        axes = None if settings.axes is None else (*settings.axes, *(0,) * len(still))
        return Rope(inv_freq or still, settings.scale, long, settings.original if long else None, axes=axes)

    @property
    def turned(self) -> int:
        """Elements of a head that are in pairs, from the first on."""
        return 2 * len(self.inv_freq) if self.spread else 2 * sum(frequency != 0 for frequency in self.inv_freq)

    def longer(self, head_dim: int) -> Rope:
        """For heads that have other elements behind theirs. Pairs lie where weights have them then, side by side."""

        def more(values: tuple[float, ...]) -> tuple[float, ...]:
            return (*values, *(0.0,) * (head_dim // 2 - len(values)))

        long = None if self.long_inv_freq is None else more(self.long_inv_freq)
        axes = None if self.axes is None else (*self.axes, *(0,) * (head_dim // 2 - len(self.axes)))
        return replace(self, inv_freq=more(self.inv_freq), long_inv_freq=long, axes=axes, spread=False)

    def at_length(self, length: int) -> tuple[float, ...]:
        """The frequencies of a sequence of so many tokens."""
        is_long = self.long_inv_freq is not None and self.original is not None and length > self.original
        return self.long_inv_freq if is_long and self.long_inv_freq is not None else self.inv_freq


@dataclass(frozen=True)
class Growth:
    """A factor on queries: 1 + rate * ln(1 + floor(position / length))."""

    rate: float
    length: int


@dataclass(frozen=True)
class Attention:
    """Attention. What is at its default costs nothing in a kernel.

    heads, kv_heads: query heads, and heads of keys and values, which heads / kv_heads of them share.
    scale: a factor on the products of queries and keys.
    window: a token sees this many tokens, itself among them; all where None.
    causal: a token sees those before it; otherwise all of a text, which comes whole, or of a window those less than `window` away on either
    side.
    qk_norm: the epsilon of an RMS norm of each head of queries and keys before they turn; none where None. turn_first: they turn before it.
    softcap: scores are softcap * tanh(score / softcap). sinks: each head has a learnt score of nothing, which takes part in the softmax.
    growth: of queries with their position.
    value_norm: values have such a norm, too, without weights. shared: the layer has queries alone, and attends to the keys and values that
    an earlier one appended.
    span: of patches of pictures, which of the io buffers "spans<i>" says the first and the last one that each sees.
    ends: in a prefill a token sees those up to a position that the io buffer "ends" says, at or behind its own: of a picture all.
    normed: what all heads of a token give is RMS-normalised before the output matrix.
    gate: of each head's output, sigmoids of so many more columns, behind queries, keys and values: 1 for all its elements, or one for each.

    Raises UnsupportedArchitecture for sizes that do not fit together, or that no kernel has.
    """

    heads: int
    kv_heads: int
    head_dim: int
    scale: float
    rope: Rope
    window: int | None = None
    qk_norm: float | None = None
    causal: bool = True
    gate: int = 0
    turn_first: bool = False
    softcap: float | None = None
    sinks: bool = False
    growth: Growth | None = None
    value_norm: bool = False
    shared: bool = False
    span: int | None = None
    ends: bool = False
    normed: bool = False

    def __post_init__(self) -> None:
        rules = {
            "query heads must be a multiple of key-value heads": self.heads % self.kv_heads == 0,
            f"head_dim must be at most {MAX_HEAD_DIM}": 0 < self.head_dim <= MAX_HEAD_DIM,
            "parts of a head that turn by themselves are whole, and turn whole": self.rope.parts == 1
            or (self.rope.turned == self.head_dim and self.head_dim % (2 * self.rope.parts) == 0),
            "each rotary pair has an axis": self.rope.axes is None or len(self.rope.axes) == len(self.rope.inv_freq),
            "head_dim is twice the number of rotary frequencies": self.head_dim // 2 == len(self.rope.inv_freq),
            "a head has 1 gate or head_dim gates, of all heads a multiple of 4": self.gate in (0, 1, self.head_dim)
            and self.heads * self.gate % 4 == 0,
            "heads that are normalised after they turn are not scaled by the rope": not self.turn_first or self.rope.scale == 1,
            "heads have norms or sinks, not both": self.qk_norm is None or not self.sinks,
            "values have norms where keys do": self.qk_norm is not None or not self.value_norm,
            "who sees those behind it is causal otherwise": self.causal or not self.ends,
            "who sees a span is not causal, and has no window": self.span is None or (not self.causal and self.window is None),
            "who attends to another layer's keys sees those before a token, and has no sinks": not self.shared
            or (self.causal and not self.sinks),
        }
        self._must(rules)

    def _must(self, rules: Mapping[str, bool]) -> None:
        broken = [rule for rule, holds in rules.items() if not holds]
        if broken:
            sizes = f"{self.heads} query heads, {self.kv_heads} key-value heads, head_dim {self.head_dim}"
            raise UnsupportedArchitecture(f"Attention of {sizes} cannot be built: {'; '.join(broken)}", "No kernel has such sizes.")

    def must_fit(self) -> Attention:
        """Itself, where kernels have such heads. Raises UnsupportedArchitecture."""
        fits = self.head_dim % 8 == 0 and self.head_dim >= MIN_HEAD_DIM
        self._must({f"head_dim must be a multiple of 8 from {MIN_HEAD_DIM} to {MAX_HEAD_DIM}": fits})
        return self

    def fitted(self) -> Attention:
        """With zeros behind each head, where kernels have no such heads: itself, where they have. A norm's sum of squares stays, and is
        divided by more, as its epsilon is here; weights take the root of that (`stretch`). Raises UnsupportedArchitecture."""
        sizes = range(max(MIN_HEAD_DIM, -(-self.head_dim // 8) * 8), MAX_HEAD_DIM + 1, 8)
        head_dim = next((size for size in sizes if self.heads * size % 32 == 0), self.head_dim)
        if head_dim == self.head_dim:
            return self.must_fit()
        self._must({"what has parts that turn, or a norm behind it, has no zeros behind it": self.rope.parts == 1 and not self.normed})
        gate, eps = head_dim if self.gate == self.head_dim else self.gate, self.qk_norm
        eps = None if eps is None else eps * self.head_dim / head_dim
        return replace(self, head_dim=head_dim, rope=self.rope.longer(head_dim), gate=gate, qk_norm=eps)

    @property
    def in_turn(self) -> bool:
        """Whether tokens of a call are at positions one behind the other, and not of texts that each begin with a page."""
        return self.causal or self.span is not None

    @property
    def group(self) -> int:
        """Query heads that share a head of keys and values."""
        return self.heads // self.kv_heads

    @property
    def query_size(self) -> int:
        return self.heads * self.head_dim

    @property
    def own_kv_heads(self) -> int:
        """Heads of keys, and of values, that the layer computes itself."""
        return 0 if self.shared else self.kv_heads

    @property
    def qkv_size(self) -> int:
        """Queries, keys, values and gates of a token."""
        return (self.heads + 2 * self.own_kv_heads) * self.head_dim + self.heads * self.gate

    @property
    def qk_norm_size(self) -> int:
        """Weights of the norms of queries, and behind them of keys."""
        return self.head_dim if self.shared else 2 * self.head_dim
