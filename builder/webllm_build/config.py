"""What a user asks for, as one dataclass. Checks, command line and help follow from its fields and what stands beside their types."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

from webllm_build.compile.target import VARIANTS
from webllm_build.compile.toolchain import TOOLCHAINS
from webllm_build.errors import ConfigError, InvalidOption, closest
from webllm_build.hosts import HOST_NAMES
from webllm_build.limits_generated import MAX_NAME
from webllm_build.package.chat_format import NAMES as TOOL_FORMATS

Kind = Literal["site", "npm"]
KINDS: tuple[Kind, ...] = get_args(Kind)
QUANTIZATIONS = ("auto", "q4", "q4a", "q8", "mxfp4", "f16")  # quantize.LINEAR_SCHEMES, a test says: help need not wait for NumPy
VARIANT_NAMES = tuple(variant.name for variant in VARIANTS)
PREFILL_CHUNKS = (64, 128, 256, 512, 1024, 2048)
MIN_CONTEXT = 64
HTTPS_OR_LOCAL = re.compile(r"(https://[\w-]+(\.[\w-]+)*|http://(localhost|127\.0\.0\.1))(:\d{1,5})?(/[\w.~%+@/-]*)?", re.ASCII)
MAX_TEXT_BYTES = 1 << 20
BUNDLE = "bundle"  # weights that are part of the result
WEIGHTS_FOLDER = "weights"  # in the result: weights that are not part of it, to be uploaded


@dataclass(frozen=True)
class Option:
    """What stands beside the type of an option.

    help: sentences for people; {choices} in it is replaced by the list.
    choices: what it may be, or each of its values where it may be repeated.
    fits, expected, fix: for what no list can say: whether a value that was given is right, what would be, and how to get there.
    kind: the only kind of result for which it means something.
    alone: it is about one model, and means nothing for several.
    flag: its name on the command line, where it is not the field's.
    file: what is in the file that the command line names and reads; the field is the text itself.
    """

    help: str
    choices: tuple[Any, ...] = ()
    fits: Callable[[Any], object] = lambda value: True
    expected: str = ""
    fix: str = ""
    kind: Kind | None = None
    alone: bool = False
    flag: str = ""
    file: str = ""

    @property
    def text(self) -> str:
        return self.help.replace("{choices}", ", ".join(map(str, self.choices)))


def default_cache_dir() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("webllm-build")


def is_place(weights: str) -> bool:
    """Whether it says where weights are. An address becomes part of the page's content security policy: only plain ones."""
    return weights == BUNDLE or (weights.startswith("url:") and HTTPS_OR_LOCAL.fullmatch(weights, 4) is not None)


def is_package_name(name: str) -> bool:
    """https://docs.npmjs.com/cli/configuring-npm/package-json#name"""
    if len(name) > 214 or name in ("node_modules", "favicon.ico"):
        return False
    return re.fullmatch(r"(@[a-z0-9-][a-z0-9-._]*/)?[a-z0-9-][a-z0-9-._]*", name) is not None


@dataclass(frozen=True)
class Remote:
    """A model behind a server that speaks OpenAI's API: its address, and its name there."""

    url: str
    model: str


