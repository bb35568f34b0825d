"""Fields of a request as options of a command line."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from webllm_build.config import BuildRequest, key, options
from webllm_build.option import default_of, shape_of


def parameter(name: str) -> inspect.Parameter:
    """The command-line option of a field of BuildRequest."""
    of_type, option = options()[name]
    shape = shape_of(of_type)
    shown: Any = (list[str] | None if default_of(BuildRequest, name) is None else list[str]) if shape.many else of_type
    flag = option.flag or "--" + key(name)
    if shape.item is bool:
        flag = f"{flag}/--no-{flag.removeprefix('--')}"
    parser, metavar = (None, None) if option.reads is None else (_file_reader(option.reads), "FILE")
    annotation: Any = Annotated[shown, typer.Option(flag, help=option.text, parser=parser, metavar=metavar)]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default_of(BuildRequest, name), annotation=annotation)


def with_options(command: Callable[..., None], doc: str, parameters: list[inspect.Parameter]) -> Callable[..., None]:
    """The command as typer wants it: with a signature."""
    command.__doc__ = doc
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return command


def _file_reader(reads: Callable[[str], Any]) -> Callable[[str], Any]:
    def read(path: str) -> Any:
        try:
            return reads(path)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error

    return read
