"""webllm.toml → fields of BuildRequest, by the types of these."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, replace
from pathlib import Path
from typing import Any

from webllm_build.catalog import CATALOG
from webllm_build.config import BuildRequest, key, options
from webllm_build.errors import ConfigFileError, InvalidOption, closest
from webllm_build.option import Option, Shape, default_of, options_of, shape_of
from webllm_build.toml_lines import lines_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_BYTES = 256 << 10
MAX_PROBLEMS = 20  # that are said
MAX_SHOWN = 60  # characters of a key or a value
OWN = tuple(name for name, (_, option) in options().items() if option.alone or option.each)  # what a model may have for itself
REFERENCES = ("models", "adapter")  # names of the catalog, hf:..., or paths
TYPES = {str: "text in quotation marks", Path: "a path in quotation marks", int: "a whole number", bool: "true or false"}


@dataclass(frozen=True)
class ConfigFile:
    """values: fields of BuildRequest, by their names. problems: what is left out of them. lines: of keys, counted from 1."""

    path: Path
    values: Mapping[str, Any]
    problems: tuple[InvalidOption, ...]
    lines: Mapping[str, int]

    def placed(self, problem: InvalidOption) -> InvalidOption:
        """With the file and, where it is known, the line."""
        part = problem.option
        while part not in self.lines and part:
            part = part[: max(part.rfind("."), part.rfind("["), 0)]
        line = self.lines.get(part)
        return replace(problem, where=f"{self.path}:{line}: " if line else f"{self.path}: ")

    def claimed(self, problem: InvalidOption) -> InvalidOption:
        """A problem of a request, as the file's own where the file says that option. The command line may call it otherwise."""
        flags = {option.flag.removeprefix("--"): key(name) for name, (_, option) in options().items() if option.flag}
        name = flags.get(problem.option, problem.option)
        is_said = re.split(r"[.\[]", name)[0].replace("-", "_") in self.values
        return self.placed(replace(problem, option=name)) if is_said else problem


