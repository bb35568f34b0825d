"""The bill of materials of a result, as CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/): files, models, packages of npm, tools.

Same inputs, same bytes: a time is in it only where SOURCE_DATE_EPOCH gives one (https://reproducible-builds.org/specs/source-date-epoch/).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import quote

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from webllm_build import __version__
from webllm_build.errors import PackageError
from webllm_build.package.assets import PACKAGES, runtime_file
from webllm_build.package.manifest import Manifest
from webllm_build.package.places import HERE
from webllm_build.versions import version_of

BILL = "sbom.cdx.json"
SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
TOOLS = ("apache-tvm", "apache-tvm-ffi", "ziglang", "numpy")
LICENSE = "Apache-2.0"
ORIGIN = re.compile(r"hf:(?P<repository>[\w.-]+/[\w.-]+)(/(?P<file>[^@]+))?@(?P<commit>\w+)|pypi:(?P<package>[\w.-]+)==(?P<version>[\w.]+)")

Part = dict[str, object]


@dataclass(frozen=True)
class Product:
    """What is billed. kind: "application" or "library"; url: its package URL, where it has one."""

    kind: str
    name: str
    version: str
    url: str | None = None


def bill(product: Product, manifests: Sequence[Manifest], digests: Mapping[str, str]) -> bytes:
    """The document. digests: the sha256 of every other file of the result, in hex, by its path. Raises PackageError for a wrong time."""
    models = [_model(manifest) for manifest in manifests]
    packages = [_package(name, said) for name, said in _shipped(set(digests.values())).items()]
    runtime = _part("library", "webllm-build-runtime", __version__) | _licenses(LICENSE)
    of_models = {entry.sha256 for manifest in manifests for entry in manifest.files}
    # Hidden files may be lost in an upload, and none is needed.
    others = {path: digest for path, digest in sorted(digests.items()) if digest not in of_models and not path.startswith(".")}
    files = [_part("file", path, hashes=_sha256(digest)) for path, digest in others.items()]
    root = _part(product.kind, product.name, product.version) | ({"purl": product.url} if product.url else {})
    components = [runtime, *packages, *models, *files]
    document: Part = {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            **timestamp(),
            "tools": {"components": [_tool("webllm-build", __version__), *(_tool(name, version_of(name)) for name in TOOLS)]},
            "component": root,
        },
        "components": components,
        "dependencies": [
            {"ref": root["bom-ref"], "dependsOn": [part["bom-ref"] for part in [runtime, *models]]},
            {"ref": runtime["bom-ref"], "dependsOn": [part["bom-ref"] for part in packages]},
        ],
    }
    digest = hashlib.sha256(json.dumps(document).encode()).hexdigest()
    document["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_OID, digest).urn
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def _part(kind: str, name: str, version: str | None = None, **more: object) -> Part:
    versioned = {} if version is None else {"version": version}
    return {"type": kind, "bom-ref": f"{kind}:{name}{'' if version is None else f'@{version}'}", "name": name, **versioned, **more}


def _model(manifest: Manifest) -> Part:
    model, places = manifest.model, [place for place in manifest.weights.places if place != HERE]
    parameters = {
        "task": "feature-extraction" if manifest.task == "embed" else "text-generation",
        "architectureFamily": model.architecture,
        "modelArchitecture": f"{model.architecture}, {model.parameters} parameters, {model.quantization}",
    }
    sources = [_source(origin) for origin in (model.source or "").split(" with ") if origin]
    files = [_part("file", entry.file, hashes=_sha256(entry.sha256)) for entry in manifest.files]
    return {
        **_part("machine-learning-model", model.id),
        **_licenses(model.license),
        **({"pedigree": {"ancestors": sources}} if sources else {}),
        **({"externalReferences": [{"type": "distribution", "url": place} for place in places]} if places else {}),
        "modelCard": {"modelParameters": parameters},
        "components": [file | {"bom-ref": f"{model.id}/{file['name']}"} for file in files],
    }


def _source(origin: str) -> Part:
    """Where a model comes from, with the commit or version of that."""
    match = ORIGIN.fullmatch(origin)
    if match is None:
        return {"type": "machine-learning-model", "name": origin}
    if match["package"]:
        name = re.sub(r"[-_.]+", "-", match["package"]).lower()
        return _named("machine-learning-model", match["package"], match["version"], f"pkg:pypi/{name}@{match['version']}")
    owner, _, name = match["repository"].partition("/")
    file = f"#{quote(match['file'])}" if match["file"] else ""
    url = f"pkg:huggingface/{quote(owner)}/{quote(name)}@{match['commit']}{file}"
    return _named("machine-learning-model", match["repository"], match["commit"], url)


def _named(kind: str, name: str, version: str, url: str) -> Part:
    return {"type": kind, "name": name, "version": version, "purl": url}


def _shipped(digests: set[str]) -> dict[str, dict[str, object]]:
    """What the runtime has of npm's packages in files that the result has, which are known by their content."""
    packages: dict[str, dict[str, object]] = json.loads(runtime_file(PACKAGES))
    return {name: said for name, said in packages.items() if any(_digest(str(file)) in digests for file in _texts(said["files"]))}


def _texts(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _digest(file: str) -> str:
    return hashlib.sha256(runtime_file(file)).hexdigest()


def _package(name: str, said: Mapping[str, object]) -> Part:
    version = str(said["version"])
    url = f"pkg:npm/{quote(name, safe='/')}@{version}"
    hashes = [{"alg": "SHA-512", "content": said["sha512"]}]
    return _part("library", name, version, purl=url, hashes=hashes) | _licenses(str(said["license"]))


def _tool(name: str, version: str) -> Part:
    return _named("application", name, version, f"pkg:pypi/{name}@{version}")


def _licenses(said: str | None) -> Part:
    """SPDX's identifier or expression where it is one, else what is said."""
    if not said:
        return {}
    try:
        known = str(canonicalize_license_expression(said))
    except InvalidLicenseExpression:
        return {"licenses": [{"license": {"name": said}}]}
    if " " in known or known.startswith("LicenseRef-"):
        return {"licenses": [{"expression": known}]}
    return {"licenses": [{"license": {"id": known}}]}


def _sha256(digest: str) -> list[Part]:
    return [{"alg": "SHA-256", "content": digest}]


def timestamp() -> Part:
    """What SOURCE_DATE_EPOCH says, as a document's metadata has it. Raises PackageError where that is no time."""
    said = os.environ.get("SOURCE_DATE_EPOCH")
    if said is None:
        return {}
    try:
        if not re.fullmatch(r"\d{1,12}", said, re.ASCII):
            raise ValueError
        return {"timestamp": datetime.fromtimestamp(int(said), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")}
    except (ValueError, OverflowError, OSError) as error:
        raise PackageError(f"SOURCE_DATE_EPOCH is {said[:40]!r}", "Set it to seconds since 1970, or leave it out.") from error
