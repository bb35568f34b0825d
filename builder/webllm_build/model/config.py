"""Reads a foreign config.json: every value is checked, and a key that nobody knows stops the build."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from reprlib import repr as shown

from webllm_build.errors import UnsupportedArchitecture, warn
from webllm_build.limits_generated import MAX_CONTEXT, MAX_LAYERS, MAX_VOCABULARY
from webllm_build.model.bookkeeping import BOOKKEEPING, NEUTRAL
from webllm_build.model.pictures import Pictures
from webllm_build.model.rope import (
    MAX_PAIRS,
    ORIGINAL,
    PARTIAL,
    PROPORTIONAL,
    SECTIONS,
    THETA,
    YARN,
    Array,
    RopePlaces,
    RopeSettings,
)
from webllm_build.source.embedding import Embedding
from webllm_build.source.numbers import number

MAX_DIMENSION = 1 << 20
MAX_HEADS = 1024
BOUNDS = {
    "num_hidden_layers": MAX_LAYERS,
    "num_attention_heads": MAX_HEADS,
    "max_position_embeddings": MAX_CONTEXT,
    "vocab_size": MAX_VOCABULARY,
}
SMALLEST, LARGEST = 1e-30, 1e30  # what float32 holds, and squares of it nearly do
ROPE = "rope_parameters"
FULL, SLIDING = "full_attention", "sliding_attention"


class Reader:
    """Takes keys out of a config; `finish` complains about those that were never asked for. Null is the same as absent."""

    def __init__(
        self,
        architecture: str,
        config: Mapping[str, object],
        ignored: Collection[str],
        rope_divisors: Array | None = None,
        spelling: Mapping[str, str] | None = None,
        embedding: Embedding | None = None,
        pictures: Pictures | None = None,
    ) -> None:
        """rope_divisors: of the frequencies of `rope`, which no config.json holds but GGUF files do. spelling: for messages, what the file
        calls keys, where it is no config.json. embedding: where the model makes vectors of texts, how. pictures: where it takes such,
        what of them."""
        self.embedding, self.pictures = embedding, pictures
        self._spelling = spelling or {}
        self._architecture = architecture
        self._config = config
        self._known = set(BOOKKEEPING) | set(ignored)
        self._divisors = rope_divisors
        self._has_layer_ropes, self._has_divided = False, False

    @property
    def in_gguf(self) -> bool:
        """Whether this was a GGUF's metadata."""
        return bool(self._spelling)

    def integer(self, key: str, *, default: int | None = None, automatic: str | None = None) -> int:
        """A positive integer up to the key's bound; a missing or null key takes the default, if there is one, and so does this word."""
        most = BOUNDS.get(key, MAX_DIMENSION)
        value = self._get(key, default)
        value = default if automatic is not None and value == automatic else value
        value = int(value) if isinstance(value, float) and value.is_integer() else value
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= most:
            raise self._wrong(key, value, f"a whole number from 1 to {most}")
        return value

    def quotient(self, key: str, by: str) -> int:
        """One positive integer by another that divides it."""
        value, divisor = self.integer(key), self.integer(by)
        if value % divisor:
            raise self._wrong(key, value, f"a multiple of {by}, which is {divisor}")
        return value // divisor

    def within(self, size: int, key: str) -> int:
        """A size that was computed from a key's value, within the bounds of `integer`."""
        if not 0 < size <= MAX_DIMENSION:
            raise self._wrong(key, self._config.get(key), f"what makes a size from 1 to {MAX_DIMENSION}, and not {size}")
        return size

    def inside(self, key: str) -> Reader:
        """Of an object among its values, empty where there is none."""
        value = self._get(key, {})
        if not isinstance(value, Mapping):
            raise self._wrong(key, value, "an object")
        return Reader(f"{self._architecture} {key}", value, ())

    def count(self, key: str, *, default: int) -> int:
        """As `integer`, but that it may be 0."""
        return 0 if self._get(key, default) == 0 else self.integer(key, default=default)

    def number(self, key: str, *, default: float | None = None) -> float:
        """A positive number within float32's range, of what is added to a norm's square at most 1."""
        value = self._get(key, default)
        result, largest = number(value), 1.0 if key.endswith("_eps") else LARGEST
        if result is None or not SMALLEST <= result <= largest:
            raise self._wrong(key, value, f"a number from {SMALLEST} to {largest}")
        return result

    def numbers(self, key: str, count: int, *, default: float) -> tuple[float, ...]:
        """So many positive numbers within float32's range; the default, each, where the key is missing or null."""
        value = self._get(key, [default] * count)
        found = [number(item) for item in value] if isinstance(value, (list, tuple)) else []
        if len(found) != count or not all(item is not None and SMALLEST <= item <= LARGEST for item in found):
            raise self._wrong(key, value, f"{count} numbers from {SMALLEST} to {LARGEST}")
        return tuple(item for item in found if item is not None)

    def bases(self, key: str, count: int, *, default: float) -> tuple[float, ...]:
        """Of the rope of each of `count` layers, 0 where it has none; the default, each, where the key is missing or null."""
        value = self._get(key, [default] * count)
        found = [number(item) for item in value] if isinstance(value, list) else []
        if len(found) != count or not all(item == 0 or (item is not None and THETA[0] <= item <= THETA[1]) for item in found):
            raise self._wrong(key, value, f"{count} times 0 or a number from {THETA[0]} to {THETA[1]}")
        return tuple(item or 0.0 for item in found)

    def interval(self, key: str) -> tuple[float, float] | None:
        """Two numbers, of which the second may be infinite, as transformers writes it; None where they are 0 and infinity, or absent."""
        value = self._get(key, None)
        if value is None:
            return None
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            raise self._wrong(key, value, "a list of two numbers")
        low, high = (LARGEST if part == {"__float__": "Infinity"} else number(part) for part in value)
        if low is None or high is None or not 0 <= low <= high <= LARGEST:
            raise self._wrong(key, value, f"two numbers from 0 to {LARGEST}, the smaller one first")
        return None if (low, high) == (0, LARGEST) else (low, high)

    def dimensions(self, key: str, count: int, *, default: tuple[int, ...]) -> tuple[int, ...]:
        """So many positive integers, each as `integer` has it."""
        value = self._get(key, list(default))
        found = [each for each in value if type(each) is int and 0 < each <= MAX_DIMENSION] if isinstance(value, list) else []
        if len(found) != count or found != value:
            raise self._wrong(key, value, f"{count} whole numbers from 1 to {MAX_DIMENSION}")
        return tuple(found)

    def number_or_none(self, key: str, *, default: float | None) -> float | None:
        """As `number`, but null says that there is none, and so does an absent key without a default."""
        if self._config.get(key, default) is None:
            self._known.add(key)
            return None
        return self.number(key, default=default)

    def window(self, *, default: int | None) -> int | None:
        """Tokens that a token sees; None: all. As transformers reads it, null says all, and an absent key the default."""
        if self._config.get("sliding_window", default) is None:
            self._known.add("sliding_window")
            return None
        window = self.integer("sliding_window", default=default)
        return None if window >= self.integer("max_position_embeddings") else window

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._get(key, default)
        if value not in (0, 1):
            raise self._wrong(key, value, "true or false")
        return bool(value)

    def one_of(self, key: str, values: Sequence[str], *, default: str) -> str:
        value = self._get(key, default)
        if not isinstance(value, str) or value not in values:
            raise self._wrong(key, value, " or ".join(map(repr, values)))
        return value

    def must_be(self, key: str, only: object) -> None:
        """A key whose other values would need mathematics that is not there."""
        value = self._get(key, only)
        if value != only:
            raise self._wrong(key, value, repr(only))

    def layers(self, key: str, count: int, *, default: Collection[int] = ()) -> frozenset[int]:
        """Numbers of some of `count` layers, from 0 on: the default where the key is missing or null."""
        value = self._get(key, list(default))
        if not isinstance(value, list) or not all(isinstance(layer, int) and not isinstance(layer, bool) for layer in value):
            raise self._wrong(key, value, f"a list of layers from 0 to {count - 1}")
        return frozenset(value)

    def depth(self, key: str, count: int, *, default: int) -> int:
        """Behind how many of `count` layers a state is taken; of the last one backwards where it is negative."""
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not -count <= value <= count or value == 0:
            raise self._wrong(key, value, f"one layer, as a whole number from {-count} to {count}")
        return value if value > 0 else count + 1 + value

    def depths(self, key: str, count: int, *, default: int) -> tuple[int, ...]:
        """As `depth`, of several states that are taken, from the first to the last of them."""
        value = self._get(key, default)
        if not isinstance(value, list):
            return (self.depth(key, count, default=default),)
        is_whole = all(isinstance(layer, int) and not isinstance(layer, bool) for layer in value)
        found = tuple(layer if layer > 0 else count + 1 + layer for layer in value) if is_whole else ()
        if not found or found != tuple(sorted({*found})) or found[0] < 1 or found[-1] > count:
            raise self._wrong(key, value, f"layers from the first to the last, as whole numbers from {-count} to {count}")
        return found

    def flags(self, key: str, count: int, *, default: Sequence[bool]) -> tuple[bool, ...]:
        """Of each of `count` layers, as 0 and 1 or false and true."""
        value = self._get(key, list(default))
        if not isinstance(value, list) or len(value) < count or any(flag not in (0, 1) for flag in value):
            raise self._wrong(key, value, f"{count} times 0 or 1")
        return tuple(bool(flag) for flag in value[:count])

    def layer_types(self, count: int, *, default: Collection[str], kinds: Sequence[str] = (FULL, SLIDING)) -> tuple[str, ...]:
        """What mixes tokens in each layer, one of these kinds: of `layer_types`, else the default."""
        value = self._get("layer_types", list(default))
        if not isinstance(value, list) or len(value) != count or any(kind not in kinds for kind in value):
            raise self._wrong("layer_types", value, f"{count} times {' or '.join(kinds)}")
        return tuple(value)

    def patterned_layers(self, count: int, *, every: int) -> tuple[str, ...]:
        """Of layer_types, else SLIDING but for each sliding_window_pattern-th layer, or each `every`-th. Beside layer_types the pattern,
        which may be letters, says nothing."""
        if self._config.get("layer_types") is None:
            every = self.integer("sliding_window_pattern", default=every)
        self._known.add("sliding_window_pattern")
        return self.layer_types(count, default=[SLIDING if (layer + 1) % every else FULL for layer in range(count)])

    def take_from_rope(self, *keys: str) -> dict[str, float]:
        """Numbers that the rope's objects hold although they are none of its own: it is read without them."""
        found: dict[str, float] = {}
        for place in ("rope_scaling", "rope_parameters"):
            rope = self._config.get(place)
            if isinstance(rope, Mapping):
                for key in keys:
                    value = number(rope.get(key))
                    if value is None and rope.get(key) is not None:
                        raise self._wrong(f"{place}.{key}", rope[key], "a number")
                    if value is not None:
                        found[key] = value
                self._config = {**self._config, place: {key: value for key, value in rope.items() if key not in keys}}
        return found

    def rope(self, *, default_theta: float, partial: float | None = None, alpha: bool = False) -> RopeSettings:
        """The one rope of all layers: of rope_scaling, rope_parameters and rope_theta. partial: how much of each head turns where the
        config does not say; None: all, always. alpha: the architecture takes the kind "dynamic" for a larger base."""
        scaling, parameters = self._get("rope_scaling", None), self._get("rope_parameters", None)
        says_all = PARTIAL in self._config and self._config[PARTIAL] is None  # null is no default to transformers
        default_partial = 1.0 if partial is None or says_all else partial
        settings = self._rope(scaling, parameters, "rope_theta", default_theta, default_partial=default_partial, alpha=alpha)
        if partial is None:
            settings = self._whole(settings)
        if self.pictures is not None and self.pictures.axes:
            settings = replace(settings, axes=self.pictures.axes)
        self._has_divided = True
        return settings if self._divisors is None else replace(settings, divisors=self._divisors)

    def axial_theta(self, *, default: float) -> float:
        """The base of a rope whose pairs turn by several positions."""
        rope = self._get(ROPE, {})
        said = rope if isinstance(rope, Mapping) else {"": rope}
        theta = number(said.get("rope_theta", default))
        if said.keys() - {"rope_type", "rope_theta"} or said.get("rope_type", "axial") not in ("axial", "default"):
            raise self._wrong(ROPE, rope, "an axial rope, of rope_theta alone")
        if theta is None or not THETA[0] <= theta <= THETA[1]:
            raise self._wrong(f"{ROPE}.rope_theta", theta, f"a number from {THETA[0]} to {THETA[1]}")
        return theta

    def rope_sections(self, default: tuple[int, int, int]) -> tuple[int, ...]:
        """How many rotary pairs turn by each of three positions."""
        for place in ("rope_scaling", ROPE):
            rope = self._config.get(place)
            said = rope.get(SECTIONS[0]) if isinstance(rope, Mapping) else None
            if said is not None:
                sizes = [each for each in said if isinstance(each, int) and 0 <= each <= MAX_PAIRS] if isinstance(said, list) else []
                if len(sizes) != 3 or sizes != said:
                    raise self._wrong(f"{place}.{SECTIONS[0]}", said, f"three whole numbers up to {MAX_PAIRS}")
                return tuple(sizes)
        return default

    def layer_overrides(self, key: str, count: int, known: Collection[str]) -> list[dict[str, int]] | None:
        """Of each of `count` layers, the numbers that replace those of the config; None where the config has no such key."""
        if key not in self._config:
            return None
        given = self._get(key, {})
        found: list[dict[str, int]] = [{} for _ in range(count)]
        for layer, values in given.items() if isinstance(given, Mapping) else [(key, None)]:
            if not (isinstance(values, Mapping) and re.fullmatch("[0-9]{1,8}", layer) and int(layer) < count):
                raise self._wrong(key, given, f"an object of layers from 0 to {count - 1}")
            if unknown := sorted(map(str, values.keys() - set(known))):
                raise self._wrong(key, given, f"{' and '.join(known)} of layers, and not {', '.join(unknown[:8])}")
            for name, value in values.items():
                if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_DIMENSION:
                    raise self._wrong(f"{key}.{layer}.{name}", value, f"a whole number from 1 to {MAX_DIMENSION}")
                found[int(layer)][name] = value
        return found

    def layer_rope(
        self,
        layers: str,
        *,
        default_theta: float,
        theta_key: str = "rope_theta",
        scaled: bool = True,
        default: Mapping[str, object] | None = None,
    ) -> RopeSettings:
        """The rope of one kind of layers: of rope_parameters[layers], else the default, else of the number `theta_key`, and (scaled) of
        rope_scaling."""
        parameters = self._get("rope_parameters", {})
        if not isinstance(parameters, Mapping):
            raise self._wrong("rope_parameters", parameters, "an object or null")
        self._has_layer_ropes = True
        scaling = self._get("rope_scaling", None) if scaled else None
        if isinstance(scaling, Mapping) and "type" in scaling and "rope_type" not in scaling:
            # transformers merges it into an object that has a rope_type already, and then looks for no `type`.
            warn(f"rope_scaling in config.json says {shown(scaling['type'])} as `type`, which transformers ignores there.")
            scaling = {key: value for key, value in scaling.items() if key == "rope_theta"}
        given = default if parameters.get(layers) is None else parameters[layers]
        settings = self._rope(scaling, given, theta_key, default_theta, f"rope_parameters.{layers}")
        if settings.kind == YARN and settings.values is not None and not settings.values["truncate"]:
            raise self._wrong(f"rope_parameters.{layers}.truncate", False, "true")  # transformers does not look for it here
        self._has_divided |= settings.kind == PROPORTIONAL  # of which the divisors say how much turns
        return self._whole(settings)

    def finish(self) -> None:
        if self._divisors is not None and not self._has_divided:
            raise UnsupportedArchitecture(
                f"The file divides rotary frequencies, which the {self._architecture} compiler does not",
                "llama.cpp reads no such file, either. Convert the model again.",
            )
        unknown = sorted(key for key, value in self._config.items() if not (key in self._known or self._asks_for_nothing(key, value)))
        if self._has_layer_ropes:
            parameters = self._config.get("rope_parameters")
            nested = parameters.items() if isinstance(parameters, Mapping) else ()
            unknown += [f"rope_parameters.{key}" for key, value in nested if not (key in (FULL, SLIDING) or value is None)]
        if unknown:
            rest = f" and {len(unknown) - 20} more" if len(unknown) > 20 else ""
            raise UnsupportedArchitecture(
                f"config.json has keys that the {self._architecture} compiler does not know: {', '.join(map(_name, unknown[:20]))}{rest}",
                "They might change the mathematics. If they do not, remove them from a local copy of the model and build from that.",
            )

    def _rope(
        self,
        scaling: object,
        parameters: object,
        theta_key: str,
        default_theta: float,
        name: str = "rope_parameters",
        default_partial: float = 1.0,
        alpha: bool = False,
    ) -> RopeSettings:
        original, context = (self._config.get(key) for key in (ORIGINAL, "max_position_embeddings"))
        places = RopePlaces(scaling, parameters, self._get(theta_key, None), original, context, name, self._get(PARTIAL, None))
        settings = places.settings(default_theta, default_partial, alpha)
        self._known.add(ORIGINAL)
        return settings

    def _whole(self, settings: RopeSettings) -> RopeSettings:
        """Of an architecture whose heads turn as a whole: transformers takes no notice of a part of them where the kind is the default."""
        if settings.partial == 1 or settings.kind == PROPORTIONAL:
            return settings
        if settings.kind != "default" or settings.long_divisors is not None:
            raise self._wrong(PARTIAL, settings.partial, "1.0")
        warn(f"{PARTIAL} in config.json is {settings.partial}: all of a head turns in a {self._architecture} model, as in transformers.")
        return replace(settings, partial=1.0)

    def _asks_for_nothing(self, key: str, value: object) -> bool:
        if key == "layer_types" and isinstance(value, list):
            return all(kind == FULL for kind in value)
        if key == "sliding_window" and isinstance(value, int):
            context = self._config.get("max_position_embeddings")
            return value == 0 or self._config.get("use_sliding_window") is False or (isinstance(context, int) and value >= context)
        return value is None or value in ([], {}, "") or (key in NEUTRAL and value == NEUTRAL[key])

    def _get(self, key: str, default: object) -> object:
        self._known.add(key)
        value = self._config.get(key)
        return default if value is None else value

    def _wrong(self, key: str, value: object, expected: str) -> UnsupportedArchitecture:
        place = self._spelling.get(key, f"{key} in config.json")
        if value is None:
            return UnsupportedArchitecture(f"{place} is missing", f"The {self._architecture} compiler needs it: {expected}.")
        return UnsupportedArchitecture(f"{place} is {shown(value)}", f"The {self._architecture} compiler supports {expected}.")


