"""Which regular expressions of a tokenizer.json the page can run: the syntax that runtime_js/src/tokenizer/parts/patterns.ts translates.

It is Oniguruma's in Ruby's syntax, of which the tokenizers library has more than JavaScript's engine.
"""

from __future__ import annotations

import re

ESCAPE = r"\\(?:x\{[0-9A-Fa-f]{1,6}\}|x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{4}|[pP]\{(?P<property>[^{}]*)\}|[sSdDwWhHntrfvae]|[^A-Za-z0-9])"
OUTSIDE = re.compile(
    rf"{ESCAPE}|\\[AzZbB]|(?P<opens>\()(?:(?!\?)|\?(?P<kind>i:|-i:|:|>|=|!|<=|<!|<[A-Za-z_]\w*>))(?P<folds>\(\?i\))?|\(\?\#[^)]*\)"
    r"|(?P<closes>\))|\{(?:\d+\}(?!\?)|\d*,\d+\}|\d+,\}|(?!\d*,?\d*\}))|(?P<class>\[\^?\]?)|[^\\(\[{]",
    re.ASCII | re.DOTALL,
)
INSIDE = re.compile(rf"{ESCAPE}|\[:\^?(?P<posix>[a-z]+):\]|(?P<class>\[\^?\]?)|(?P<closes>\])|&&|[^\\]", re.DOTALL)
RANGE = re.compile(r"[^\\\[\]&]-[^\x00-\x7f\\\[\]]")  # up to a letter beyond ASCII
FOLDS_ALL = "(?i)"
MAX_DEPTH = 100
# What has a name of its own in both; other properties are Unicode's, in whose spelling JavaScript wants them.
NAMED = frozenset(
    {"alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word", "xdigit"}
)
PROPERTY = re.compile(r"(?:Script=|sc=|gc=|General_Category=|Script_Extensions=|scx=)?[A-Z][A-Za-z]*(?:_[A-Z][A-Za-z]*)*", re.ASCII)
BLOCK = re.compile("In_?[A-Z]")  # of code points, which JavaScript does not know


def untranslated(pattern: str) -> str | None:
    """The part of an expression that the page cannot run, with what follows; None where it can run all."""
    at = len(FOLDS_ALL) if pattern.startswith(FOLDS_ALL) else 0
    folds = [at > 0]  # of each open group: whether letters match in both cases
    classes = 0  # open ones
    while at < len(pattern):
        found = (INSIDE if classes else OUTSIDE).match(pattern, at)
        if found is None or len(folds) + classes > MAX_DEPTH:
            return pattern[at:]
        part = found.groupdict()
        if part["property"] is not None and not _is_known(part["property"]):
            return pattern[at:]
        if classes and part["posix"] is not None and part["posix"] not in NAMED:
            return pattern[at:]
        if classes and folds[-1] and RANGE.match(pattern, at):
            return pattern[at:]  # in both cases
        if part["class"] is not None:
            classes += 1
        elif part["closes"] is not None and classes:
            classes -= 1
        elif part["closes"] is not None:
            folds.pop()
            if not folds:
                return pattern[at:]
        elif not classes and part["opens"] is not None:
            folds.append(part["kind"] == "i:" or part["folds"] is not None or (folds[-1] and part["kind"] != "-i:"))
        at = found.end()
    return pattern if classes or len(folds) > 1 else None


def _is_known(name: str) -> bool:
    plain = name.removeprefix("^")
    return plain.lower() in NAMED or (PROPERTY.fullmatch(plain) is not None and BLOCK.match(plain) is None)