@dataclass(frozen=True)
class BuildRequest:
    """What is asked for. Every field but `kind` is a command-line option of the same name."""

    kind: Kind
    models: Annotated[
        tuple[str, ...],
        Option(
            "Name of `webllm-build models`, hf:org/name[/file.gguf][@revision], a Hugging Face model folder, or a .gguf file. "
            "Repeated: the models of one site, between which its page lets choose, or of one package.",
            flag="--model",
        ),
    ] = ("smollm2-135m",)
    adapter: Annotated[
        str | None,
        Option("LoRA adapter to merge into the model: a folder that the peft library wrote, or hf:org/name[@revision].", alone=True),
    ] = None
    out: Annotated[Path, Option("Folder to write: new, empty, or an earlier result.")] = Path("dist")
    quantization: Annotated[
        str, Option("How weights are stored: {choices}. auto keeps what a GGUF holds and takes q4 otherwise.", QUANTIZATIONS)
    ] = "auto"
    calibrate: Annotated[
        str | None,
        Option(
            "Text like what the model will be given, of which a page is used to tell which weights matter most. Default: a built-in one.",
            file="text",
        ),
    ] = None
    imatrix: Annotated[
        Path | None,
        Option("File of llama.cpp's llama-imatrix, GGUF or .dat, that tells which weights matter most, in a text's place.", alone=True),
    ] = None
    kv: Annotated[
        str,
        Option("How keys and values are cached: float (16 bits, 32 where the GPU has no such floats) or q8 (8 bits).", ("float", "q8")),
    ] = "float"
    context_length: Annotated[
        int | None,
        Option(
            "Longest conversation in tokens. Default: the model's own.",
            fits=lambda tokens: tokens >= MIN_CONTEXT,
            expected=f"at least {MIN_CONTEXT} tokens",
            fix="Leave it out for the model's own length.",
            alone=True,
        ),
    ] = None
    prefill_chunk: Annotated[int, Option("Tokens of a prompt computed at once: {choices}.", PREFILL_CHUNKS)] = 512
    weights: Annotated[
        str | None,
        Option(
            "bundle: the weights are part of the result. url:https://...: they are served from there. "
            "Default: bundle for a site; for an npm package, where createEngine is told.",
            fits=is_place,
            expected="bundle or url:https://host/folder",
            fix="Give the address of the folder that serves the shards, without query or fragment.",
        ),
    ] = None
    title: Annotated[
        str | None,
        Option(
            "Title of the page. Default: the models' names.",
            fits=lambda title: title.isprintable() and len(title) <= MAX_NAME,
            expected=f"printable text on one line of at most {MAX_NAME} characters",
            fix="Shorten it, or remove line breaks and control characters.",
            kind="site",
        ),
    ] = None
    threads: Annotated[
        bool | None,
        Option(
            "Let the site's service worker isolate the page from other sites, so that from the second visit on it has threads where it "
            "computes on the CPU. Default: yes, where the weights are part of the site.",
            kind="site",
        ),
    ] = None
    endpoint: Annotated[
        bool,
        Option(
            "Let the site answer requests to its v1/, as OpenAI's server would, with the model of a page that is open.",
            kind="site",
        ),
    ] = True
    remote: Annotated[
        str | None,
        Option(
            "Address of a server that speaks OpenAI's API, as https://host/v1, which the page asks in the device's place while the model "
            "is not ready, or by the visitor's wish. The visitor is asked before the first byte leaves, and for a key: a site has none. "
            "Needs --remote-model.",
            fits=HTTPS_OR_LOCAL.fullmatch,
            expected="https://host/v1",
            fix="Give the address that OpenAI's client takes as baseURL, without query or fragment.",
            kind="site",
        ),
    ] = None
    remote_model: Annotated[
        str | None,
        Option(
            "Name of the model there.",
            fits=lambda name: 0 < len(name) <= MAX_NAME and name.isprintable(),
            expected=f"printable text on one line of at most {MAX_NAME} characters",
            fix="Write it as the server calls it.",
            kind="site",
        ),
    ] = None
    host: Annotated[
        str,
        Option(
            "Where the site will be served: {choices}. It gets the files that this host reads, and what does not fit there is said before "
            "the long work.",
            HOST_NAMES,
            kind="site",
        ),
    ] = "any"
    package_name: Annotated[
        str | None,
        Option(
            "Name of the npm package. Default: from the models' names.",
            fits=is_package_name,
            expected="an npm package name",
            fix="Use lower-case letters, digits and hyphens.",
            kind="npm",
        ),
    ] = None
    package_version: Annotated[
        str,
        Option(
            "Version of the npm package.",
            fits=re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?", re.ASCII).fullmatch,
            expected="a semantic version",
            fix="Write it like 1.0.0.",
            kind="npm",
        ),
    ] = "1.0.0"
    chat_template: Annotated[str | None, Option("Jinja chat template to use instead of the model's own.", file="template", alone=True)] = (
        None
    )
    tool_format: Annotated[
        str, Option("How the model calls tools: {choices}. auto: as its chat template says.", ("auto", "none", *TOOL_FORMATS), alone=True)
    ] = "auto"
    variants: Annotated[
        tuple[str, ...], Option("GPU variants to compile: {choices}. May be repeated.", VARIANT_NAMES, flag="--variant")
    ] = VARIANT_NAMES
    cpu: Annotated[bool, Option("Also compile the model for CPUs, where there is no GPU.")] = True
    toolchain: Annotated[str, Option("What links WebAssembly: {choices}.", tuple(TOOLCHAINS))] = "ziglang"
    debug_dump: Annotated[Path | None, Option("Folder that gets the compiler's IR after each phase.", alone=True)] = None
    cache_dir: Annotated[Path, Option("Folder that keeps finished work for the next build.")] = field(default_factory=default_cache_dir)

    @property
    def model(self) -> str:
        """Of a request for one."""
        (model,) = self.models
        return model

    @property
    def each(self) -> tuple["BuildRequest", ...]:
        """The requests of the models, one for each."""
        return tuple(replace(self, models=(model,)) for model in self.models)

    @property
    def weights_at(self) -> str | None:
        """BUNDLE, part of the result; a URL, served from there; None, served from where the page says (npm only)."""
        if self.weights is None:
            return BUNDLE if self.kind == "site" else None
        return self.weights.removeprefix("url:")

    @property
    def remote_at(self) -> Remote | None:
        """Who may answer in the device's place."""
        return None if self.remote is None or self.remote_model is None else Remote(self.remote, self.remote_model)

    @property
    def has_threads(self) -> bool:
        """Whether the site's service worker isolates the page."""
        return self.weights_at == BUNDLE if self.threads is None else self.threads

    @property
    def weights_url(self) -> str | None:
        """Where weights are served from that are not part of the result, if that is known."""
        return None if self.weights_at == BUNDLE else self.weights_at


@cache
def options() -> dict[str, tuple[Any, Option]]:
    """(type, Option) of every field of BuildRequest that is an option, by its name."""
    hints = get_type_hints(BuildRequest, include_extras=True)
    return {item.name: get_args(hints[item.name]) for item in fields(BuildRequest) if item.name != "kind"}


