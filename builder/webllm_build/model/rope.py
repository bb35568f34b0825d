"""Settings of rotary position embeddings as files hold them, and the inverse frequencies that they mean."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from reprlib import repr as shown

import numpy as np
import numpy.typing as npt

from webllm_build.errors import UnsupportedArchitecture
from webllm_build.limits_generated import MAX_CONTEXT
from webllm_build.source.numbers import number

Array = npt.NDArray[np.float64]

# What each kind is made of, with the range of every number.
KINDS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "default": {},
    "linear": {"factor": (1, 1e6)},
    "dynamic": {"factor": (1, 1e6)},  # a larger base beyond the context, which no sequence leaves
    "proportional": {"factor": (1, 1e6)},
    "llama3": {
        "factor": (1, 1e6),
        "low_freq_factor": (1e-6, 1e6),
        "high_freq_factor": (1e-6, 1e6),
        "original_max_position_embeddings": (1, MAX_CONTEXT),
    },
}
PROPORTIONAL = "proportional"  # the part of a head that turns has the frequencies that it has where all of it turns
# Hunyuan's where there is an alpha, which is transformers' "dynamic" by name alone: the base is times alpha ** (head_dim / (head_dim - 2)),
# at any length.
ALPHA = "dynamic"
ALPHA_VALUES: Mapping[str, tuple[float, float]] = {"alpha": (1, 1e6)}
MSCALE = "mscale_all_dim"
OF_YARN = ("beta_fast", "beta_slow", "mscale", "mscale_all_dim")  # which files of that kind carry along
THETA = (1.0, 1e15)
ORIGINAL = "original_max_position_embeddings"
PARTIAL = "partial_rotary_factor"
# How many pairs of a head turn by which of several positions: those of text are equal.
MROPE = "mrope"  # their kind, which for text is the default
SECTIONS = ("mrope_section", "mrope_interleaved")
MAX_PAIRS = 512  # of any head
YARN = "yarn"
# What files of that kind say, and no program reads.
NOT_OF_YARN = ("attn_factor", "extrapolation_factor", "finetuned")
LONG = ("longrope", "su")  # what transformers calls it, and what the first files of Phi-3 do
LONG_KEYS = frozenset({"rope_type", "short_factor", "long_factor", "factor", "attention_factor", ORIGINAL})
YARN_KEYS = frozenset(
    {"rope_type", "factor", "attention_factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim", "truncate", ORIGINAL}
)
# Factors of other kinds, which ask for nothing at 1.
NEUTRAL = ("factor", "partial_rotary_factor", "attention_factor", "mscale")


@dataclass(frozen=True)
class RopeSettings:
    """theta: the base. kind: a key of KINDS; values: its numbers. divisors: finished divisors of the frequencies, float64[head_dim / 2].

    partial: how much of a head turns. scale: of what turns. long_divisors: in place of the divisors in sequences of more than `original`
    tokens. axes: see Rope.
    """

    theta: float
    kind: str = "default"
    values: Mapping[str, float] | None = None
    divisors: Array | None = None
    partial: float = 1.0
    scale: float = 1.0
    long_divisors: Array | None = None
    original: int | None = None
    axes: tuple[int, ...] | None = None

    def tables(self, turned: int) -> tuple[Array, Array | None]:
        """Inverse frequencies of `turned` elements of a head: of sequences up to the original length, and beyond it, where that differs."""
        if self.long_divisors is None:
            return self.inverse_frequencies(turned), None
        return self.inverse_frequencies(turned), replace(self, divisors=self.long_divisors).inverse_frequencies(turned)

    def inverse_frequencies(self, head_dim: int) -> Array:
        """Radians per position of each rotary pair: float64[head_dim / 2].

        Formulas: theta ** (-2i / head_dim) (https://arxiv.org/abs/2104.09864); "llama3" divides low frequencies by `factor` and
        blends in between, as published with Llama 3.1; so does "yarn" (https://arxiv.org/abs/2309.00071), by the number of a pair.
        Raises UnsupportedArchitecture where the divisors do not fit the head.
        """
        values = self.values or {}
        theta = self.theta
        if "alpha" in values:
            theta = float(np.float32(theta * values["alpha"] ** (head_dim / (head_dim - 2))))  # the number that a GGUF file has
        inv_freq: Array = theta ** (-np.arange(0, head_dim, 2, dtype=np.float64) / head_dim)
        if self.kind in ("linear", PROPORTIONAL):
            inv_freq = inv_freq / values["factor"]
        if self.kind == "llama3":
            low, high, original = values["low_freq_factor"], values["high_freq_factor"], values[ORIGINAL]
            blend = np.clip((original * inv_freq / (2 * math.pi) - low) / (high - low), 0.0, 1.0)
            inv_freq = (1 - blend) * inv_freq / values["factor"] + blend * inv_freq
        if self.kind == YARN:
            ends = [
                head_dim * math.log(values[ORIGINAL] / (values[key] * 2 * math.pi)) / (2 * math.log(self.theta))
                for key in ("beta_fast", "beta_slow")
            ]
            if values["truncate"]:
                ends = [math.floor(ends[0]), math.ceil(ends[1])]
            first, last = max(ends[0], 0), min(ends[1], head_dim - 1)
            blend = np.clip((np.arange(head_dim // 2) - first) / (last - first or 0.001), 0, 1)
            inv_freq = blend * inv_freq / values["factor"] + (1 - blend) * inv_freq
        if self.divisors is None:
            return inv_freq
        if self.divisors.shape != inv_freq.shape or not ((self.divisors > 0) & (self.divisors < math.inf)).all():
            raise UnsupportedArchitecture(
                "The divisors of the rotary frequencies do not fit the model",
                f"There must be {len(inv_freq)} positive numbers, one for each rotary pair of a head.",
            )
        return inv_freq / self.divisors


@dataclass(frozen=True)
class RopePlaces:
    """What a config says of one rope, by where it says so. Absent and null values are the same.

    scaling: the object rope_scaling. parameters: the object rope_parameters, or its part for a kind of layers. theta: the number beside
    them. original: original_max_position_embeddings beside them, else None. context: max_position_embeddings. partial:
    partial_rotary_factor beside them, else None.
    """

    scaling: object
    parameters: object
    theta: object
    original: object
    context: object
    name: str = "rope_parameters"
    partial: object = None

    def settings(self, default_theta: float, default_partial: float = 1.0, alpha: bool = False) -> RopeSettings:
        """Merged as transformers does (RotaryEmbeddingConfigMixin): theta from inside an object, else from beside it, else the default.
        alpha: whether there may be one. Defaults are looked at as well: they may come from the config under names of its own.

        Raises UnsupportedArchitecture where two places disagree, and for unknown kinds, unknown keys and numbers out of range.
        """
        scaling, parameters = _object("rope_scaling", self.scaling), _object(self.name, self.parameters)
        thetas = [_number("rope_theta", value, THETA) for value in (scaling.pop("rope_theta", None), self.theta) if value is not None]
        inner = parameters.pop("rope_theta", None)
        if inner is not None:
            if scaling and not thetas:
                raise _disagree(f"rope_scaling, which replaces {self.name}, lacks rope_theta")
            thetas.append(_number("rope_theta", inner, THETA))
        if len(set(thetas)) > 1:
            raise _disagree(f"rope_theta is {' and '.join(map(str, thetas))}")
        if scaling and parameters and scaling != parameters:
            raise _disagree(f"rope_scaling is {shown(scaling)} and {self.name} {shown(parameters)}")
        theta = thetas[0] if thetas else _number("rope_theta", default_theta, THETA)
        given = scaling or parameters
        kinds = {**KINDS, ALPHA: ALPHA_VALUES} if alpha and "alpha" in given else KINDS
        return replace(self._of_kind(given, kinds, theta), partial=self._partial(given, default_partial))

    def _partial(self, given: Mapping[str, object], default: float) -> float:
        values = [value for value in (given.get(PARTIAL), self.partial) if value is not None]
        factors = [_number(PARTIAL, value, (1e-3, 1)) for value in values or [default]]
        if len(set(factors)) > 1:
            raise _disagree(f"{PARTIAL} is {' and '.join(map(str, factors))}")
        return factors[0]

    def _of_kind(self, given: Mapping[str, object], kinds: Mapping[str, Mapping[str, tuple[float, float]]], theta: float) -> RopeSettings:
        kind = given.get("rope_type", "default")
        given = {key: value for key, value in given.items() if key not in (PARTIAL, *SECTIONS, *(OF_YARN if kind == ALPHA else ()))}
        if kind == PROPORTIONAL:
            given = {"factor": 1, **given}
        if kind in LONG:
            return self._long(given, theta)
        if kind == YARN:
            return self._yarn(given, theta)
        if not isinstance(kind, str) or kind not in kinds:
            supported = ", ".join([*kinds, YARN, LONG[0]])
            raise UnsupportedArchitecture(f"The kind of rotary scaling is {shown(kind)}", f"Supported kinds are {supported}.")
        found = {key: value for key, value in given.items() if key != "rope_type" and (key in kinds[kind] or not _is_neutral(key, value))}
        if ORIGINAL not in kinds[kind]:
            found.pop(ORIGINAL, None)  # which nobody reads then
        else:
            # transformers: what stands beside the object wins, and the context length is the last resort.
            if None not in (self.original, found.get(ORIGINAL)) and self.original != found[ORIGINAL]:
                raise _disagree(f"{ORIGINAL} is {shown(self.original)} and {shown(found[ORIGINAL])}")
            found.setdefault(ORIGINAL, self.context if self.original is None else self.original)
        if wrong := sorted(set(found) ^ set(kinds[kind])):
            raise UnsupportedArchitecture(
                f"Rotary scaling of the kind {kind} lacks or does not know: {', '.join(map(shown, wrong[:8]))}",
                f"Expected exactly: {', '.join(sorted(kinds[kind])) or 'nothing'}.",
            )
        values = {key: _number(key, found[key], bounds) for key, bounds in kinds[kind].items()}
        if kind == "llama3" and values["low_freq_factor"] >= values["high_freq_factor"]:
            raise UnsupportedArchitecture(
                f"low_freq_factor is {values['low_freq_factor']} and high_freq_factor {values['high_freq_factor']}",
                "Rotary scaling of the kind llama3 needs the second to be larger.",
            )
        return RopeSettings(theta, kind, values)

    def _yarn(self, given: Mapping[str, object], theta: float) -> RopeSettings:
        """As transformers reads it. What turns is scaled by attention_factor, or by what follows from factor and the two mscales."""
        given = self._with_original({key: value for key, value in given.items() if key not in NOT_OF_YARN}, YARN, YARN_KEYS)
        given = {"beta_fast": 32.0, "beta_slow": 1.0, "truncate": True, **given}
        original = _number(ORIGINAL, given[ORIGINAL], (1, MAX_CONTEXT))
        context = _number("max_position_embeddings", self.context, (1, MAX_CONTEXT))
        factor = _number("factor", given.get("factor", context / original), (1, 1e6))
        mscales = [_number(key, given.get(key, 0), (0, 1e3)) for key in ("mscale", "mscale_all_dim")]
        over, under = (0.1 * mscale * math.log(factor) + 1 for mscale in (mscales if all(mscales) else (1, 0)))
        scale = _number("attention_factor", given.get("attention_factor", over / under), (1e-3, 1e3))
        betas = {key: _number(key, given[key], (1e-3, 1e6)) for key in ("beta_fast", "beta_slow")}
        if theta <= 1 or given["truncate"] not in (True, False):
            raise UnsupportedArchitecture(
                f"Rotary scaling of the kind yarn has the base {theta} and truncate {shown(given['truncate'])}",
                "It needs a base above 1, and true or false.",
            )
        values = {"factor": factor, ORIGINAL: original, "truncate": float(given["truncate"] is True), MSCALE: mscales[1], **betas}
        return RopeSettings(theta, YARN, values, scale=scale)

    def _with_original(self, given: Mapping[str, object], kind: str, known: Collection[str]) -> dict[str, object]:
        """With the original length, which may stand beside the object. Raises UnsupportedArchitecture for keys that are not known."""
        found = {ORIGINAL: self.context if self.original is None else self.original, **given}
        if self.original is not None and found[ORIGINAL] != self.original:
            raise _disagree(f"{ORIGINAL} is {shown(self.original)} and {shown(found[ORIGINAL])}")
        if wrong := sorted(key for key, value in found.items() if key not in known and not _is_neutral(key, value)):
            raise UnsupportedArchitecture(
                f"Rotary scaling of the kind {kind} does not know: {', '.join(map(shown, wrong[:8]))}",
                f"Expected are {', '.join(sorted({*known} - {'rope_type'}))}.",
            )
        return found

    def _long(self, given: Mapping[str, object], theta: float) -> RopeSettings:
        """LongRoPE (https://arxiv.org/abs/2402.13753), as transformers reads it: divisors of the frequencies for sequences up to the
        original length, and others beyond it; both are scaled by sqrt(1 + log(factor) / log(original))."""
        given = self._with_original(given, "longrope", LONG_KEYS)
        original = _number(ORIGINAL, given[ORIGINAL], (2, MAX_CONTEXT))
        context = _number("max_position_embeddings", self.context, (1, MAX_CONTEXT))
        factor = _number("factor", given.get("factor", max(1.0, context / original)), (1, 1e6))
        scale = _number(
            "attention_factor", given.get("attention_factor", math.sqrt(1 + math.log(factor) / math.log(original))), (1e-3, 1e3)
        )
        short, long = (_divisors(key, given.get(key)) for key in ("short_factor", "long_factor"))
        return RopeSettings(theta, divisors=short, scale=scale, long_divisors=long, original=int(original))


def _divisors(key: str, value: object) -> Array:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_PAIRS:
        raise UnsupportedArchitecture(f"{key} in config.json is {shown(value)}", "It must be a list with a number for each rotary pair.")
    return np.array([_number(key, item, (1e-6, 1e6)) for item in value], np.float64)


def _object(name: str, value: object) -> dict[str, object]:
    """A copy without nulls, with the old name of rope_type replaced."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise UnsupportedArchitecture(f"{name} in config.json is {shown(value)}", "It must be an object or null.")
    result = {key: item for key, item in value.items() if item is not None}
    old = result.pop("type", None)
    if MROPE in (old, result.get("rope_type")):
        return {**result, "rope_type": "default"}
    if old is not None and result.setdefault("rope_type", old) != old:
        raise _disagree(f"{name} has the type {shown(old)} and the rope_type {shown(result['rope_type'])}")
    return result


def _is_neutral(key: str, value: object) -> bool:
    return key in NEUTRAL and value == 1


def _number(key: str, value: object, bounds: Sequence[float]) -> float:
    result = number(value)
    if result is None or not bounds[0] <= result <= bounds[1]:
        smallest, largest = bounds
        raise UnsupportedArchitecture(f"{key} in config.json is {shown(value)}", f"It must be a number from {smallest:g} to {largest:g}.")
    return result


def _disagree(what: str) -> UnsupportedArchitecture:
    return UnsupportedArchitecture(
        f"Two places in config.json disagree about rotary embeddings: {what}",
        "Programs read different ones. Keep the right one in a local copy of the model and build from that.",
    )
