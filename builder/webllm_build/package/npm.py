"""A model folder → an npm package: the runtime as ES modules, and an engine that knows its own model."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from webllm_build.config import BUNDLE, WEIGHTS_FOLDER
from webllm_build.package.assets import licenses, runtime_modules, runtime_types, templates_folder
from webllm_build.package.manifest import Manifest
from webllm_build.package.model_folder import MODEL_FOLDER, CompiledModel
from webllm_build.package.output import Marker, Output, Stage
from webllm_build.package.render import render

RUNTIME_LICENSE = "Apache-2.0"
PEERS = {"@ai-sdk/provider": "^4.0.0", "react": ">=18"}
PLAIN_SCRIPTS = ("index.js", "static.js", "node.js", "node-static.js", "prompt-api.js")
SCRIPTS = (*PLAIN_SCRIPTS, "model.js")


def write_npm(
    output: Output, model: CompiledModel, *, name: str, version: str, weights: str | None = None, aliases: Sequence[str] = ()
) -> Marker:
    """Write an npm package of `model`. name, version: what npm accepts (config.py checks them). aliases: other names of the model.

    weights: BUNDLE puts the shards into the package. Else they are written into WEIGHTS_FOLDER, which npm does not publish:
        a URL is where they will be served from; None leaves that to the caller of createEngine.
    Raises as `write_site` does.
    """
    bundled = weights == BUNDLE
    manifest = model.manifest(None if bundled else weights)

    def fill(stage: Stage) -> None:
        for path, data in {**runtime_modules(), **runtime_types()}.items():
            stage.write(f"runtime/{path}", data)
        model.write(stage, manifest, MODEL_FOLDER if bundled else WEIGHTS_FOLDER)
        for path, text in _texts(manifest, name, version, weights, aliases).items():
            stage.write(path, text.encode())

    return output.publish("npm", f"{MODEL_FOLDER}/{manifest.file}", fill, ("index.js", "package.json"))


def _texts(manifest: Manifest, name: str, version: str, weights: str | None, aliases: Sequence[str]) -> dict[str, str]:
    model, embedding, ask_weights = manifest.model, manifest.embedding, weights is None
    license_name = model.license or "unknown"
    local = manifest.files if weights == BUNDLE else manifest.small_files
    return {
        **{name: (templates_folder() / "npm" / name).read_text("utf-8") for name in PLAIN_SCRIPTS},
        "model.js": render(
            "npm/model.js.j2",
            model_id=model.id,
            manifest=f"./{MODEL_FOLDER}/{manifest.file}",
            sha256=manifest.sha256,
            files=[f"./{MODEL_FOLDER}/{entry.file}" for entry in local],
            ask_weights=ask_weights,
            library=manifest.library.file,
            aliases=sorted({*aliases} - {model.id}),
            embeds=embedding is not None,
            context_length=model.context_length,
        ),
        "index.d.ts": render("npm/index.d.ts.j2", name=name, ask_weights=ask_weights),
        "static.d.ts": render("npm/static.d.ts.j2", ask_weights=ask_weights),
        "prompt-api.d.ts": render("npm/prompt-api.d.ts.j2", ask_weights=ask_weights),
        "model.d.ts": render("npm/model.d.ts.j2", model_id=model.id, ask_weights=ask_weights),
        "README.md": render(
            "npm/README.md.j2",
            name=name,
            version=version,
            aliases=aliases,
            model=as_text(model.name),
            model_id=model.id.replace("`", ""),
            license=as_text(license_name),
            parameters=f"{model.parameters / 1e6:.0f} million",
            megabytes=f"{manifest.download_bytes / 1e6:.0f}",
            context_length=model.context_length,
            weights_note=_weights_note(manifest.weights.base, weights),
            ask_weights=ask_weights,
            chat=manifest.task == "chat",
            embeds=embedding is not None,
            max_tokens=embedding.max_tokens if embedding else 0,
            prompts=", ".join(f"`{as_text(name)}`" for name in embedding.prompts) if embedding else "",
        ),
        "LICENSE": render("npm/LICENSE.j2", model=one_line(model.name), license=one_line(license_name), licenses=licenses()),
        "package.json": json.dumps(_package_json(manifest, name, version), indent=2) + "\n",
    }


def one_line(text: str) -> str:
    """Printable characters on one line."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def as_text(text: str) -> str:
    """Markdown that shows exactly this text: no link, no picture, no HTML."""
    return re.sub(r"[\\`*_{}\[\]<>()#+!|~&:@$]", lambda mark: f"\\{mark[0]}", one_line(text))


def _weights_note(base: str | None, weights: str | None) -> str:
    if weights == BUNDLE:
        return "The weights are part of this package."
    folder = f"`{WEIGHTS_FOLDER}/`, which webllm-build wrote beside this file and npm does not publish,"
    if base is not None:
        return f"The weights come from <{base}>: upload {folder} there, and let the host allow cross-origin requests (CORS)."
    return (
        f"The weights are not part of this package: upload {folder} to any static host or CDN that allows cross-origin requests (CORS), "
        "and name that folder as `weights`."
    )


def _package_json(manifest: Manifest, name: str, version: str) -> dict[str, object]:
    same_license = (manifest.model.license or "").lower() == RUNTIME_LICENSE.lower()
    return {
        "name": name,
        "version": version,
        "description": f"{one_line(manifest.model.name)} in the browser and outside: WebGPU and WebAssembly behind OpenAI's interface.",
        "keywords": ["llm", "webgpu", "webassembly", "openai", "webllm"],
        "license": RUNTIME_LICENSE if same_license else "SEE LICENSE IN LICENSE",
        "type": "module",
        "exports": {
            # Deno and Bun take "node", too.
            ".": {"types": "./index.d.ts", "node": "./node.js", "default": "./index.js"},
            "./static": {"types": "./static.d.ts", "node": "./node-static.js", "default": "./static.js"},
            "./worker": {"node": "./runtime/node-worker.js", "default": "./runtime/worker.js"},
            "./ai-sdk": {"types": "./runtime/adapters/ai_sdk/index.d.ts", "default": "./runtime/ai-sdk.js"},
            "./react": {"types": "./runtime/adapters/react/index.d.ts", "default": "./runtime/react.js"},
            "./prompt-api": {"types": "./prompt-api.d.ts", "default": "./prompt-api.js"},
            "./model/*": "./model/*",
            "./package.json": "./package.json",
        },
        "types": "./index.d.ts",
        "engines": {"node": ">=20"},
        # WebLLM's users import it beside this package, and expect one level for both.
        "dependencies": {"loglevel": "^1.9.1"},
        # Whoever uses an adapter has what it adapts to.
        "peerDependencies": dict(PEERS),
        "peerDependenciesMeta": {name: {"optional": True} for name in PEERS},
        # A worker's script runs for its effects, Node's entry puts Node in a browser's place, and the entries say what the package holds.
        "sideEffects": [
            *(f"./{name}" for name in PLAIN_SCRIPTS),
            "./runtime/worker.js",
            "./runtime/node.js",
            "./runtime/node-worker.js",
            "./runtime/chunks/node-*.js",
        ],
        "files": [*SCRIPTS, *(f"{name}.d.ts" for name in ("index", "static", "prompt-api", "model")), "runtime", "model"],
    }
