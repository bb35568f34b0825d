"""Models → an npm package: the runtime as ES modules, and an engine that knows its own models."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from webllm_build.package.assets import licenses, runtime_file, runtime_modules, runtime_types, templates_folder
from webllm_build.package.bill import BILL, Product, bill
from webllm_build.package.manifest import Manifest
from webllm_build.package.model_folder import CompiledModel, marked
from webllm_build.package.output import Marker, Output, Stage
from webllm_build.package.places import HERE, MODEL_FOLDER, WEIGHTS_FOLDER, Places
from webllm_build.package.render import render

RUNTIME_LICENSE = "Apache-2.0"
PEERS = {"@ai-sdk/provider": "^4.0.0", "react": ">=18"}
JSON_SUFFIX = ".txt"  # Parcel makes a script of what ends in .json; no bundler touches a text, and hosts compress it, too
_ENTRIES = ("index.js", "static.js", "prompt-api.js", "element.js", "node.js", "node-static.js", "node-prompt-api.js")
_ADAPTERS = {"ai-sdk": "ai_sdk", "react": "react"}  # entries that are whole in the runtime, which needs no model
_BETWEEN = ("engine.js", "node-engine.js", "language-model.js")
SCRIPTS = (*_ENTRIES, *_BETWEEN, "models.js", *(f"{name}.js" for name in _ADAPTERS), "worker.js")
_DECLARED = ("index", "static", "worker", "prompt-api", "element", "models", *_ADAPTERS)


def write_npm(output: Output, models: Sequence[CompiledModel], *, name: str, version: str, weights: Places) -> Marker:
    """Write an npm package of `models`, whose ids differ. name, version: what npm accepts (config.py checks them).

    All files lie in one folder, named by their content, so that models share those that are equal.
    weights: where browsers find the shards; of the folders that may get them, npm does not publish WEIGHTS_FOLDER.
    Raises as `write_site` does.
    """
    contents = [_Packaged(model, model.manifest(weights), HERE in weights.urls) for model in models]

    def fill(stage: Stage) -> None:
        for path, data in {**runtime_modules(), **runtime_types()}.items():
            stage.write(f"runtime/{path}", data)
        for each in contents:
            each.model.write(stage, each.manifest, weights.folder, JSON_SUFFIX)
        for path, text in _texts(contents, name, version, weights).items():
            stage.write(path, text.encode())
        published = {path: digest for path, digest in stage.digests.items() if not path.startswith(f"{WEIGHTS_FOLDER}/")}
        product = Product("library", name, version, f"pkg:npm/{quote(name, safe='/')}@{version}")
        stage.write(BILL, bill(product, [each.manifest for each in contents], published))

    marks = tuple(marked(each.manifest, each.model.names, JSON_SUFFIX) for each in contents)
    return output.publish("npm", marks, fill, ("index.js", "package.json"))


@dataclass(frozen=True)
class _Packaged:
    """A model as templates see it. bundled: the package has its weights."""

    model: CompiledModel
    manifest: Manifest
    bundled: bool

    @property
    def script(self) -> dict[str, object]:
        """What models.js says of it. facts: as the runtime's PackagedFacts names them."""
        manifest, names = self.manifest, self.model.names
        return {
            "id": manifest.model.id,
            "manifest": _path(manifest.file),
            "sha256": manifest.sha256,
            "files": {entry.file: _path(entry.file) for entry in (manifest.files if self.bundled else manifest.small_files)},
            "facts": {
                "name": manifest.model.name,
                "downloadBytes": manifest.download_bytes,
                "memoryBytes": self.model.memory,
                "contextLength": manifest.model.context_length,
                "library": manifest.library.file,
                "embeds": manifest.embedding is not None,
                "sees": manifest.vision is not None,
                "hears": manifest.audio is not None,
                "aliases": [name for name in names if name != manifest.model.id],
                "reference": names[0] if names and names[0] != manifest.model.name else manifest.model.source,
            },
        }

    @property
    def text(self) -> dict[str, object]:
        """What people read of it."""
        model, embedding = self.manifest.model, self.manifest.embedding
        return {
            "name": as_text(model.name),
            "id": model.id,
            "shown_id": re.sub(r"[`|]", "", model.id),
            "license": as_text(model.license or "unknown"),
            "parameters": f"{model.parameters / 1e6:.0f} million",
            "megabytes": f"{self.manifest.download_bytes / 1e6:.0f}",
            "context_length": model.context_length,
            "task": self.manifest.task,
            "aliases": len(self.model.names),
            "max_tokens": embedding.max_tokens if embedding else 0,
            "prompts": ", ".join(f"`{as_text(name)}`" for name in embedding.prompts) if embedding else "",
        }


def _path(file: str) -> str:
    """Of a file of a model, from the package's scripts."""
    return f"./{MODEL_FOLDER}/{file}{JSON_SUFFIX if file.endswith('.json') else ''}"


