"""A program, run as a child process with limits: whether there are texts that a tokenizer's regular expressions take for ever for.
tokenizer_process.py starts it.

A page's engine tries all ways to match, as Oniguruma does, which counts them and gives up (10 million for a match). The texts are what the
expression itself describes, long where it repeats, with a character behind that does not fit. It imports nothing of this package, to start
quickly.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

TEXTS = 300  # of each expression
LENGTH = 400  # of a text, at which what takes the cube of it is given up, and what takes its square is not
ENDLESS = 1 << 30
CHARACTERS = "".join(map(chr, range(32, 127))) + "\n\r\t\u00a0\u00e9\u00c9\u0301\u05d0\u0663\u0905\u3042\u6f22\uac00\U0001f44d\u2029"
SET = re.compile(r"\\(?:x\{[0-9A-Fa-f]+\}|x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{4}|[pP]\{[^{}]*\}|.)|[^\\]", re.DOTALL)
ANCHOR = re.compile(r"\\[AzZbBG]|[\^$]")
OPENED = re.compile(r"\(\?(?:#[^)]*\)|([>=!:]|<[=!]|<\w+>|-?[a-z]*[:)]))|\(")
QUANTIFIER = re.compile(r"([*+?])|\{(\d*)(,?)(\d*)\}")


class Choices(random.Random):
    """liked: characters that are written wherever they may be, so that neighbours can be alike."""

    liked: list[str]
    left: int  # repetitions


Write = Callable[[Choices, int], str]  # a text of about so many characters at most


def nothing(choices: Choices, room: int) -> str:
    return ""


@dataclass
class Reader:
    """Reads an expression that the page can run (tokenizer_patterns.py) as what writes texts that it may match."""

    expression: str
    members: Callable[[str], str]  # of CHARACTERS, those of a set
    at: int = 0
    sets: list[str] = field(default_factory=list)  # of one character, that were read
    groups: list[tuple[int, int, str]] = field(default_factory=list)  # from, to, what makes a group of it that counts

    def captured(self) -> str:
        """The expression without what Oniguruma does less for, and a page's engine does not: with all its groups as those whose text is
        kept, and with another way to match, so that no part of it must be there."""
        text = self.expression
        for first, end, group in sorted(self.groups, key=lambda group: (*group[:2], group[2] == "("), reverse=True):
            text = text[:first] + group + text[end:]
        return rf"(?:{text}|\x{{10FFFF}})"

    def taken(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.expression, self.at)
        self.at = found.end() if found else self.at
        return found

    def alternatives(self) -> Write:
        ways: list[list[Write]] = [[]]
        while self.at < len(self.expression) and self.expression[self.at] != ")":
            if self.expression[self.at] == "|":
                self.at += 1
                ways.append([])
            else:
                ways[-1].append(self.repeated(self.at, self.atom()))

        def write(choices: Choices, room: int) -> str:
            text = ""
            for part in choices.choice(ways):
                text += part(choices, max(room - len(text), 0))
            return text

        return write

    def repeated(self, first: int, write: Write) -> Write:
        """first: where it begins."""
        while (found := self.taken(QUANTIFIER)) is not None:
            self.taken(re.compile("[?+]"))  # how eager it is
            self.groups += [(first, first, "("), (self.at, self.at, ")")]
            sign, least, comma, most = found.groups()
            fewest = int(sign == "+") if sign else int(least or 0)
            largest = {"*": ENDLESS, "+": ENDLESS, "?": 1}[sign] if sign else int(most or (ENDLESS if comma else fewest))
            write = self.loop(write, fewest, largest)
        return write

    @staticmethod
    def loop(each: Write, least: int, most: int) -> Write:
        def write(choices: Choices, room: int) -> str:
            count, text, made = min(most, least + choices.choice([0, 1, 2, 8, 40, room])), "", 0
            while made < count and (made < least or len(text) < room) and choices.left > 0:
                text += each(choices, room - len(text) if count == 1 else min(choices.choice([1, 4, 16]), room))
                made, choices.left = made + 1, choices.left - 1
            return text

        return write

    def atom(self) -> Write:
        if self.taken(ANCHOR) is not None:
            return nothing
        if (opened := self.taken(OPENED)) is not None:
            kind = opened[1] or ""
            if opened[0].startswith("(?#") or kind.endswith(")"):
                return nothing
            if kind == ":" or (kind.endswith(">") and len(kind) > 1):
                self.groups.append((self.at - len(opened[0]), self.at, "("))
            inner = self.alternatives()
            self.at += 1
            # What is looked at may be there, or something else.
            return (lambda choices, room: inner(choices, room) if choices.random() < 0.5 else "") if kind[-1:] in ("=", "!") else inner
        first = self.at
        if self.expression[first] == "[":
            self.skip_class()
        else:
            self.taken(SET)
        self.sets.append(self.expression[first : self.at])
        members = self.members(self.sets[-1])

        def write(choices: Choices, room: int) -> str:
            liked = [each for each in choices.liked if each in members]
            return choices.choice(liked or members)

        return write if members else nothing

    def skip_class(self) -> None:
        depth = 0
        while True:
            if (named := self.taken(re.compile(r"\[:\^?[a-z]+:\]"))) is None:
                opened = self.taken(re.compile(r"\[\^?\]?"))
                part = opened or self.taken(SET)
                assert part is not None
                depth += 1 if opened else -1 if part[0] == "]" else 0
            if depth == 0 and named is None:
                return


@cache
def members(text: str) -> str:
    """Which of CHARACTERS a set of one character matches, by the library itself."""
    from tokenizers import Regex, normalizers

    left = normalizers.Replace(Regex(text), "").normalize_str(CHARACTERS)
    return "".join(sorted(set(CHARACTERS) - set(left)))


def takes_forever(expression: str) -> bool:
    from tokenizers import Regex, pre_tokenizers

    reader, choices = Reader(expression, members), Choices(0)
    write = reader.alternatives()
    literals = sorted({each for each in map(members, reader.sets) if len(each) == 1})
    try:
        split = pre_tokenizers.Split(Regex(reader.captured()), "isolated")
    except Exception:  # where it looks behind, a group must not be kept
        split = pre_tokenizers.Split(Regex(expression), "isolated")
    for _ in range(TEXTS):
        choices.left = 2 * LENGTH
        choices.liked = choices.sample(CHARACTERS, choices.choice([0, 1, 8]))
        choices.liked += choices.sample(literals, choices.randint(0, min(2, len(literals))))
        text = write(choices, LENGTH)
        # Something that does not fit; and a whole one behind, as of what never comes Oniguruma tries nothing.
        text = text[: choices.randint(0, len(text))] + choices.choice("\n\n!a" + choices.choice(CHARACTERS)) + write(choices, 8)
        try:
            split.pre_tokenize_str(text)
        except BaseException as error:  # a panic of Rust's is no Exception
            if "limit" not in str(error):
                raise
            return True
    return False


def main() -> None:
    expressions: list[Any] = json.load(sys.stdin)["expressions"]
    json.dump({"endless": [expression for expression in expressions if takes_forever(expression)]}, sys.stdout)


if __name__ == "__main__":
    main()
