"""A site's own picture: in the page's header and as its icon. It comes from anywhere, and a browser may open it by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

MAX_BYTES = 256 << 10
EXPECTED = f"an .svg, .png or .webp file of at most {MAX_BYTES >> 10} KiB"
TYPES = {"svg": "image/svg+xml", "png": "image/png", "webp": "image/webp"}
SVG, XHTML = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xhtml}"
ACTIVE = {"script", "foreignobject", "iframe", "object", "embed", "handler"}  # runs code, or holds another document
ELSEWHERE = re.compile(r"url\s*\(\s*(?:['\"]\s*)?(?!data:)[^#'\"\s]|(?:image-set|src)\s*\(|@import|javascript:", re.IGNORECASE)
UNPLAIN = re.compile(rb"<!DOCTYPE|<!ENTITY|<\?xml-stylesheet|<\?xml[^>]{0,200}encoding\s*=\s*[\"'](?!utf-8)|\0", re.IGNORECASE)


@dataclass(frozen=True)
class Logo:
    """A picture. extension: "svg", "png" or "webp"."""

    data: bytes
    extension: str

    @property
    def type(self) -> str:
        return TYPES[self.extension]


def read_logo(path: str) -> Logo:
    """Raises ValueError that says what is wrong with the file."""
    try:
        with Path(path).expanduser().open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, RuntimeError, ValueError) as error:
        raise ValueError(f"expected {EXPECTED}, not {path!r}: {error}.") from error
    if not 0 < len(data) <= MAX_BYTES:
        raise ValueError(f"expected {EXPECTED}, not {path!r}: it has {'more than ' if data else ''}{min(len(data), MAX_BYTES)} bytes.")
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return Logo(data, "png")
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Logo(data, "webp")
    if problem := next(_svg_problems(data), None):
        raise ValueError(f"expected {EXPECTED}, not {path!r}: {problem}.")
    return Logo(data, "svg")


def _svg_problems(data: bytes) -> Iterator[str]:
    """As an image an SVG does nothing, but opened by itself it is a page of the site: it may hold no more than a drawing."""
    if found := UNPLAIN.search(data):
        yield f"{found[0][:40].decode('latin-1')!r} is more than an SVG in UTF-8 needs"
        return
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        yield f"it is neither PNG, WebP nor SVG ({error})"
        return
    if root.tag != f"{SVG}svg":
        yield "it is neither PNG, WebP nor SVG"
    for element in root.iter():
        name = element.tag.rpartition("}")[2]
        if name.lower() in ACTIVE or element.tag.startswith(XHTML):
            yield f"it has a <{name}>, which a drawing needs not"
        if name == "style" and _names_a_file("".join(element.itertext())):
            yield "its <style> names another file, which a drawing needs not"
        for key, value in element.attrib.items():
            plain = key.rpartition("}")[2].lower()
            leads = plain == "href" and not value.lstrip().startswith(("#", "data:image/png", "data:image/jpeg"))
            css = value.replace("\\", "/") if "}" in key else value  # drawing programs have their own, with paths of Windows
            if plain.startswith("on") or leads or _names_a_file(css) or (plain == "attributename" and value.strip().endswith("href")):
                yield f"its <{name}> has {plain}={value[:40]!r}: a drawing runs no code and names no other file"


def _names_a_file(css: str) -> bool:
    """Behind a backslash the letters of a word may be written by their codes."""
    return "\\" in css or ELSEWHERE.search(css) is not None
