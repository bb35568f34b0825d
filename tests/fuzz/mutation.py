"""Broken copies of JSON and of bytes. All that is random comes from the given Random."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

Json = Any
Place = tuple[Any, Any]  # of a value: what holds it, by which key or index

NUMBERS = (0, 1, -1, 2, 3, 7, 255, 256, 65537, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63, 2**64, -(2**31), 10**30, 10**400)
FLOATS = (0.0, -0.0, 0.5, -1.5, 1e-320, 1e-30, 1e30, 1e308, float("nan"), float("inf"), float("-inf"))
TEXTS = ("", " ", "0", "x", "\0", "\n", "\x1b[31m", "\ud800", "\u202e", "é", "🙂", "../../etc/passwd", "/", "{{", "%s", "None", "a" * 300)


def mutated_json(random: Random, value: Json, donors: Sequence[Json]) -> Json:
    """A copy with one to some changes. donors: other documents, whose keys and values may come in."""
    value = copy.deepcopy(value)
    for _ in range(1 + min(int(random.expovariate(0.7)), 8)):
        places = list(_places(value))
        if not places:
            return _any(random, donors)
        holder, key = random.choice(places)
        _change(random, holder, key, donors)
    return value


def _places(value: Json) -> Iterator[Place]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield value, key
            yield from _places(inner)
    elif isinstance(value, list):
        for index in range(len(value))[:200]:
            yield value, index
            yield from _places(value[index])


def _change(random: Random, holder: Json, key: Any, donors: Sequence[Json]) -> None:
    match random.randrange(8):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            other, name = _donated(random, donors)
            holder[str(name)] = other
        case 2 if isinstance(holder, dict):
            holder[random.choice((f"{key}x", key.upper(), random.choice(TEXTS)))] = holder.pop(key)
        case 2 | 1:
            holder[key:key] = [copy.deepcopy(holder[key])] * random.choice((1, 2, 100))
        case 3:
            holder[key] = _any(random, donors)
        case 4:
            holder[key] = random.choice((None, [], {}, [holder[key]], {"a": holder[key]}, True, False))
        case _:
            holder[key] = _near(random, holder[key], donors)


def _near(random: Random, value: Json, donors: Sequence[Json]) -> Json:
    """Of the same type, mostly."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return random.choice((value + 1, value - 1, value * 2, value // 2, -value, value * 1000, str(value), random.choice(NUMBERS)))
    if isinstance(value, float):
        return random.choice((-value, value * 2, value / 1e3, value * 1e9, random.choice(FLOATS), random.choice(NUMBERS)))
    if isinstance(value, str):
        at = random.randrange(len(value) + 1)
        text = random.choice(TEXTS)
        return random.choice((value[:at], value + text, value[:at] + text + value[at:], value.upper(), value * 3))
    if isinstance(value, list):
        return random.choice((value[: len(value) // 2], value * 2, value[::-1], [*value, _any(random, donors)]))
    return _any(random, donors)


def _any(random: Random, donors: Sequence[Json]) -> Json:
    kinds: tuple[Sequence[Json], ...] = (NUMBERS, FLOATS, TEXTS, (None, True, [], {}), [_donated(random, donors)[0]])
    return copy.copy(random.choice(random.choice(kinds)))


def _donated(random: Random, donors: Sequence[Json]) -> tuple[Json, Any]:
    """(value, its key) of some place of another document."""
    places = list(_places(random.choice(donors))) if donors else []
    if not places:
        return None, "x"
    holder, key = random.choice(places)
    return copy.deepcopy(holder[key]), key


def json_bytes(random: Random, value: Json, donors: Sequence[Json]) -> bytes:
    """A document with changes, as a file; now and then with broken bytes, deeper or longer than any."""
    data = json.dumps(mutated_json(random, value, donors)).encode()
    if random.random() < 0.08:
        return mutated_bytes(random, data)
    if random.random() < 0.01:
        depth = random.choice((70, 1000, 100000))
        return data.replace(b":", b":" + b"[" * depth + b"0" + b"]" * depth + b",", 1)
    return data


def mutated_bytes(random: Random, data: bytes) -> bytes:
    """Flipped, cut, doubled and overwritten by numbers that are bounds of something."""
    result = bytearray(data)
    for _ in range(1 + min(int(random.expovariate(0.5)), 12)):
        at = random.randrange(len(result) + 1)
        match random.randrange(8):
            case 0:
                del result[at:]
            case 1:
                del result[at : at + random.choice((1, 2, 4, 8, 100))]
            case 2:
                result[at:at] = result[at : at + random.choice((1, 8, 64, 1000))]
            case 3:
                result[at:at] = random.randbytes(random.choice((1, 2, 8, 100)))
            case 4:
                size = random.choice((1, 2, 4, 8))
                number = random.choice((0, 1, -1, 127, 128, 255, 256, 2**15, 2**31, 2**31 - 1, 2**32, 2**40, 2**62, 2**63 - 1))
                result[at : at + size] = (number % 2 ** (8 * size)).to_bytes(size, random.choice(("little", "big")))
            case _:
                if at < len(result):
                    result[at] = random.choice((result[at] ^ 1 << random.randrange(8), random.randrange(256)))
    return bytes(result)
