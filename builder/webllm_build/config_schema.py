"""The JSON Schema of webllm.toml, by which editors complete and check it: made of what stands beside BuildRequest's fields."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import MISSING
from typing import Any

from webllm_build.config import BuildRequest, key
from webllm_build.config_file import OWN
from webllm_build.option import Option, default_of, options_of, shape_of

SCHEMA_FILE = "webllm.schema.json"
DIALECT = "http://json-schema.org/draft-07/schema#"  # which every editor knows
TYPES = {str: "string", int: "integer", bool: "boolean"}  # of all others, the file has a path
PLAIN = (str, int, bool)


def json_schema() -> str:
    """The text of the file."""
    properties = _properties(BuildRequest, options_of(BuildRequest))
    own = {"model": {"type": "string", "description": options_of(BuildRequest)["models"][1].text}, **_properties(BuildRequest, OWN)}
    properties["models"]["items"] = {"oneOf": [{"type": "string"}, {**_table(own), "required": ["model"]}]}
    return json.dumps({"$schema": DIALECT, "title": "webllm.toml", **_table(properties)}, indent=2, ensure_ascii=False) + "\n"


def _properties(of: type, names: Iterable[str]) -> dict[str, Any]:
    return {key(name): _property(of, name, *options_of(of)[name]) for name in names}


def _property(of: type, name: str, of_type: Any, option: Option) -> dict[str, Any]:
    shape = shape_of(of_type)
    default = default_of(of, name)
    item: dict[str, Any] = {"type": TYPES.get(shape.item, "string")}
    if shape.is_table:
        parts = options_of(shape.item)
        required = [key(part) for part in parts if default_of(shape.item, part) is MISSING]
        item = _table(_properties(shape.item, parts)) | ({"required": required} if required else {})
    if option.choices:
        item["enum"] = [*option.choices]
    shown = [*default] if isinstance(default, tuple) else default
    is_plain = isinstance(default, PLAIN) or (isinstance(default, tuple) and default)
    value = {"type": "array", "items": item} if shape.many else item
    return {"description": option.text, **value, **({"default": shown} if is_plain else {})}


def _table(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}
