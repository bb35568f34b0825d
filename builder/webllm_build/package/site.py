"""Models → a static site: page, scripts and models in one folder that any web server can serve, from any path."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from webllm_build import __version__
from webllm_build.config import Remote
from webllm_build.hosts import ANY, Host, require
from webllm_build.logo import TYPES as LOGO_TYPES, Logo
from webllm_build.package.assets import LANGUAGES, licenses, runtime_file, templates_folder
from webllm_build.package.bill import BILL, Product, bill
from webllm_build.package.host_files import site_files
from webllm_build.package.manifest import Manifest, hashed_name
from webllm_build.package.model_folder import CompiledModel, marked
from webllm_build.package.output import Marker, Output, Stage
from webllm_build.package.places import BUNDLED, MODEL_FOLDER, WEIGHTS_FOLDER, Places, origin_of
from webllm_build.package.render import render
from webllm_build.package.web_app import WEB_APP, AppIcon, web_app
from webllm_build.site_words import PAGES_WORDS, SiteWords
from webllm_build.theme import PAGES_THEME, Theme

BENCH = "bench.html"
# Scripts that come late.
LATE = ("structure", "cpu", "tokenizer", "media", "markdown", "highlight", "mathematics", "chats", "storage", "sounds")
DRAWN = (("192x192", "any"), ("512x512", "any"), ("512x512", "maskable"))
SCREENS = {"screen-wide.png": "1280x720", "screen-narrow.png": "540x1080"}  # of the page in its own colors: tests/golden/make_screens.py
CODER = re.compile(r"code(?!c)", re.IGNORECASE)  # CodeLlama, Coder, Codestral


@dataclass(frozen=True)
class Asset:
    """A file of the page's shell, named by its content."""

    path: str
    data: bytes


@dataclass(frozen=True)
class InlineScript:
    """A script that stands in a page. source: what allows it in the page's policy."""

    text: str
    source: str


@dataclass(frozen=True)
class SiteOptions:
    """What a site is like beside its models.

    weights: where browsers find the shards, and which folder gets them.
    threads: the service worker isolates the page, so that its threads may share memory.
    endpoint: the service worker answers requests to `v1/` with the model of an open page, as OpenAI's server would.
    remote: who may answer in the device's place, where the visitor lets it; only of a page that chats.
    host: where it will be served, whose files it gets.
    language: that the page speaks, one of assets.LANGUAGES; None speaks the visitor's.
    words, logo, theme: its own, in the place of the page's or behind it.
    """

    title: str
    weights: Places = BUNDLED
    threads: bool = True
    endpoint: bool = True
    remote: Remote | None = None
    host: Host = ANY
    language: str | None = None
    words: SiteWords = PAGES_WORDS
    logo: Logo | None = None
    theme: Theme = PAGES_THEME


def write_site(output: Output, models: Sequence[CompiledModel], site: SiteOptions) -> Marker:
    """Write the site of `models`, whose ids differ and whose task is the same; the first is the one that a visitor is offered.

    All files lie in one folder, named by their content, so that models share those that are equal.
    Raises HostError where they do not fit there, OutputFolderError, TemplateError, DiskFullError, PackageError or DamagedEntry; the folder
    is then as it was before.
    """
    contents = [(model, model.manifest(site.weights)) for model in models]
    shell = _shell(contents, site)

    def fill(stage: Stage) -> None:
        for asset in shell:
            stage.write(asset.path, asset.data)
        for path, data in site_files(site.host, title=site.title, isolated=site.threads).items():
            stage.write(path, data)
        for model, manifest in contents:
            model.write(stage, manifest, site.weights.folder)
        stage.write(BILL, bill(Product("application", site.title, __version__), [manifest for _, manifest in contents], stage.digests))
        require(site.host, {path: size for path, size in stage.files.items() if not path.startswith(f"{WEIGHTS_FOLDER}/")})

    marks = tuple(marked(manifest, model.names) for model, manifest in contents)
    return output.publish("site", marks, fill, (BENCH, "index.html", "sw.js"))


def _facts(model: CompiledModel, manifest: Manifest) -> dict[str, object]:
    """What the page says of a model before it is loaded, and where its files are."""
    return {
        "id": manifest.model.id,
        "name": manifest.model.name,
        "parameters": manifest.model.parameters,
        "license": manifest.model.license,
        "quantization": manifest.model.quantization,
        "context_length": manifest.model.context_length,
        "download_bytes": manifest.download_bytes,
        "memory_bytes": model.memory,
        "runs_on_cpu": manifest.cpu is not None,
        "sees": manifest.vision is not None,
        "hears": manifest.audio.processor["seconds"] if manifest.audio else 0,
        "sampling": dict(manifest.sampling),
        "thinking": _thinking(manifest),
        "traits": _traits(manifest),
        "manifest": f"{MODEL_FOLDER}/{manifest.file}",
        "manifest_sha256": manifest.sha256,
    }


def _traits(manifest: Manifest) -> list[str]:
    """What the model is good for beside conversation, as far as its template and its name tell."""
    has = {"tools": "tools" in manifest.chat, "thinks": "thinking" in manifest.chat, "code": CODER.search(manifest.model.name) is not None}
    return [trait for trait, holds in has.items() if holds]


def _thinking(manifest: Manifest) -> dict[str, bool]:
    """What the model's template can be told of its thoughts: whether it thinks, how much, and for how long the engine lets it."""
    template = json.dumps(manifest.tokenizer_config.get("chat_template") or "")
    return {
        "switch": re.search(r"\b(enable_thinking|thinking_mode)\b|\bif (not )?thinking\b|\bthinking is\b", template) is not None,
        "effort": re.search(r"\b(reasoning_effort|thinking_effort|reasoning_strength)\b", template) is not None,
        "budget": bool(manifest.chat.get("thinking")),
    }


