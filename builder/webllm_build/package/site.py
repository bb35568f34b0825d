"""A model folder → a static site: page, scripts and model in one folder that any web server can serve, from any path."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from webllm_build.config import BUNDLE, WEIGHTS_FOLDER, Remote
from webllm_build.package.assets import licenses, runtime_file, templates_folder
from webllm_build.package.manifest import Manifest, hashed_name
from webllm_build.package.model_folder import MODEL_FOLDER, CompiledModel, marked
from webllm_build.package.output import Marker, Output, Stage
from webllm_build.package.render import render

BENCH = "bench.html"


@dataclass(frozen=True)
class Asset:
    """A file of the page's shell, named by its content."""

    path: str
    data: bytes


def write_site(
    output: Output,
    model: CompiledModel,
    *,
    title: str,
    weights: str | None = BUNDLE,
    threads: bool = True,
    endpoint: bool = True,
    remote: Remote | None = None,
) -> Marker:
    """Write the chat site of `model`.

    weights: URL of a folder that serves the shards, which are written into WEIGHTS_FOLDER; BUNDLE puts them beside the manifest.
    threads: the service worker isolates the page, so that its threads may share memory.
    endpoint: the service worker answers requests to `v1/` with the model of an open page, as OpenAI's server would.
    remote: who may answer in the device's place, where the visitor lets it; only of a page that chats.
    Raises OutputFolderError, TemplateError, DiskFullError, PackageError or DamagedEntry; the folder is then as it was before.
    """
    bundled = weights in (BUNDLE, None)
    manifest = model.manifest(None if bundled else weights)
    shell = _shell(manifest, title, threads, endpoint, remote if manifest.task == "chat" else None)

    def fill(stage: Stage) -> None:
        for asset in shell:
            stage.write(asset.path, asset.data)
        model.write(stage, manifest, MODEL_FOLDER if bundled else WEIGHTS_FOLDER)

    return output.publish("site", (marked(manifest, model.names),), fill, (BENCH, "index.html", "sw.js"))


def _shell(manifest: Manifest, title: str, threads: bool, endpoint: bool, remote: Remote | None) -> tuple[Asset, ...]:
    app = _built("app.js")
    worker = _hashed("worker.js", runtime_file("site-worker.js"))
    structure, cpu, markdown = _built("structure.js"), _built("cpu.js"), _built("markdown.js")
    served = _built("endpoint.js") if endpoint else None
    asks = _built("remote.js") if remote else None
    logic = _built("service-worker.js")
    style = _built("style.css")
    icon = _static("icon.svg")
    icons = json.loads(runtime_file("icons.json"))
    config = {
        "task": manifest.task,
        "manifest": f"{MODEL_FOLDER}/{manifest.file}",
        "manifest_sha256": manifest.sha256,
        "worker": worker.path,
        "structure": structure.path,
        "cpu": cpu.path,
        "markdown": markdown.path,
        "service_worker": "sw.js",
        "endpoint": None if served is None else served.path,
        "remote": {"url": remote.url, "model": remote.model, "script": asks.path} if remote and asks else None,
        "runs_on_cpu": manifest.cpu is not None,
        "download_bytes": manifest.download_bytes,
        "model": {
            "id": manifest.model.id,
            "name": manifest.model.name,
            "parameters": manifest.model.parameters,
            "license": manifest.model.license,
            "quantization": manifest.model.quantization,
            "context_length": manifest.model.context_length,
        },
        "sampling": dict(manifest.sampling),
    }
    origin = "" if manifest.weights.base is None else " " + _origin(manifest.weights.base)
    assets = (app, worker, structure, cpu, markdown, style, icon, *(each for each in (served, asks) if each))

    def page(build: str) -> Asset:
        index = render(
            "site/index.html.j2",
            title=title,
            origin=origin + (f" {_origin(remote.url)}" if remote else ""),
            style=style.path,
            icon=icon.path,
            icons=icons,
            app=app.path,
            config={**config, "build": build},
        )
        return Asset("index.html", re.sub(r"\n +", "\n", index).encode())  # how the template is indented

    # The page names its build: the service worker keeps no page of another one, which a host may send while it is being updated.
    version = _digest(page(""), *assets)
    files = [manifest.file, *(entry.file for entry in manifest.files)]
    worker_config = {
        "version": version,
        "shell": ["./", *(asset.path for asset in assets)],
        "bench": BENCH,
        "threads": threads,
        "endpoint": endpoint,
        "model": {"folder": f"{MODEL_FOLDER}/", "files": files},
    }
    service_worker = render("site/sw.js.j2", logic=logic.path, config=worker_config)
    # GitHub Pages serves a folder with .nojekyll as it is.
    notice = Asset("licenses.txt", licenses().encode())
    bench = _bench(config, origin, icon)
    return (page(version), *assets, logic, notice, *bench, Asset("sw.js", service_worker.encode()), Asset(".nojekyll", b""))


def _digest(*assets: Asset) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(asset.data).digest() for asset in assets)).hexdigest()[:16]


def _bench(config: Mapping[str, object], origin: str, icon: Asset) -> tuple[Asset, ...]:
    """The page that measures. Nothing of it is loaded or stored before somebody opens it."""
    script, worker, style = _built("bench.js"), _built("bench-worker.js"), _built("bench.css")
    config = {**config, "worker": worker.path, "remote": None}
    page = render("site/bench.html.j2", config=config, origin=origin, icon=icon.path, style=style.path, bench=script.path)
    return (Asset(BENCH, page.encode()), script, worker, style)


def _built(name: str) -> Asset:
    return _hashed(name, runtime_file(name))


def _static(name: str) -> Asset:
    return _hashed(name, (templates_folder() / "site" / name).read_bytes())


def _hashed(name: str, data: bytes) -> Asset:
    stem, extension = name.rsplit(".", 1)
    return Asset(f"assets/{hashed_name(stem, hashlib.sha256(data).hexdigest(), extension)}", data)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
