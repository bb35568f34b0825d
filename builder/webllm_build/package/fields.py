"""Typed access to JSON objects that may be damaged or hostile."""

from __future__ import annotations

from typing import cast


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

    def count(self, key: str) -> int:
        value = self.fields.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
            raise ValueError(f"{self.where}.{key} is not a whole number")
        return value

    def optional_text(self, key: str) -> str | None:
        return None if self.fields.get(key) is None else self.text(key)

    def nested(self, key: str) -> Fields:
        return Fields(self.fields.get(key), f"{self.where}.{key}")

    def items(self, key: str) -> list[object]:
        value = self.fields.get(key)
        if not isinstance(value, list):
            raise ValueError(f"{self.where}.{key} is not a list")
        return value

    def objects(self, key: str) -> list[Fields]:
        return [Fields(item, f"{self.where}.{key}[{index}]") for index, item in enumerate(self.items(key))]

    def numbers(self, key: str) -> tuple[float, ...]:
        values = self.items(key)
        if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
            raise ValueError(f"{self.where}.{key} is not a list of numbers")
        return tuple(float(cast(float, value)) for value in values)

    def counts(self, key: str) -> tuple[int, ...]:
        return tuple(Fields({"item": item}, f"{self.where}.{key}").count("item") for item in self.items(key))
