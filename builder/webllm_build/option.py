"""What stands beside the type of an option. Checks, command line, help, webllm.toml and its schema follow from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, cast, get_args, get_origin, get_type_hints

Kind = Literal["site", "npm"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Option:
    """What stands beside the type of an option.

    help: sentences for people; {choices} in it is replaced by the list.
    choices: what it may be, or each of its values where it may be repeated.
    fits, expected, fix: for what no list can say: whether a value that was given is right, what would be, and how to get there.
    kind: the only kind of result for which it means something.
    alone: it is about one model, and means nothing for several.
    each: of several models, each may have its own; `alone` ones may, too.
    flag: its name on the command line, where it is not the field's.
    reads: the command line names a file, of which this makes the value; it raises ValueError.
    """

    help: str
    choices: tuple[Any, ...] = ()
    fits: Callable[[Any], object] = lambda value: True
    expected: str = ""
    fix: str = ""
    kind: Kind | None = None
    alone: bool = False
    each: bool = False
    flag: str = ""
    reads: Callable[[str], Any] | None = None

    @property
    def text(self) -> str:
        return self.help.replace("{choices}", ", ".join(map(str, self.choices)))


@cache
def options_of(kind: type) -> dict[str, tuple[Any, Option]]:
    """(type, Option) of every field of a dataclass that is an option, by its name."""
    hints = get_type_hints(kind, include_extras=True)
    return {item.name: get_args(hints[item.name]) for item in fields(kind) if get_origin(hints[item.name]) is Annotated}


def default_of(kind: type, name: str) -> Any:
    """What a field is where nobody says; MISSING where somebody must."""
    (item,) = (item for item in fields(kind) if item.name == name)
    return item.default if item.default_factory is MISSING else item.default_factory()


@dataclass(frozen=True)
class Shape:
    """Of a field's type: `item`, or many of them. is_table: of an item that has options itself, for which a command line has no room."""

    item: Any
    many: bool

    @property
    def is_table(self) -> bool:
        return is_dataclass(self.item) and bool(options_of(cast(type, self.item)))


def shape_of(of_type: Any) -> Shape:
    """Of T, T | None, tuple[T, ...] and tuple[T, ...] | None."""
    given = [part for part in get_args(of_type) if part is not type(None)] if isinstance(of_type, UnionType) else [of_type]
    (one,) = given
    return Shape(get_args(one)[0], True) if get_origin(one) is tuple else Shape(one, False)