def read_config(path: Path) -> ConfigFile:
    """Raises ConfigFileError where it cannot be read or is no TOML. Paths in it are relative to its folder."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ConfigFileError(f"{path} has more than {MAX_BYTES >> 10} KiB", "Put long texts into files that it names.")
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
        lines = lines_of(text)
        content = tomllib.loads(text)
    except OSError as error:
        raise ConfigFileError(f"{path} cannot be read: {error.strerror or error}", "Name another one: --config FILE") from error
    except RecursionError as error:
        raise ConfigFileError(f"{path} is nested too deeply", "Its deepest value is a key of a table of a list.") from error
    except UnicodeDecodeError as error:
        raise ConfigFileError(f"{path} is not UTF-8, as TOML is: {error.reason} at byte {error.start}", "Save it as UTF-8.") from error
    except ValueError as error:  # which says where
        raise ConfigFileError(f"{path} is not TOML: {error}", "https://toml.io says how it is written.") from error
    reader = _Reader(path.parent)
    values = reader.table(BuildRequest, content, "")
    read = ConfigFile(path, values, (), lines)
    return replace(read, problems=tuple(map(read.placed, reader.problems)))


class _Reader:
    """Collects what does not fit, and leaves it out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[InvalidOption] = []

    def table(self, of: type, content: Mapping[str, object], within: str, only: tuple[str, ...] | None = None) -> dict[str, Any]:
        """The fields of a dataclass that a table has. only: these fields."""
        names = {key(name): name for name in options_of(of) if only is None or name in only}
        fields: dict[str, Any] = {}
        for said, value in content.items():
            label = within + said[:MAX_SHOWN]
            if said not in names:
                close = closest(said[:MAX_SHOWN].replace("_", "-"), names) if len(self.problems) < MAX_PROBLEMS else None
                self._wrong(label, _plain(value), "a known key", f"Did you mean {close}?" if close else f"Known: {', '.join(names)}.")
            elif label == "models":
                fields |= self._models(value)
            else:
                of_type, option = options_of(of)[names[said]]
                read = self._field(of_type, option, names[said], value, label)
                fields |= {} if read is MISSING else {names[said]: read}
        return fields

    def _models(self, value: object) -> dict[str, Any]:
        """Of a list of references and tables: both fields that say it."""
        expected = "a list of names, or of tables that each have a model"
        if not isinstance(value, list):
            example = value if isinstance(value, str) else "smollm2-135m"
            self._wrong("models", _plain(value), expected, f'Write it like models = ["{example}"].')
            return {}
        references: list[Any] = []
        own = []
        for number, entry in enumerate(value, 1):
            table = entry if isinstance(entry, dict) else {"model": entry}
            references.append(self._one(str, "models", table.get("model")))
            if references[-1] is MISSING:
                self._wrong(f"models[{number}]", _plain(entry), expected, 'Write it like "smollm2-135m" or { model = "smollm2-135m" }.')
            own.append(self.table(BuildRequest, {name: each for name, each in table.items() if name != "model"}, f"models[{number}].", OWN))
        return {} if MISSING in references else {"models": tuple(references), "own": tuple(own) if any(own) else ()}

    def _field(self, of_type: Any, option: Option, name: str, value: object, label: str) -> Any:
        shape = shape_of(of_type)
        expected, fix = _expected(shape, option, label, value)
        if isinstance(value, list) != shape.many:
            self._wrong(label, _plain(value), expected, fix)
            return MISSING
        items: list[Any] = []
        for number, item in enumerate(value if isinstance(value, list) else [value], 1):
            place = f"{label}[{number}]" if shape.many else label
            if not shape.is_table:
                read = self._read(option, place, item) if option.reads else self._one(shape.item, name, item)
            elif isinstance(item, dict):
                read = self._nested(shape.item, item, place)
            else:
                read = MISSING
            if read is MISSING:
                self._wrong(place, _plain(item), expected, fix)
            items.append(read)
        if any(item is None or item is MISSING for item in items):
            return MISSING  # and said
        return tuple(items) if shape.many else items[0]

    def _nested(self, of: type, content: Mapping[str, object], place: str) -> Any:
        """A dataclass; None where it lacks something, which is said."""
        values = self.table(of, content, f"{place}.")
        missing = [name for name in options_of(of) if name not in values and default_of(of, name) is MISSING]
        for name in (name for name in missing if key(name) not in content):
            self._wrong(f"{place}.{key(name)}", None, "a value", options_of(of)[name][1].text)
        return None if missing else of(**values)

    def _one(self, item: type, name: str, value: object) -> Any:
        """A value of a type; MISSING where it is none."""
        if type(value) is not (str if item is Path else item):
            return MISSING
        if isinstance(value, str) and name in REFERENCES:
            if value.startswith("hf:") or CATALOG.find(value) is not None:
                return value
            place = self._path(value)  # also of what lies in the current folder alone; a name that is nowhere is told as it was said
            return place if os.path.exists(place) or os.path.exists(value) else value  # noqa: PTH110  which takes any text
        return Path(self._path(str(value))) if item is Path else value

    def _read(self, option: Option, place: str, value: object) -> Any:
        """What is in a file; None where it cannot be read, which is said."""
        if not isinstance(value, str):
            return MISSING
        assert option.reads is not None
        try:
            return option.reads(self._path(value))
        except ValueError as error:
            self._wrong(place, value, str(error).removeprefix("expected ").removesuffix("."), "")
            return None

    def _path(self, value: str) -> str:
        return value if value.startswith("~") else str(self.folder / value)

    def _wrong(self, label: str, value: object, expected: str, fix: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(InvalidOption(label, value, expected, fix))


def _expected(shape: Shape, option: Option, label: str, value: object) -> tuple[str, str]:
    """What a field is, and how to write it in the place of a value that does not fit."""
    if shape.is_table:
        return ("tables", f"Begin each with [[{label}]].") if shape.many else ("a table", f"Begin it with [{label}].")
    what = TYPES[str if option.reads else shape.item]
    if not shape.many:
        return what, option.text.split(". ")[0].removesuffix(".") + "."
    example = json.dumps(value[:MAX_SHOWN] if isinstance(value, str) else "...", ensure_ascii=False)
    return f"a list, each of it {what}", f"Write it like {label} = [{example}]."


def _plain(value: object) -> object:
    """As much of a value as tells which it is."""
    try:
        shown = repr(value)
    except RecursionError:
        return "..."
    return value if len(shown) <= MAX_SHOWN else f"{shown[:MAX_SHOWN]}..."