def _texts(contents: Sequence[_Packaged], name: str, version: str, weights: Places) -> dict[str, str]:
    ask_weights = weights.asks
    build = hashlib.sha256(runtime_file("worker.js")).hexdigest()[:32]
    ids = [each.manifest.model.id for each in contents]
    names = list(dict.fromkeys([*ids, *(other for each in contents for other in each.model.names)]))
    licensed = [(one_line(each.manifest.model.name), one_line(each.manifest.model.license or "unknown")) for each in contents]
    return {
        **{name: (templates_folder() / "npm" / name).read_text("utf-8") for name in (*_ENTRIES, *_BETWEEN)},
        "models.js": render("npm/models.js.j2", models=[each.script for each in contents], ask_weights=ask_weights, build=build),
        "models.d.ts": render("npm/models.d.ts.j2", ids=ids, names=names, ask_weights=ask_weights),
        "index.d.ts": render("npm/index.d.ts.j2", name=name, ask_weights=ask_weights),
        "static.d.ts": render("npm/static.d.ts.j2", ask_weights=ask_weights),
        **{f"{name}.js": f'export * from "./runtime/{name}.js";\n' for name in _ADAPTERS},
        **{f"{name}.d.ts": _types_of(folder) for name, folder in {**_ADAPTERS, "element": "element"}.items()},
        "worker.js": 'import "./runtime/worker.js";\n',
        "worker.d.ts": "export {}; // a script, to be started\n",
        "prompt-api.d.ts": render("npm/prompt-api.d.ts.j2", ask_weights=ask_weights),
        "README.md": render(
            "npm/README.md.j2",
            name=name,
            version=version,
            models=[each.text for each in contents],
            weights_note=_weights_note(weights),
            ask_weights=ask_weights,
        ),
        "LICENSE": render("npm/LICENSE.j2", models=licensed, licenses=licenses()),
        "package.json": json.dumps(_package_json(contents, name, version), indent=2) + "\n",
    }


def _types_of(adapter: str) -> str:
    return f'export * from "./runtime/adapters/{adapter}/index.js";\n'


def one_line(text: str) -> str:
    """Printable characters on one line."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def as_text(text: str) -> str:
    """Markdown that shows exactly this text: no link, no picture, no HTML."""
    return re.sub(r"[\\`*_{}\[\]<>()#+!|~&:@$]", lambda mark: f"\\{mark[0]}", one_line(text))


def _weights_note(weights: Places) -> str:
    elsewhere = " and ".join(f"<{url}>" for url in weights.elsewhere)
    folder = f"`{WEIGHTS_FOLDER}/`, which webllm-build wrote beside this file and npm does not publish,"
    if HERE in weights.urls:
        return "The weights are part of this package" + (f", and also come from {elsewhere}." if elsewhere else ".")
    if weights.folder is None:
        return f"The weights come from {elsewhere}."
    if elsewhere:
        return f"The weights come from {elsewhere}: upload {folder} there, and let the host allow cross-origin requests (CORS)."
    return (
        f"The weights are not part of this package: upload {folder} to any static host or CDN that allows cross-origin requests (CORS), "
        "and name that folder as `weights`."
    )


def _package_json(contents: Sequence[_Packaged], name: str, version: str) -> dict[str, object]:
    same_license = all((each.manifest.model.license or "").lower() == RUNTIME_LICENSE.lower() for each in contents)
    names = " and ".join(one_line(each.manifest.model.name) for each in contents)
    return {
        "name": name,
        "version": version,
        "description": f"{names} in the browser and outside: WebGPU and WebAssembly behind OpenAI's interface.",
        "keywords": ["llm", "webgpu", "webassembly", "openai", "webllm"],
        "license": RUNTIME_LICENSE if same_license else "SEE LICENSE IN LICENSE",
        "type": "module",
        "exports": {
            # Deno and Bun take "node", too. What knows no exports, as Parcel, finds the same files by their names.
            ".": {"types": "./index.d.ts", "node": "./node.js", "default": "./index.js"},
            "./static": {"types": "./static.d.ts", "node": "./node-static.js", "default": "./static.js"},
            "./worker": {"types": "./worker.d.ts", "node": "./runtime/node-worker.js", "default": "./worker.js"},
            "./prompt-api": {"types": "./prompt-api.d.ts", "node": "./node-prompt-api.js", "default": "./prompt-api.js"},
            **{f"./{name}": {"types": f"./{name}.d.ts", "default": f"./{name}.js"} for name in ("element", *_ADAPTERS)},
            "./model/*": "./model/*",
            "./package.json": "./package.json",
        },
        "types": "./index.d.ts",
        "engines": {"node": ">=20"},
        # WebLLM depends on it, so that its users' programs import it. (It logs by a copy of its own, whose level is none of theirs.)
        "dependencies": {"loglevel": "^1.9.1"},
        # Whoever uses an adapter has what it adapts to.
        "peerDependencies": dict(PEERS),
        "peerDependenciesMeta": {name: {"optional": True} for name in PEERS},
        # A worker's script runs for its effects, Node's entry puts Node in a browser's place, and the entries say what the package holds.
        "sideEffects": [
            *(f"./{name}" for name in (*_ENTRIES, "engine.js", "node-engine.js", "worker.js")),
            "./runtime/worker.js",
            "./runtime/node.js",
            "./runtime/node-worker.js",
            "./runtime/chunks/node-*.js",
        ],
        "files": [*SCRIPTS, *(f"{name}.d.ts" for name in _DECLARED), "runtime", "model", BILL],
    }