def _shell(contents: Sequence[tuple[CompiledModel, Manifest]], site: SiteOptions) -> tuple[Asset, ...]:
    manifests = [manifest for _, manifest in contents]
    task = manifests[0].task
    remote = site.remote if task == "chat" else None
    app = _built("app.js")
    worker = _hashed("worker.js", runtime_file("site-worker.js"))
    late = {name: _built(f"{name}.js") for name in LATE}
    served = _built("endpoint.js") if site.endpoint else None
    asks = _built("remote.js") if remote else None
    logic = _built("service-worker.js")
    style = _built("style.css")
    own_style = _hashed("theme.css", site.theme.style.encode()) if site.theme.style else None
    icon = _static("icon.svg") if site.logo is None else _hashed(f"logo.{site.logo.extension}", site.logo.data)
    icon_type = site.logo.type if site.logo else LOGO_TYPES["svg"]
    drawn = (_static("icon-192.png"), _static("icon-512.png"), _static("icon-maskable.png")) if site.logo is None else ()
    is_plain = site.logo is None and site.theme == PAGES_THEME
    screens = {_static(name): sizes for name, sizes in SCREENS.items()} if is_plain else {}
    icons = json.loads(runtime_file("icons.json"))
    words = {language: _built(f"words-{language}.js") for language in LANGUAGES}
    own_words = [asset for language, asset in words.items() if language == site.language]
    config = {
        "task": task,
        "models": [_facts(model, manifest) for model, manifest in contents],
        "worker": worker.path,
        **{name: asset.path for name, asset in late.items()},
        "service_worker": "sw.js",
        "endpoint": None if served is None else served.path,
        "remote": {"url": remote.url, "model": remote.model, "script": asks.path} if remote and asks else None,
        "language": site.language,
        "words": {language: asset.path for language, asset in words.items()},
        "site": asdict(site.words),
    }
    origins = "".join(f" {origin}" for origin in site.weights.origins)
    assets = (app, worker, *late.values(), style, icon, *own_words, *(each for each in (served, asks, own_style) if each))

    def page(build: str) -> Asset:
        index = render(
            "site/index.html.j2",
            title=site.title,
            origin=origins + (f" {origin_of(remote.url)}" if remote else ""),
            styles=[each.path for each in (style, own_style) if each],
            theme=site.theme,
            icon=icon.path,
            icon_type=icon_type,
            touch_icon=drawn[2].path if drawn else icon.path,
            has_logo=site.logo is not None,
            icons=icons,
            inline=_inline("missing.js"),
            app=app.path,
            language=site.language or "en",
            words=json.loads(runtime_file("words.json"))[site.language or "en"],
            config={**config, "build": build},
        )
        return Asset("index.html", re.sub(r"\n +", "\n", index).encode())  # how the template is indented

    # The page names its build: the service worker keeps no page of another one, which a host may send while it is being updated.
    version = _digest(page(""), *assets)
    files = dict.fromkeys(file for each in manifests for file in (each.file, *(entry.file for entry in each.files)))
    worker_config = {
        "version": version,
        "shell": ["./", *(asset.path for asset in assets)],
        "words": {language: asset.path for language, asset in words.items() if asset not in own_words},
        "bench": BENCH,
        "threads": site.threads,
        "endpoint": site.endpoint,
        "model": {"folder": f"{MODEL_FOLDER}/", "files": [*files]},
    }
    service_worker = render("site/sw.js.j2", logic=logic.path, config=worker_config)
    # GitHub Pages serves a folder with .nojekyll as it is.
    notice = Asset("licenses.txt", licenses().encode())
    bench = _bench({**config, "build": version}, site.title, origins, icon.path, icon_type)
    installed = [AppIcon(asset.path, "image/png", sizes, purpose) for asset, (sizes, purpose) in zip(drawn, DRAWN, strict=False)]
    language = site.language or "en"
    pictures = [AppIcon(asset.path, "image/png", sizes) for asset, sizes in screens.items()]
    manifest = web_app(site.title, language, [AppIcon(icon.path, icon_type, "any"), *installed], pictures, site.theme, task == "chat")
    others = [asset for asset in words.values() if asset not in own_words]
    files_of_hosts = (Asset(WEB_APP, manifest), notice, Asset("sw.js", service_worker.encode()), Asset(".nojekyll", b""))
    return (page(version), *assets, *others, *drawn, *screens, logic, *bench, *files_of_hosts)


def _digest(*assets: Asset) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(asset.data).digest() for asset in assets)).hexdigest()[:16]


def _bench(config: Mapping[str, object], title: str, origin: str, icon: str, icon_type: str) -> tuple[Asset, ...]:
    """The page that measures. Nothing of it is loaded or stored before somebody opens it."""
    script, worker, style = _built("bench.js"), _built("bench-worker.js"), _built("bench.css")
    config = {**config, "worker": worker.path, "remote": None}
    scripts = {"inline": _inline("missing.js"), "bench": script.path}
    icons = {"icon": icon, "icon_type": icon_type}
    page = render("site/bench.html.j2", title=title, config=config, origin=origin, style=style.path, **scripts, **icons)
    return (Asset(BENCH, page.encode()), script, worker, style)


def _inline(name: str) -> InlineScript:
    text = runtime_file(name).decode().strip()
    return InlineScript(text, f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}")


def _built(name: str) -> Asset:
    return _hashed(name, runtime_file(name))


def _static(name: str) -> Asset:
    return _hashed(name, (templates_folder() / "site" / name).read_bytes())


def _hashed(name: str, data: bytes) -> Asset:
    stem, extension = name.rsplit(".", 1)
    return Asset(f"assets/{hashed_name(stem, hashlib.sha256(data).hexdigest(), extension)}", data)
