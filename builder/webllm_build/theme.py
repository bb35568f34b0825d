"""A site's own colors and letters: what may be said of them, whether they can be read, and the stylesheet that sets them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from webllm_build.errors import InvalidOption
from webllm_build.option import Option

Color: TypeAlias = tuple[int, int, int]  # sRGB, 0 to 255

CONTRAST = 4.5  # https://www.w3.org/TR/WCAG22/#contrast-minimum, of text
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
STEPS = 20
DARK_BELOW = 0.18  # relative luminance, about where black and white letters are read equally well
INKS, GROUNDS = ("text", "accent"), ("background", "surface")

# The page's own, as in runtime_js/src/view/style.css: a test compares.
DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "light": {"background": "#f7f6f3", "surface": "#ffffff", "text": "#1d1c22", "accent": "#3a3fbd", "bad": "#a8242f"},
    "dark": {"background": "#15151a", "surface": "#1f1f26", "text": "#ececf1", "accent": "#a9adff", "bad": "#ff9a97"},
}
FONTS = {
    "sans": "",  # the page's own
    "serif": 'ui-serif, Georgia, Cambria, "Noto Serif", serif',
    "mono": 'ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, monospace',
}


def _color(what: str) -> Option:
    is_color = re.compile("#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})", re.ASCII).fullmatch
    return Option(f"{what}, as #rgb or #rrggbb.", fits=is_color, expected="a color as #rgb or #rrggbb", fix="Write it like #3a3fbd.")


@dataclass(frozen=True)
class Palette:
    """Colors of the page by day or by night. What is not given is the page's own, or follows from what is."""

    accent: Annotated[str | None, _color("Color of buttons and links")] = None
    background: Annotated[str | None, _color("Color of the page")] = None
    surface: Annotated[str | None, _color("Color of what lies on it: header, cards, fields")] = None
    text: Annotated[str | None, _color("Color of what is written")] = None


@dataclass(frozen=True)
class Colors:
    light: Annotated[Palette, Option("By day.")] = Palette()
    dark: Annotated[Palette, Option("By night. The accent is the day's, made lighter until it can be read.")] = Palette()


PAGES_OWN = Colors()


@dataclass(frozen=True)
class Theme:
    """style: a stylesheet behind the page's own; empty where all is as there. ground, header, night_header: what a system shows around the
    page, and in its place while it starts: as #rrggbb, by day but for the last."""

    style: str
    ground: str
    header: str
    night_header: str


def theme_of(colors: Colors, font: str) -> Theme:
    day, night = _base("light", colors), _base("dark", colors)
    return Theme(stylesheet(colors, font), _hex(day["background"]), _hex(day["surface"]), _hex(night["surface"]))


def stylesheet(colors: Colors, font: str) -> str:
    """Of letters and of each scheme's colors."""
    rules = [f":root {{ font-family: {FONTS[font]}; }}"] if FONTS[font] else []
    if colors.light != Palette():
        rules.append(f":root {{ {_properties('light', colors)} }}")
    if colors != PAGES_OWN:
        dark = _properties("dark", colors)
        rules.append(f'@media (prefers-color-scheme: dark) {{ :root:not([data-theme="light"]) {{ {dark} }} }}')
        rules.append(f'@media screen {{ :root[data-theme="dark"] {{ {dark} }} }}')  # paper is light
    return "".join(f"{rule}\n" for rule in rules)


def unreadable(colors: Colors) -> Iterator[InvalidOption]:
    """Colors that were given and cannot be read on those that lie under them, or under others."""
    for scheme, given in (("light", colors.light), ("dark", colors.dark)):
        base = _base(scheme, colors)
        for ink in INKS:
            ground = next((each for each in GROUNDS if contrast(base[ink], base[each]) < CONTRAST), None)
            if ground is None:
                continue
            name = next(part for part in (ink, ground, *GROUNDS, *INKS) if getattr(given, part) is not None)
            better = readable(base[ink], [base[each] for each in GROUNDS])
            if name != ink:
                grounds = " and ".join(f"{each} ({_hex(base[each])})" for each in GROUNDS)
                expected = f"colors with which {ink} ({_hex(base[ink])}) can be read on {grounds}"
                fix = "Give background and surface that are both light, or both dark."
            else:
                has = contrast(base[ink], base[ground])
                expected = f"a contrast of {CONTRAST}:1 or more with {ground} ({_hex(base[ground])}); it has {has:.2f}:1"
                fix = f"{_hex(better)} is near and has it." if all(contrast(better, base[each]) >= CONTRAST for each in GROUNDS) else ""
            yield InvalidOption(f"colors.{scheme}.{name}", getattr(given, name), expected, fix)
            if name != ink:
                break  # the other inks meet the same grounds


