"""What a site says in its own words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from webllm_build.option import Option

VISITORS = "auto"  # language
MAX_SUGGESTIONS = 8
MAX_PRESETS = 20
MAX_SUGGESTION = 300
MAX_PROMPT = 20000  # characters, as in the page's settings
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def is_text(text: str, most: int) -> bool:
    """Whether it is neither empty nor too long, and has no controls but line breaks and tabs."""
    return text.strip() != "" and len(text) <= most and CONTROLS.search(re.sub(r"[\t\r\n]", "", text)) is None


def line(help: str, most: int) -> Option:
    """Of a site: a text of one line."""
    return Option(
        help,
        fits=lambda text: is_text(text, most) and CONTROLS.search(text) is None,
        expected=f"printable text on one line of at most {most} characters",
        fix="Shorten it, or remove line breaks and control characters.",
        kind="site",
    )


def text(help: str) -> Option:
    """Of a site: a text for the model."""
    return Option(
        help,
        fits=lambda text: is_text(text, MAX_PROMPT),
        expected=f"text of at most {MAX_PROMPT} characters",
        fix="Shorten it, or remove control characters.",
        kind="site",
    )


@dataclass(frozen=True)
class Preset:
    """A system prompt with a name."""

    name: Annotated[str, line("What the visitor chooses it by.", 100)]
    text: Annotated[str, text("The system prompt.")]


@dataclass(frozen=True)
class SiteWords:
    """None: the page's own."""

    welcome: str | None = None
    suggestions: tuple[str, ...] | None = None
    system_prompt: str | None = None
    presets: tuple[Preset, ...] = ()


PAGES_WORDS = SiteWords()
