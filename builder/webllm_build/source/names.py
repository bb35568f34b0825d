"""Names and licences that a model gives itself, cleaned once: they go into pages, packages and terminals."""

from __future__ import annotations

import re

LONGEST = 200
LICENSE = re.compile(r"[A-Za-z0-9_.+-]+( (AND|OR|WITH) [A-Za-z0-9_.+-]+)*")


def one_line(text: str, otherwise: str) -> str:
    """Printable characters on one line, LONGEST of them at most. `otherwise` where none is left."""
    spaced = "".join(" " if character.isspace() else character for character in text)
    printable = "".join(character for character in spaced if character.isprintable())
    return " ".join(printable.split())[:LONGEST].strip() or otherwise


def license_id(text: str | None) -> str | None:
    """An SPDX expression, or "other" for a text that is none."""
    if text is None:
        return None
    words = " ".join(text[: 2 * LONGEST].split())
    return words if len(words) <= LONGEST and LICENSE.fullmatch(words) else "other"
