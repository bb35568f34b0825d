"""What makes a site installable: its web app manifest. https://www.w3.org/TR/appmanifest/"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from webllm_build.theme import Theme

WEB_APP = "manifest.webmanifest"
SHORT = 12  # characters that fit below an icon


@dataclass(frozen=True)
class AppIcon:
    """path: in the site. sizes: as a link's, "192x192" or "any". purpose: "any", or "maskable" where its edges may be cut off."""

    path: str
    type: str
    sizes: str
    purpose: str = "any"


def web_app(title: str, language: str, icons: Sequence[AppIcon], screens: Sequence[AppIcon], theme: Theme, chats: bool) -> bytes:
    """The manifest. What is shared with an installed chat is asked of it, as `?q=` of its address. screens: pictures of the page, of which
    those that are wider than high are of a desktop."""
    manifest = {
        "id": "./",
        "name": title,
        "short_name": title if len(title) <= SHORT else title[:SHORT].rsplit(" ", 1)[0],
        "lang": language,
        "start_url": "./",
        "scope": "./",
        "display": "standalone",
        "background_color": theme.ground,
        "theme_color": theme.header,
        "icons": [{"src": icon.path, "type": icon.type, "sizes": icon.sizes, "purpose": icon.purpose} for icon in icons],
        **({"screenshots": [_screen(screen, title) for screen in screens]} if screens else {}),
        **({"share_target": {"action": "./", "method": "GET", "params": {"text": "q", "title": "title", "url": "url"}}} if chats else {}),
    }
    return json.dumps(manifest, ensure_ascii=False, separators=(",", ":")).encode()


def _screen(screen: AppIcon, title: str) -> dict[str, str]:
    width, height = map(int, screen.sizes.split("x"))
    form = "wide" if width > height else "narrow"
    return {"src": screen.path, "type": screen.type, "sizes": screen.sizes, "form_factor": form, "label": title}
