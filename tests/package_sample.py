"""A small packaged model and a stand-in for the built runtime, for tests of what is written around them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from runtimes import runtime_command
from webllm_build.config import Remote
from webllm_build.hosts import ANY, Host
from webllm_build.limits_generated import SHARD_BYTES
from webllm_build.logo import Logo
from webllm_build.package import assets
from webllm_build.package.manifest import ModelFacts
from webllm_build.package.model_folder import CompiledModel, write_weights
from webllm_build.package.npm import write_npm
from webllm_build.package.output import Marker, open_output
from webllm_build.package.places import BUNDLED, WEIGHTS_FOLDER, Places
from webllm_build.package.site import SiteOptions, write_site
from webllm_build.quantize import Packed
from webllm_build.site_words import PAGES_WORDS, SiteWords
from webllm_build.source.checkpoint import Tokenizer
from webllm_build.theme import PAGES_THEME, Theme

FACTS = ModelFacts(
    id="sample-1m",
    name="Sample 1M Instruct",
    architecture="llama",
    parameters=1_234_567,
    license="apache-2.0",
    quantization="q4a",
    context_length=8192,
    vocab_size=320,
)
GRAMMAR = b"\0asm grammar"
ASKED = Places((), WEIGHTS_FOLDER)  # where weights are is said where a package is used
# As bundled_packages.mjs tells it. The chunk is in packages alone, and one of them is in nothing that is shipped.
PACKAGES = {
    "@scope/grammar": {"version": "0.1.0", "license": "Apache-2.0", "sha512": "ab" * 64, "files": ["grammar.wasm"]},
    "chunked": {"version": "2.0.0", "license": "SEE LICENSE IN FILE", "sha512": "cd" * 64, "files": ["chunks/load-ABCD2345.js"]},
    "marked": {"version": "1.2.3", "license": "(MIT OR Apache-2.0)", "sha512": "ef" * 64, "files": ["handle.js", "markdown.js"]},
    "unused": {"version": "9.9.9", "license": "MIT", "sha512": "00" * 64, "files": ["chat.mjs"]},
}
LIBRARY = b"\0asm\1\0\0\0"
TOKENIZER = Tokenizer(json.dumps({"version": "1.0"}).encode(), {"chat_template": "{{ messages }}", "eos_token": "</s>"})
# Sizes that leave gaps for alignment; the third crosses two shards of 1000 bytes.
SHAPES = {"embed.q": (7,), "embed.s": (1, 3), "layers.0.qkv.q": (40, 13), "norm.w": (64,)}
SCHEMES = {"embed": "q8", "layers.0.qkv": "q4a", "norm": "f32"}


def sample_weights(seed: int = 0) -> Iterator[Packed]:
    random = np.random.default_rng(seed)
    for name, shape in SHAPES.items():
        yield Packed(name, "uint32", shape, random.integers(0, 2**32, shape, dtype=np.uint32))


def sample_model(folder: Path, seed: int = 0, shard_bytes: int = SHARD_BYTES, facts: ModelFacts = FACTS) -> CompiledModel:
    """A model whose weights lie below `folder`."""
    weights = write_weights(folder / "weights", sample_weights(seed), shard_bytes=shard_bytes)
    return CompiledModel(facts, LIBRARY, TOKENIZER, (2, 7), weights, SCHEMES, GRAMMAR)


def publish_site(
    out: Path,
    *models: CompiledModel,
    title: str = "Chat",
    weights: Places = BUNDLED,
    endpoint: bool = True,
    remote: Remote | None = None,
    host: Host = ANY,
    language: str | None = None,
    words: SiteWords = PAGES_WORDS,
    logo: Logo | None = None,
    theme: Theme = PAGES_THEME,
) -> Marker:
    site = SiteOptions(title, weights, True, endpoint, remote, host, language, words, logo, theme)
    with open_output(out) as output:
        return write_site(output, models, site)


def publish_npm(out: Path, *models: CompiledModel, name: str, weights: Places = ASKED) -> Marker:
    with open_output(out) as output:
        return write_npm(output, models, name=name, version="1.2.3", weights=weights)


def stub_runtime(folder: Path) -> Path:
    """Files with the names of the built runtime."""
    (folder / "openai").mkdir(parents=True)
    for name in {*assets.SITE_SCRIPTS, *assets.NPM_SCRIPTS, assets.CHAT_PROGRAM} - {"service-worker.js", "icons.json", "words.json"}:
        (folder / name).write_text(f"export const name = {json.dumps(name)};\n")
    (folder / "service-worker.js").write_text("globalThis.startServiceWorker = (config) => config;\n")
    (folder / "icons.json").write_text('{"send": {"line": "M12 19V5"}, "stop": {"solid": "M9 7h6v6z"}}')
    template = Path(__file__).parents[1] / "runtime_js/src/app/words/en/template.ts"
    names = re.findall(r"^    (\w+): ", template.read_text("utf-8"), re.MULTILINE)
    words = {language: {name: f"{language} {name}" for name in names} for language in assets.LANGUAGES}
    (folder / "words.json").write_text(json.dumps(words))
    (folder / "grammar.wasm").write_bytes(GRAMMAR)
    (folder / "packages.json").write_text(json.dumps(PACKAGES))
    (folder / "chunks").mkdir()
    for name in ("load-ABCD2345.js", "node-load-ABCD2345.js"):
        (folder / "chunks" / name).write_text("export const chunk = 1;\n")
    (folder / "index.d.ts").write_text('export * from "./openai/types.js";\n')
    (folder / "openai" / "types.d.ts").write_text("export interface Request {}\n")
    return folder


def node(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs Node: the one on PATH, else the one of the package that `make` installs."""
    return subprocess.run([*runtime_command("node"), *map(str, arguments)], capture_output=True, text=True, check=False, timeout=300)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file under `folder` by its relative path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