def contrast(one: Color, other: Color) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def readable(color: Color, grounds: Sequence[Color]) -> Color:
    """The color, made darker or lighter until it can be read on all grounds, if it can be."""
    end = max((BLACK, WHITE), key=lambda end: min(contrast(end, ground) for ground in grounds))
    mixed = (_mix(color, end, step / STEPS) for step in range(STEPS + 1))
    return next((each for each in mixed if all(contrast(each, ground) >= CONTRAST for ground in grounds)), end)


def _base(scheme: str, colors: Colors) -> dict[str, Color]:
    """The colors that a scheme's others follow from: those that were given, and what suits them."""
    given = colors.light if scheme == "light" else colors.dark
    base = {name: parse_color(value) for name in (*GROUNDS, *INKS) if (value := getattr(given, name)) is not None}
    if "background" in base and "surface" not in base:
        base["surface"] = _mix(base["background"], WHITE, 0.05 if _is_dark(base["background"]) else 0.6)
    grounds = [base.setdefault(name, parse_color(DEFAULTS[scheme][name])) for name in GROUNDS]
    inks = {name: parse_color(value) for name, value in DEFAULTS["dark" if _is_dark(base["background"]) else "light"].items()}
    if colors.light.accent is not None:
        inks["accent"] = parse_color(colors.light.accent)
    for name in (*INKS, "bad"):
        base.setdefault(name, readable(inks[name], grounds))
    return base


def _properties(scheme: str, colors: Colors) -> str:
    base = _base(scheme, colors)
    ground, surface, text, accent, bad = (base[name] for name in ("background", "surface", "text", "accent", "bad"))
    properties = {
        "accent": accent,
        "on-accent": _on(accent),
        "tint": _wash(surface, accent, 0.13, text),
    }
    own = DEFAULTS[scheme]
    if any(_hex(base[name]) != own[name] for name in (*GROUNDS, "text")):
        sunken = _wash(ground, text, 0.05, text)
        properties |= {
            "ground": ground,
            "surface": surface,
            "text": text,
            "sunken": sunken,
            "line": _mix(ground, text, 0.13),
            "soft": readable(_mix(text, surface, 0.35), (ground, surface, sunken)),
            "bad": bad,
            "bad-ground": _wash(surface, bad, 0.1, text),
        }
    kind = "dark" if _is_dark(ground) else "light"
    return " ".join((f"color-scheme: {kind};", *(f"--{name}: {_hex(color)};" for name, color in properties.items())))


def _on(color: Color) -> Color:
    """Black or white, whichever is better to read on it: by 4.58:1 at least."""
    return max((BLACK, WHITE), key=lambda ink: contrast(ink, color))


def _wash(ground: Color, color: Color, share: float, ink: Color) -> Color:
    """The ground with as much of a color, `share` at most, as leaves what is written on it readable."""
    while contrast(ink, washed := _mix(ground, color, share)) < CONTRAST and share > 0.001:
        share /= 2
    return washed


def _mix(one: Color, other: Color, share: float) -> Color:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _is_dark(color: Color) -> bool:
    return _luminance(color) < DARK_BELOW


def _luminance(color: Color) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    linear = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (each / 255 for each in color))
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def parse_color(text: str) -> Color:
    """Of #rgb or #rrggbb."""
    digits = text.removeprefix("#")
    red, green, blue = re.findall("..", digits if len(digits) == 6 else "".join(digit * 2 for digit in digits))
    return int(red, 16), int(green, 16), int(blue, 16)


def _hex(color: Color) -> str:
    return "#" + "".join(f"{part:02x}" for part in color)


PAGES_THEME = theme_of(PAGES_OWN, "sans")
