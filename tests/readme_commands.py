"""The commands that a Markdown text tells a reader to run: of its blocks of code and of the code in its sentences and tables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from functools import cache

import typer.main
from typer.core import TyperGroup

from webllm_build import cli

Words = tuple[str, ...]

FENCED = re.compile(r"^ *(`{3,}|~{3,})(\w*)[^\n]*\n(.*?)^ *\1 *$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^ {4}(.+)$", re.MULTILINE)
PARAGRAPH = re.compile(r"\n\s*\n|\n(?=\s*(?:\||[-*] |\d+\. ))")
SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
BETWEEN = re.compile(r"&&|\|\||[;|]")
PROGRAM = re.compile(r"(?:[$>] )?(?:\w+=\S* )*(?:\S*/|python3? -m |uvx |pipx run )?webllm[-_]build(?= |$)")
BUILDS: tuple[Words, ...] = (("site", "--out", "dist"), ("npm", "--out", "package"))  # that options alone are of


def blocks(text: str, language: str) -> list[str]:
    return [block for _, name, block in FENCED.findall(text) if name == language]


def commands(text: str, model: str) -> list[Words]:
    """What stands behind `webllm-build`, once each. Options alone belong to a command of their paragraph, or else to a build of `model`."""
    lines = [line for _, _, block in FENCED.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    prose = FENCED.sub("", text)
    found = [words for line in (*lines, *INDENTED.findall(prose)) for words in _whole(line)]
    for paragraph in PARAGRAPH.split(INDENTED.sub("", prose)):
        said: list[Words] = []
        for _, code in SPAN.findall(paragraph):
            said += _of_code(" ".join(code.split()).replace("\\|", "|"), said, model)
        found += said
    return [*dict.fromkeys(found)]


def make_targets(text: str) -> set[str]:
    code = [*INDENTED.findall(text), *(code for _, code in SPAN.findall(text)), *(block for _, _, block in FENCED.findall(text))]
    return {target for each in code for target in re.findall(r"^(?:[$] )?make ([a-z]\w*)", each, re.MULTILINE)}


def _whole(code: str) -> Iterator[Words]:
    for part in BETWEEN.split(code):
        if program := PROGRAM.match(part.strip()):
            words = shlex.split(part.strip()[program.end() :], comments=True)
            yield tuple(word for word in words if word not in ("...", "…", "&"))


def _of_code(code: str, said: Sequence[Words], model: str) -> Iterator[Words]:
    """said: the commands of the paragraph before it."""
    yield from _whole(code)
    first, *others = code.split(" ")
    if code.startswith("--") and not _lacks_value(words := tuple(shlex.split(code))):
        builds = tuple((*build, *(() if {"--model", "--config"} & {*words} else ("--model", model))) for build in BUILDS)
        runs = (each for each in said if each and each[0] not in ("site", "npm"))
        yield next(((*each, *words) for each in (*runs, *builds) if _takes(each[0], words)), words)
    elif said and others and first in _commands() and first != "npm":
        yield tuple(shlex.split(code))


@cache
def _commands() -> dict[str, list[tuple[set[str], bool]]]:
    """Of each command its options' names, and whether a value follows."""
    group = typer.main.get_command(cli.app)
    assert isinstance(group, TyperGroup)
    return {
        name: [({*option.opts, *option.secondary_opts}, not getattr(option, "is_flag", False)) for option in command.params]
        for name, command in group.commands.items()
    }


def _takes(command: str, words: Words) -> bool:
    return {word for word in words if word.startswith("--")} <= set().union(*(names for names, _ in _commands().get(command, ())))


def _lacks_value(words: Words) -> bool:
    return any(words[-1] in names and has_value for options in _commands().values() for names, has_value in options)
