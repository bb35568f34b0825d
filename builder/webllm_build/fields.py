"""Typed access to JSON objects that may be damaged or hostile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, cast

Choice = TypeVar("Choice", bound=str)
LARGEST = 1 << 1000  # of numbers: no float holds much larger ones


class Fields:
    """A JSON object whose fields are taken with a type; every misfit is a ValueError that names the place."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise ValueError(f"{where} is not an object")
        self.fields = cast(dict[str, object], value)
        self.where = where

    def text(self, key: str) -> str:
        value = self.fields.get(key)
        if not isinstance(value, str):
            raise ValueError(f"{self.where}.{key} is not a string")
        return value

    def one_of(self, key: str, choices: Sequence[Choice]) -> Choice:
        value = self.text(key)
        for choice in choices:
            if choice == value:
                return choice
        raise ValueError(f"{self.where}.{key} is not {' or '.join(choices)}")

    def flag(self, key: str) -> bool:
        value = self.fields.get(key)
        if not isinstance(value, bool):
            raise ValueError(f"{self.where}.{key} is not true or false")
        return value

    def integer(self, key: str, least: int) -> int:
        value = self.fields.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 2**53:
            raise ValueError(f"{self.where}.{key} is not a whole number from {least} on")
        return value

    def count(self, key: str) -> int:
        return self.integer(key, 0)

    def optional_text(self, key: str) -> str | None:
        return None if self.fields.get(key) is None else self.text(key)

    def optional_count(self, key: str) -> int | None:
        return None if self.fields.get(key) is None else self.count(key)

    def nested(self, key: str) -> Fields:
        return Fields(self.fields.get(key), f"{self.where}.{key}")

    def items(self, key: str) -> list[object]:
        value = self.fields.get(key)
        if not isinstance(value, list):
            raise ValueError(f"{self.where}.{key} is not a list")
        return value

    def objects(self, key: str) -> list[Fields]:
        return [Fields(item, f"{self.where}.{key}[{index}]") for index, item in enumerate(self.items(key))]

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(Fields({"item": item}, f"{self.where}.{key}").text("item") for item in self.items(key))

    def number(self, key: str) -> float:
        (number,) = Fields({"items": [self.fields.get(key)]}, self.where).numbers("items")
        return number

    def numbers(self, key: str) -> tuple[float, ...]:
        values = self.items(key)
        if not all(isinstance(value, (int, float)) and not isinstance(value, bool) and not abs(value) > LARGEST for value in values):
            raise ValueError(f"{self.where}.{key} is not a list of numbers")
        return tuple(float(cast(float, value)) for value in values)

    def counts(self, key: str) -> tuple[int, ...]:
        return tuple(Fields({"item": item}, f"{self.where}.{key}").count("item") for item in self.items(key))
