"""What a user asks for (BuildRequest) and what that means (ResolvedBuild). Defaults are written here, once; the command line reads them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from webllm_build.catalog import closest
from webllm_build.errors import ConfigError, Problem

Kind = Literal["site", "npm"]
KINDS: tuple[Kind, ...] = ("site", "npm")
QUANTIZATIONS = ("auto", "q4", "q4a", "q8", "f16")
KV_CACHES = ("float", "q8")
TOOLCHAINS = ("ziglang", "emscripten")
VARIANTS = ("f16-sg-int8", "f32-sg-int8", "f16-sg", "f16", "f32-sg", "f32")
PREFILL_CHUNKS = (64, 128, 256, 512, 1024, 2048)
MIN_CONTEXT = 64
HTTPS_OR_LOCAL = re.compile(r"(https://[\w-]+(\.[\w-]+)*|http://(localhost|127\.0\.0\.1))(:\d{1,5})?(/[\w.~%+@/-]*)?", re.ASCII)
MAX_TEXT_BYTES = 1 << 20
BUNDLE = "bundle"  # weights that are part of the result
WEIGHTS_FOLDER = "weights"  # in the result: weights that are not part of it, to be uploaded


@dataclass(frozen=True)
class BuildRequest:
    """What was asked for. Every field but `kind` is a command-line option of the same name, documented by the text beside its type."""

    kind: Kind
    model: Annotated[str, "Catalog name, hf:org/name[@revision], a Hugging Face model folder, or a .gguf file."] = "smollm2-135m"
    out: Annotated[Path, "Folder to write: new, empty, or an earlier result."] = Path("dist")
    quantization: Annotated[
        str, f"How weights are stored: {', '.join(QUANTIZATIONS)}. auto keeps what a GGUF holds and takes q4 otherwise."
    ] = "auto"
    calibrate: Annotated[
        Path | None,
        "Text like what the model will be given, of which a page is used to tell which weights matter most. Default: a built-in one.",
    ] = None
    kv: Annotated[str, "How keys and values are cached: float (16 bits, 32 where the GPU has no such floats) or q8 (8 bits)."] = "float"
    context_length: Annotated[int | None, "Longest conversation in tokens. Default: the model's own."] = None
    prefill_chunk: Annotated[int, f"Tokens of a prompt computed at once: {', '.join(map(str, PREFILL_CHUNKS))}."] = 512
    weights: Annotated[
        str | None,
        "bundle: the weights are part of the result. url:https://...: they are served from there. "
        "Default: bundle for a site; for an npm package, where createEngine is told.",
    ] = None
    title: Annotated[str | None, "Title of the page. Default: the model's name."] = None
    package_name: Annotated[str | None, "Name of the npm package. Default: from the model's name."] = None
    package_version: Annotated[str, "Version of the npm package."] = "1.0.0"
    chat_template: Annotated[Path | None, "File with a Jinja chat template to use instead of the model's own."] = None
    variants: Annotated[tuple[str, ...], f"GPU variants to compile: {', '.join(VARIANTS)}. May be repeated."] = VARIANTS
    toolchain: Annotated[str, f"What links WebAssembly: {' or '.join(TOOLCHAINS)}."] = "ziglang"
    debug_dump: Annotated[Path | None, "Folder that gets the compiler's IR after each phase."] = None
    cache_dir: Annotated[Path | None, "Folder that keeps finished work for the next build. Default: the user's cache folder."] = None


@dataclass(frozen=True)
class ResolvedBuild:
    """What was decided, as far as it can be without the model.

    calibrate: a text; None for the built-in one.
    weights: BUNDLE, part of the result; a URL, served from there; None, served from where the page says (npm only).
    """

    kind: Kind
    model: str
    out: Path
    quantization: str
    calibrate: str | None
    kv: str
    context_length: int | None
    prefill_chunk: int
    weights: str | None
    title: str | None
    package_name: str | None
    package_version: str
    chat_template: str | None
    variants: tuple[str, ...]
    toolchain: str
    debug_dump: Path | None
    cache_dir: Path


def resolve(request: BuildRequest) -> ResolvedBuild:
    """Check every option. Raises one ConfigError with all problems."""
    problems = [
        *_choice("kind", request.kind, KINDS),
        *_choice("quantization", request.quantization, QUANTIZATIONS),
        *_choice("kv", request.kv, KV_CACHES),
        *_choice("toolchain", request.toolchain, TOOLCHAINS),
        *_choice("prefill-chunk", request.prefill_chunk, PREFILL_CHUNKS),
        *(problem for variant in request.variants for problem in _choice("variant", variant, VARIANTS)),
    ]
    if not request.variants:
        problems.append(Problem("variant", request.variants, "at least one variant", "Leave the option out to compile all of them."))
    if request.context_length is not None and request.context_length < MIN_CONTEXT:
        problems.append(
            Problem("context-length", request.context_length, f"at least {MIN_CONTEXT} tokens", "Leave it out for the model's own length.")
        )
    weights, weights_problems = _weights(request.kind, request.weights)
    template, template_problems = _text("chat-template", request.chat_template, "Jinja file")
    calibrate, calibrate_problems = _text("calibrate", request.calibrate, "text file")
    problems += [*weights_problems, *template_problems, *calibrate_problems]
    if problems:
        raise ConfigError(tuple(problems))
    return ResolvedBuild(
        kind=request.kind,
        model=request.model,
        out=request.out.expanduser(),
        quantization=request.quantization,
        calibrate=calibrate,
        kv=request.kv,
        context_length=request.context_length,
        prefill_chunk=request.prefill_chunk,
        weights=weights,
        title=request.title,
        package_name=request.package_name,
        package_version=request.package_version,
        chat_template=template,
        variants=tuple(name for name in VARIANTS if name in request.variants),
        toolchain=request.toolchain,
        debug_dump=request.debug_dump,
        cache_dir=request.cache_dir.expanduser() if request.cache_dir else default_cache_dir(),
    )


def default_cache_dir() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("webllm-build")


def context_within(asked: int | None, most: int) -> int:
    """The context length to compile for: what was asked, or the model's own. Raises ConfigError for more than the model was made for."""
    if asked is not None and asked > most:
        fix = "Leave the option out for the model's own length."
        raise ConfigError((Problem("context-length", asked, f"at most {most} tokens, for which the model was trained", fix),))
    return asked or most


