"""What made a result: the versions of this program and of the tools it uses, as a key for caches."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from webllm_build import __version__

PACKAGE = Path(__file__).resolve().parent
WASM_SUPPORT = PACKAGE.parents[1] / "wasm_support"  # in a source checkout
TOOLS = ("apache-tvm", "gguf", "numpy", "tokenizers", "ziglang")


@cache
def tool_versions() -> dict[str, str]:
    """Versions by name. `sources` covers this program's own code, so that a cache never outlives a change to it."""
    sources = hashlib.sha256()
    support = [path for path in WASM_SUPPORT.rglob("*") if path.suffix in (".cc", ".h", ".json", ".py")]
    for path in sorted([*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.o"), *support]):
        sources.update(str(path.relative_to(PACKAGE.parents[1])).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return {"webllm-build": __version__, "sources": sources.hexdigest(), **{tool: _version(tool) for tool in TOOLS}}


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "none"
