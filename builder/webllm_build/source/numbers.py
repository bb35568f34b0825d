"""Numbers as JSON of strangers has them."""

from __future__ import annotations

import re

DECIMAL = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,3})?", re.ASCII)


def number(value: object) -> float | None:
    """A number, or one in quotes, which some converters write; None for anything else, and for what no float holds."""
    if isinstance(value, str) and DECIMAL.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1 << 1000:
        return None
    return float(value)


def whole(value: object) -> int | None:
    """A whole number, also one that is written as 2.0 or in quotes; None for anything else."""
    found = number(value)
    return int(found) if found is not None and found.is_integer() else None