def _choice(name: str, value: object, choices: Sequence[object]) -> list[Problem]:
    if value in choices:
        return []
    close = closest(str(value), map(str, choices))
    fix = f"Did you mean {close}?" if close else "Choose one of these."
    return [Problem(name, value, " or ".join(map(str, choices)), fix)]


def _weights(kind: Kind, weights: str | None) -> tuple[str | None, list[Problem]]:
    if weights is None:
        return BUNDLE if kind == "site" else None, []
    if weights == BUNDLE:
        return BUNDLE, []
    url = weights.removeprefix("url:")
    # It becomes part of the page's content security policy: only plain addresses.
    if weights.startswith("url:") and HTTPS_OR_LOCAL.fullmatch(url):
        return url, []
    fix = "Give the address of the folder that serves the shards, without query or fragment."
    return None, [Problem("weights", weights, "bundle or url:https://host/folder", fix)]


def _text(name: str, path: Path | None, kind: str) -> tuple[str | None, list[Problem]]:
    if path is None:
        return None, []
    try:
        data = path.expanduser().read_bytes()
        if 0 < len(data) <= MAX_TEXT_BYTES:
            return data.decode("utf-8"), []
        reason = f"it has {len(data)} bytes"
    except (OSError, UnicodeDecodeError) as error:
        reason = str(error)
    return None, [Problem(name, str(path), f"a readable UTF-8 {kind} of at most {MAX_TEXT_BYTES >> 20} MiB", f"This one is not: {reason}.")]
