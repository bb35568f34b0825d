"""A site's own colors, letters and picture."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from webllm_build.config import BuildRequest, problems
from webllm_build.logo import MAX_BYTES, Logo, read_logo
from webllm_build.theme import CONTRAST, DEFAULTS, FONTS, Colors, Palette, contrast, parse_color, readable, stylesheet, unreadable

STYLE = (Path(__file__).parents[2] / "runtime_js" / "src" / "view" / "style.css").read_text("utf-8")
NIGHT = '@media screen { :root[data-theme="dark"]'  # paper is light
PROPERTIES = {"background": "ground", "surface": "surface", "text": "text", "accent": "accent", "bad": "bad"}


def scheme(style: str, selector: str) -> dict[str, str]:
    """The properties that a stylesheet sets under a selector."""
    found = re.search(rf"^\s*{re.escape(selector)} {{(.*?)}}", style, re.MULTILINE | re.DOTALL)
    assert found is not None, selector
    return dict(re.findall(r"--([\w-]+): (#\w+);", found[1]))


@pytest.mark.parametrize(("name", "selector"), [("light", ":root, :host"), ("dark", f'{NIGHT}, :host([theme="dark"])')])
def test_the_pages_own_colors_are_those_of_its_style(name: str, selector: str) -> None:
    said = scheme(STYLE, selector)
    assert DEFAULTS[name] == {key: said[of_page] for key, of_page in PROPERTIES.items()}


def test_contrast_is_that_of_the_standard() -> None:
    """Known values: https://webaim.org/resources/contrastchecker"""
    known = {("#000", "#fff"): 21, ("#777777", "#ffffff"): 4.48, ("#ff0", "#fff"): 1.07, ("#3a3fbd", "#3a3fbd"): 1}
    for (one, other), value in known.items():
        assert contrast(parse_color(one), parse_color(other)) == pytest.approx(value, abs=0.01)


def test_a_site_that_says_nothing_has_no_style_of_its_own() -> None:
    assert stylesheet(Colors(), "sans") == ""


def test_one_color_changes_the_accent_alone_by_day_and_by_night() -> None:
    style = stylesheet(Colors(light=Palette(accent="#7a1fa2")), "sans")
    day, night = scheme(style, ":root"), scheme(style, NIGHT)
    assert day.keys() == night.keys() == {"accent", "on-accent", "tint"}
    assert (day["accent"], day["on-accent"]) == ("#7a1fa2", "#ffffff")
    assert night["accent"] != day["accent"]
    assert scheme(style, '@media (prefers-color-scheme: dark) { :root:not([data-theme="light"])') == night


PALETTES = [
    Palette(accent="#c00"),
    Palette(background="#fff8e7", text="#222"),
    Palette(background="#101418"),
    Palette(background="#000", surface="#000", text="#fff", accent="#0f0"),
    Palette(background="#fff", surface="#fff", text="#767676"),
    Palette(surface="#eef", accent="#005a9c"),
]


NIGHTS = [Palette(accent="#f66"), *PALETTES[1:4], Palette(surface="#223", accent="#8cf")]


@pytest.mark.parametrize(("name", "palette"), [*(("light", each) for each in PALETTES), *(("dark", each) for each in NIGHTS)])
def test_what_follows_from_readable_colors_is_readable(name: str, palette: Palette) -> None:
    colors = Colors(light=palette) if name == "light" else Colors(dark=palette)
    assert not [*unreadable(colors)]
    selector = ":root" if name == "light" else NIGHT
    own = f"{selector}, :host" if name == "light" else f'{selector}, :host([theme="dark"])'
    said = {**scheme(STYLE, own), **scheme(stylesheet(colors, "sans"), selector)}
    for ink, ground in [
        *(("text", ground) for ground in ("ground", "surface", "sunken", "tint", "bad-ground")),
        *(("soft", ground) for ground in ("ground", "surface", "sunken")),
        *((ink, ground) for ink in ("accent", "bad") for ground in ("ground", "surface")),
        ("on-accent", "accent"),
    ]:
        assert contrast(parse_color(said[ink]), parse_color(said[ground])) >= CONTRAST - 0.06, (ink, ground, said)


def test_on_a_dark_page_stands_what_does_so_by_night() -> None:
    said = scheme(stylesheet(Colors(light=Palette(background="#101418")), "sans"), ":root")
    assert (said["text"], said["accent"]) == (DEFAULTS["dark"]["text"], DEFAULTS["dark"]["accent"])
    assert "color-scheme: dark;" in stylesheet(Colors(light=Palette(background="#101418")), "sans").splitlines()[0]


def test_the_advice_for_a_color_that_cannot_be_read_is_right() -> None:
    (problem,) = unreadable(Colors(light=Palette(accent="#ffd700")))
    assert (problem.option, problem.value) == ("colors.light.accent", "#ffd700")
    advised = re.match("#[0-9a-f]{6}", problem.fix)
    assert advised is not None
    assert not [*unreadable(Colors(light=Palette(accent=advised[0])))]


