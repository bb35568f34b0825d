"""Where the built runtime and the templates lie: inside the wheel, or in a source checkout."""

from __future__ import annotations

from pathlib import Path

from webllm_build.errors import PackageError

_PACKAGE = Path(__file__).resolve().parent.parent
_CHECKOUT = _PACKAGE.parent.parent
BUILD_RUNTIME = "Run `npm ci && npm run build` in runtime_js."


def templates_folder() -> Path:
    """The Jinja templates, with the subfolders `site` and `npm`."""
    return _first("templates", _PACKAGE / "_templates", _CHECKOUT / "templates", "Install the package again.")


def runtime_folder() -> Path:
    """The built runtime: app.js, worker.js, site-worker.js, bench.js, bench-worker.js, whole.js, service-worker.js and type definitions."""
    return _first("browser runtime", _PACKAGE / "_runtime", _CHECKOUT / "runtime_js" / "dist", BUILD_RUNTIME)


# What the page speaks. English is part of its script, others are scripts of their own.
LANGUAGES = ("en", "ar", "de", "es", "fr", "ja", "pt", "zh")
SITE_SCRIPTS = (
    *(
        "app.js",
        "style.css",
        "icons.json",
        "site-worker.js",
        "structure.js",
        "cpu.js",
        "tokenizer.js",
        "media.js",
        "markdown.js",
        "storage.js",
        "sounds.js",
        "highlight.js",
        "mathematics.js",
        "chats.js",
        "endpoint.js",
        "remote.js",
        "service-worker.js",
        "missing.js",
        "words.json",
        *(f"words-{language}.js" for language in LANGUAGES),
    ),
    *("bench.js", "bench.css", "bench-worker.js"),
)
CHAT_PROGRAM = "chat.mjs"
GRAMMAR_ENGINE = "grammar.wasm"
PACKAGES = "packages.json"  # which packages of npm have code in which files
NPM_SCRIPTS = (
    *("whole.js", "handle.js", "ai-sdk.js", "prompt-api.js", "react.js", "element.js"),
    *("worker.js", "node.js", "node-worker.js"),
)


def check_assets(kind: str) -> None:
    """Raise PackageError where the installation lacks what a site or an npm package is made of. Worth calling before a long build."""
    templates_folder()
    licenses()
    for name in (GRAMMAR_ENGINE, PACKAGES, *(SITE_SCRIPTS if kind == "site" else NPM_SCRIPTS)):
        runtime_file(name)


def runtime_file(name: str) -> bytes:
    """One file of the built runtime."""
    path = runtime_folder() / name
    if not path.is_file():
        raise PackageError(f"the browser runtime lacks {name}", BUILD_RUNTIME)
    return path.read_bytes()


def runtime_modules() -> dict[str, bytes]:
    """The scripts of the runtime that an npm package holds (its entries, the workers and their chunks) by their paths in it."""
    folder = runtime_folder()
    chunks = sorted(path.relative_to(folder).as_posix() for path in (folder / "chunks").glob("*.js"))
    return {name: runtime_file(name) for name in (*NPM_SCRIPTS, *chunks)}


def licenses() -> str:
    """The licenses of this program and of the third-party software in the runtime, which every copy must carry."""
    folder = _first("license", _PACKAGE / "_licenses", _CHECKOUT, "Install the package again.")
    return "\n".join((folder / name).read_text("utf-8") for name in ("THIRD_PARTY.md", "LICENSE"))


def runtime_types() -> dict[str, bytes]:
    """The type definitions of the runtime by their paths in it."""
    folder = runtime_folder()
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.d.ts"))}


def _first(what: str, installed: Path, checkout: Path, fix: str) -> Path:
    for folder in (installed, checkout):
        if folder.is_dir():
            return folder
    raise PackageError(f"the {what} is missing: neither {installed} nor {checkout} is there", fix)