def with_aliases(config: Mapping[str, object], aliases: Mapping[str, str]) -> Mapping[str, object]:
    """A config with the usual names of keys that have others here. Raises UnsupportedArchitecture where both are there and disagree."""
    found = {key: value for key, value in config.items() if key not in aliases}
    for alias, key in aliases.items():
        value = config.get(alias)
        if value is not None and found.get(key, value) != value:
            raise UnsupportedArchitecture(
                f"{alias} in config.json is {shown(value)}, and {key} {shown(found[key])}",
                "They are two names of one thing. Keep the right one in a local copy of the model and build from that.",
            )
        found |= {} if value is None else {key: value}
    return found


def with_defaults(config: Mapping[str, object], defaults: Mapping[str, object]) -> Mapping[str, object]:
    """A config with what keys mean that are not there. Of a rope null is as nothing; beside a rope_scaling there are no other parameters,
    and where one of them has a base no other."""
    ropes = [config.get(key) for key in ("rope_scaling", ROPE)]
    has_base = any(isinstance(rope, Mapping) and rope.get("rope_theta") is not None for rope in ropes)
    left_out = {*([ROPE] if ropes[0] else []), *(["rope_theta"] if has_base else [])}
    kept = {key: value for key, value in config.items() if key != ROPE or value is not None}
    return {**{key: value for key, value in defaults.items() if key not in left_out}, **kept}


def _name(key: str) -> str:
    """A key as it can be printed on one line."""
    return key if key.isprintable() and len(key) <= 60 else shown(key)