def resolve(request: BuildRequest) -> BuildRequest:
    """The request with home folders spelled out and variants in the order of preference. Raises one ConfigError with all problems."""
    problems = [problem for name in options() for problem in _problems(name, getattr(request, name))]
    if request.kind not in KINDS:
        problems.append(_not_of("kind", request.kind, KINDS))
    if not problems:
        problems = [*_nested(request), *_both(request), *_several(request)]
    if problems:
        raise ConfigError(tuple(problems))
    paths: dict[str, Any] = {name: value.expanduser() for name in options() if isinstance(value := getattr(request, name), Path)}
    return replace(request, variants=tuple(name for name in VARIANT_NAMES if name in request.variants), **paths)


def context_within(asked: int | None, most: int) -> int:
    """The context length to compile for: what was asked, or the model's own. Raises ConfigError for more than the model was made for."""
    if asked is not None and asked > most:
        fix = "Leave the option out for the model's own length."
        raise ConfigError((InvalidOption("context-length", asked, f"at most {most} tokens, for which the model was trained", fix),))
    return asked or most


def read_text(path: str) -> str:
    """The text of a file that an option names. Raises ValueError that says what is wrong with it."""
    try:
        with Path(path).expanduser().open("rb") as file:
            data = file.read(MAX_TEXT_BYTES + 1)
        if 0 < len(data) <= MAX_TEXT_BYTES:
            return data.decode("utf-8")
        reason = f"it has {'more than ' if data else ''}{min(len(data), MAX_TEXT_BYTES)} bytes"
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error)
    raise ValueError(f"expected a readable UTF-8 file of at most {MAX_TEXT_BYTES >> 20} MiB, not {path!r}: {reason}.")


def _problems(name: str, value: object) -> Iterator[InvalidOption]:
    option: Option = options()[name][1]
    label = option.flag.removeprefix("--") or name.replace("_", "-")
    values = value if isinstance(value, tuple) else (value,)
    if option.choices:
        yield from (_not_of(label, each, option.choices) for each in values if each not in option.choices)
    if not values:
        yield InvalidOption(label, value, "at least one", "Leave the option out for the default.")
    if not option.file:
        yield from (InvalidOption(label, each, "no NUL character", "Remove it.") for each in values if "\0" in str(each))
    if value is not None and not option.fits(value):
        yield InvalidOption(label, value, option.expected, option.fix)
    if isinstance(value, Path) or name == "models":
        lost = (str(path) for path in values if not _has_home(str(path)))
        yield from (InvalidOption(label, path, "a path", "There is no user of that name.") for path in lost)


def _has_home(path: str) -> bool:
    """Whether the user is known whose home folder it begins with, if it does with one's."""
    try:
        Path(path).expanduser()
    except RuntimeError:
        return False
    return True


def _nested(request: BuildRequest) -> Iterator[InvalidOption]:
    """The folder of the result must be empty or a result, so that no other may lie in it; and the cache removes what is in its own."""
    out = Path(os.path.abspath(request.out.expanduser()))  # noqa: PTH100  a resolve() would follow links
    for name in ("cache_dir", "debug_dump"):
        folder: Path | None = getattr(request, name)
        if folder is not None and Path(os.path.abspath(folder.expanduser())).is_relative_to(out):  # noqa: PTH100
            yield InvalidOption(name.replace("_", "-"), str(folder), "a folder outside of --out", "Name another one.")


def _both(request: BuildRequest) -> Iterator[InvalidOption]:
    if request.imatrix is not None and request.calibrate is not None:
        fix = "Leave one of them out: both say which weights matter."
        yield InvalidOption("imatrix", str(request.imatrix), "no --calibrate beside it", fix)
    if (request.remote is None) != (request.remote_model is None):
        missing = "remote" if request.remote is None else "remote-model"
        yield InvalidOption(missing, None, "both of --remote and --remote-model, or none", f"Add --{missing}, or leave the other out.")


def _several(request: BuildRequest) -> Iterator[InvalidOption]:
    """What several models do not go with."""
    count = len(request.models)
    if count == 1:
        return
    defaults = {item.name: item.default for item in fields(BuildRequest)}
    for name, (_, option) in options().items():
        value = getattr(request, name)
        if option.alone and value != defaults[name]:
            own = "a site" if request.kind == "site" else "a package"
            more = "" if request.kind == "site" else ": one engine takes the modelRecords of several packages"
            fix = f"Leave it out, or build that model into {own} of its own{more}."
            yield InvalidOption(name.replace("_", "-"), _shown(value), f"one --model beside it, not {count}", fix)


def _shown(value: object) -> object:
    """As much of a text as tells which it is."""
    return str(value) if isinstance(value, Path) else value[:60] if isinstance(value, str) else value


def _not_of(label: str, value: object, choices: tuple[object, ...]) -> InvalidOption:
    close = closest(str(value), map(str, choices))
    return InvalidOption(label, value, " or ".join(map(str, choices)), f"Did you mean {close}?" if close else "Choose one of these.")
