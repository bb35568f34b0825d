"""On which lines of a TOML file its keys are, for messages: what reads TOML does not tell."""

from __future__ import annotations

import re

MAX_PARTS = 16  # of a dotted key
BARE = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
DOTTED = rf"{BARE}(?:\s*\.\s*{BARE})*"
NAMED = re.compile(rf"\s*(?:(?P<bracket>\[\[?)\s*(?P<table>{DOTTED})\s*\]|(?P<key>{DOTTED})\s*=)")
QUOTES = re.compile(r"""\"{3}|'{3}""")


def lines_of(text: str) -> dict[str, int]:
    """Lines, counted from 1, of keys and tables by names like `colors.light.accent` and `presets[2].name`, where they begin a line.

    Raises RecursionError for a key of more than MAX_PARTS, of which a reader's time is the square.
    """
    lines: dict[str, int] = {}
    counts: dict[str, int] = {}
    within, quote = "", None
    for number, line in enumerate(text.split("\n"), 1):
        if quote is None and (named := NAMED.match(line)):
            name = _plain(named["table"] or named["key"])
            if name.count(".") > MAX_PARTS:
                raise RecursionError(name[:100])
            if named["bracket"] == "[[":
                counts[name] = counts.get(name, 0) + 1
                name = f"{name}[{counts[name]}]"
            if named["bracket"]:
                within = f"{name}."
            else:
                name = within + name
            while name and name not in lines:  # and the tables that it is the first to name
                lines[name] = number
                name = name[: max(name.rfind("."), 0)]
        for mark in QUOTES.findall(line):
            quote = mark if quote is None else None if quote == mark else quote
    return lines


def _plain(dotted: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in dotted.split("."))
