"""The files that a host reads: in a site (headers, a Space's card), and in the repository where one is built (workflow, settings)."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence

from webllm_build import __version__
from webllm_build.hosts import Host
from webllm_build.package.render import render

ISOLATION = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
# In a Space the page is in a frame of another site, which lets in only what says so.
FRAMED = {"Cross-Origin-Resource-Policy": "cross-origin"}
PLAIN = {"X-Content-Type-Options": "nosniff"}
KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}  # of what is named by its content
HASHED_FOLDERS = ("assets", "model")
COMPATIBILITY_DATE = "2026-11-01"  # of Cloudflare's runtime, which serves the files
FOLDER = "dist"  # of the site, in a repository
PYTHON = "3.13"  # that builds it there


def site_files(host: Host, *, title: str, isolated: bool) -> dict[str, bytes]:
    """The host's files in a site, by their paths. isolated: whether the page wants threads that share memory."""
    headers = {**PLAIN, **(ISOLATION if isolated else {})}
    made = {
        "README.md": lambda: _card(title, isolated),
        "_headers": lambda: _headers_file({"/*": headers, **{f"/{folder}/*": KEPT for folder in HASHED_FOLDERS}}),
        "vercel.json": lambda: _vercel({"/(.*)": headers, **{f"/{folder}/(.*)": KEPT for folder in HASHED_FOLDERS}}),
    }
    return {path: made[path]().encode() for path in host.files}


def project_files(host: Host, *, name: str, arguments: Sequence[str] = (), settings: str = "webllm.toml") -> dict[str, str]:
    """The host's files in the repository that a site is built in, by their paths.

    name: of the project, as npm has names. arguments: of `webllm-build site`, beside --out. settings: the file that the build depends on.
    """
    command = shlex.join(["webllm-build", "site", *arguments, "--out", FOLDER])
    install = f"pip install 'webllm-build[demo]=={__version__}'"
    made = {
        ".github/workflows/pages.yml": lambda: render(
            "hosts/pages.yml.j2", install=install, command=command, settings=settings, folder=FOLDER, python=PYTHON
        ),
        "wrangler.jsonc": lambda: _json({"name": name, "compatibility_date": COMPATIBILITY_DATE, "pages_build_output_dir": f"./{FOLDER}"}),
        "netlify.toml": lambda: f'[build]\ncommand = {json.dumps(f"{install} && {command}")}\npublish = "{FOLDER}"\n\n'
        f'[build.environment]\nPYTHON_VERSION = "{PYTHON}"\n',  # else one that may be too old
    }
    return {path: made[path]() for path in host.project}


def _card(title: str, isolated: bool) -> str:
    """A Space's README. https://huggingface.co/docs/hub/spaces-config-reference"""
    headers = {**(ISOLATION if isolated else {}), **FRAMED}
    fields = {"title": title, "emoji": "💬", "colorFrom": "blue", "colorTo": "indigo", "sdk": "static", "app_file": "index.html"}
    # Strings of JSON are strings of YAML, whatever is in them.
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items()]
    lines += ["custom_headers:", *(f"  {key.lower()}: {value}" for key, value in headers.items())]
    return "\n".join(["---", *lines, "---", "", "A chat that computes in the visitor's browser. Made by webllm-build.", ""])


def _headers_file(rules: Mapping[str, Mapping[str, str]]) -> str:
    return "\n".join(f"{path}\n" + "".join(f"  {name}: {value}\n" for name, value in headers.items()) for path, headers in rules.items())


def _vercel(rules: Mapping[str, Mapping[str, str]]) -> str:
    listed = [
        {"source": path, "headers": [{"key": name, "value": value} for name, value in headers.items()]} for path, headers in rules.items()
    ]
    return _json({"$schema": "https://openapi.vercel.sh/vercel.json", "framework": None, "headers": listed})


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