@pytest.mark.parametrize(
    ("palette", "option"),
    [
        (Palette(text="#999"), "colors.light.text"),
        (Palette(background="#000", surface="#777"), "colors.light.surface"),
        (Palette(surface="#112"), "colors.light.surface"),
        (Palette(background="#777", surface="#777", text="#888"), "colors.light.text"),
    ],
)
def test_colors_that_cannot_be_read_are_problems(palette: Palette, option: str) -> None:
    assert option in [problem.option for problem in problems(BuildRequest("site", colors=Colors(light=palette)))]


def test_readable_leaves_what_can_be_read() -> None:
    assert readable((0, 0, 0), [(255, 255, 255)]) == (0, 0, 0)


@pytest.mark.parametrize("font", FONTS)
def test_letters_are_set_by_a_stylesheet(font: str) -> None:
    assert stylesheet(Colors(), font) == (f":root {{ font-family: {FONTS[font]}; }}\n" if font != "sans" else "")


SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">{}</svg>'
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
WEBP = b"RIFF\4\0\0\0WEBPVP8 "


@pytest.mark.parametrize(
    ("data", "logo"),
    [
        (PNG, "png"),
        (WEBP, "webp"),
        (SVG.format("").encode(), "svg"),
        (SVG.format('<style>path { fill: url(#a) }</style><path d="M0 0" style="fill:url( \'#a\' )"/>').encode(), "svg"),
        (SVG.format('<defs><path id="a"/></defs><use xlink:href="#a"/><image href="data:image/png;base64,AA"/>').encode(), "svg"),
        (SVG.format('<g xmlns:i="urn:ink" i:export-filename="C:\\a.png"/>').encode(), "svg"),
        (b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?><!-- Ink -->' + SVG.format("<title>Ours</title>").encode(), "svg"),
    ],
)
def test_pictures_are_read_by_what_they_are(tmp_path: Path, data: bytes, logo: str) -> None:
    (tmp_path / "logo").write_bytes(data)
    assert read_logo(str(tmp_path / "logo")) == Logo(data, logo)


@pytest.mark.parametrize(
    "drawing",
    [
        "<script>alert(1)</script>",
        '<x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script>',
        '<x:img xmlns:x="http://www.w3.org/1999/xhtml" src="x"/>',
        "<foreignObject/>",
        '<path onload="alert(1)"/>',
        '<path ONCLICK="alert(1)"/>',
        '<a href="javascript:alert(1)"><path/></a>',
        '<a xlink:href=" java&#10;script:alert(1)"><path/></a>',
        '<a href="https://example.org/"><path/></a>',
        '<a><set attributeName="href" to="x"/></a>',
        '<use href="https://example.org/x.svg#a"/>',
        '<use href="data:image/svg+xml,x"/>',
        '<image href="//example.org/x.png"/>',
        "<style>@import 'x.css';</style>",
        "<style>path { fill: url(https://example.org/x) }</style>",
        '<path style="fill: url(//example.org/x)"/>',
        '<path fill="url( \'x.svg#a\' )"/>',
        '<path fill="u\\72l(https://example.org/x.svg#a)"/>',
        "<style>@\\69mport 'x.css';</style>",
        '<style>svg { background: image-set("https://example.org/x.png" 1x) }</style>',
        '<a><set attributeName="href " to="x"/></a>',
    ],
)
def test_a_drawing_runs_nothing_and_names_no_other_file(tmp_path: Path, drawing: str) -> None:
    (tmp_path / "logo.svg").write_text(SVG.format(drawing))
    with pytest.raises(ValueError, match="a drawing"):
        read_logo(str(tmp_path / "logo.svg"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "No such file"),
        (b"", "0 bytes"),
        (b"\x89PNG" + bytes(MAX_BYTES), "more than"),
        (b"GIF89a", "neither PNG"),
        (b"<html/>", "neither PNG"),
        (b"<svg/>", "neither PNG"),
        (b"<svg", "neither PNG"),
        (b'<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG.format("&a;").encode(), "DOCTYPE"),
        (b'<?xml-stylesheet href="x.xsl"?>' + SVG.format("").encode(), "stylesheet"),
        (b'<?xml version="1.0" encoding="cp037"?>' + SVG.format("").encode(), "encoding"),
        (('<?xml version="1.0"?>' + SVG.format("")).encode("utf-16"), "UTF-8"),
        (SVG.format("<g>" * 50_000).encode(), "neither PNG"),
        (b"<?xml" * 50_000, "neither PNG"),
        (SVG.format(f'<path style="fill: url({" " * 200_000}x)"/>').encode(), "a drawing"),
    ],
)
def test_what_is_no_picture_is_said(tmp_path: Path, data: bytes | None, message: str) -> None:
    if data is not None:
        (tmp_path / "logo.svg").write_bytes(data)
    with pytest.raises(ValueError, match=message):
        read_logo(str(tmp_path / "logo.svg"))
