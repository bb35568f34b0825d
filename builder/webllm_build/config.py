"""What a user asks for, as one dataclass. Checks, command line and help follow from its fields and what stands beside their types."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, is_dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from webllm_build.compile.target import VARIANTS
from webllm_build.compile.toolchain import TOOLCHAINS
from webllm_build.errors import ConfigError, InvalidOption, closest
from webllm_build.hosts import HOST_NAMES
from webllm_build.limits_generated import MAX_NAME, MAX_PLACES
from webllm_build.logo import Logo, read_logo
from webllm_build.option import KINDS, Kind, Option, default_of, options_of
from webllm_build.package.assets import LANGUAGES
from webllm_build.package.chat_format import NAMES as TOOL_FORMATS
from webllm_build.site_words import MAX_PRESETS, MAX_SUGGESTION, MAX_SUGGESTIONS, VISITORS, Preset, SiteWords, is_text, line, text
from webllm_build.theme import FONTS, PAGES_OWN, Colors, unreadable

QUANTIZATIONS = ("auto", "q4", "q4a", "q8", "mxfp4", "f16")  # quantize.LINEAR_SCHEMES, a test says: help need not wait for NumPy
VARIANT_NAMES = tuple(variant.name for variant in VARIANTS)
PREFILL_CHUNKS = (64, 128, 256, 512, 1024, 2048)
MIN_CONTEXT = 64
HTTPS_OR_LOCAL = re.compile(r"(https://[\w-]+(\.[\w-]+)*|http://(localhost|127\.0\.0\.1))(:\d{1,5})?(/[\w.~%+@/-]*)?", re.ASCII)
MAX_TEXT_BYTES = 1 << 20
MAX_MODELS = 100  # as the page takes
CONFIG_FILE = "webllm.toml"
BUNDLE = "bundle"  # weights that are part of the result
HUB_REPOSITORY = re.compile(r"hub:([\w.-]+/[\w.-]+)(?:@([\w./-]+))?", re.ASCII)


def default_cache_dir() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("webllm-build")


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


def are_places(weights: tuple[str, ...]) -> bool:
    """Whether they say where weights are. An address becomes part of the page's content security policy: only plain ones."""
    return len(weights) <= MAX_PLACES and all(
        each == BUNDLE or HUB_REPOSITORY.fullmatch(each) or (each.startswith("url:") and HTTPS_OR_LOCAL.fullmatch(each, 4))
        for each in weights
    )


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
    """What is asked for. Every field that is an Option is a key of webllm.toml and, where it is no table, a command-line option.

    own: of each model, the options that it has for itself; empty: none has any.
    """

    kind: Kind
    models: Annotated[
        tuple[str, ...],
        Option(
            "Name of `webllm-build models`, hf:org/name[/file.gguf][@revision], a Hugging Face model folder, or a .gguf file. "
            "Repeated: several models in one site, the best first, of which visitors choose one; or in one package.",
            fits=lambda models: len(models) <= MAX_MODELS,
            expected=f"at most {MAX_MODELS} models",
            fix="Leave some out.",
            flag="--model",
        ),
    ] = ("smollm2-135m",)
    adapter: Annotated[
        str | None,
        Option("LoRA adapter to merge into the model: a folder that the peft library wrote, or hf:org/name[@revision].", alone=True),
    ] = None
    out: Annotated[Path, Option("Folder to write: new, empty, or an earlier result.")] = Path("dist")
    quantization: Annotated[
        str, Option("How weights are stored: {choices}. auto keeps what a GGUF holds and takes q4 otherwise.", QUANTIZATIONS, each=True)
    ] = "auto"
    calibrate: Annotated[
        str | None,
        Option(
            "Text like what the model will be given; a page of it tells which weights matter most. Default: a built-in one.",
            each=True,
            reads=read_text,
        ),
    ] = None
    imatrix: Annotated[
        Path | None,
        Option("File of llama.cpp's llama-imatrix, GGUF or .dat, that tells which weights matter most, instead of a text.", alone=True),
    ] = None
    kv: Annotated[
        str,
        Option(
            "How keys and values are cached: float (16 bits, 32 where the GPU has no such floats) or q8 (8 bits).",
            ("float", "q8"),
            each=True,
        ),
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
    prefill_chunk: Annotated[int, Option("Tokens of a prompt computed at once: {choices}.", PREFILL_CHUNKS, each=True)] = 512
    weights: Annotated[
        tuple[str, ...],
        Option(
            "bundle: the weights are part of the result. url:https://...: they are served from there. hub:org/name[@revision]: from a "
            "repository of the Hugging Face Hub, where `webllm-build upload` has put them. Repeated: several places, of which a browser "
            "takes the next where one fails. Default: bundle for a site; for an npm package, where createEngine is told.",
            fits=are_places,
            expected=f"bundle, url:https://host/folder or hub:organization/name, at most {MAX_PLACES}",
            fix="Give the address of the folder that serves the shards, without query or fragment.",
        ),
    ] = ()
    title: Annotated[str | None, line("Title of the page. Default: the models' names.", MAX_NAME)] = None
    logo: Annotated[
        Logo | None, Option("Picture in the page's header and its icon: an .svg, .png or .webp file.", kind="site", reads=read_logo)
    ] = None
    colors: Annotated[Colors, Option("Colors of the page, checked for whether they can be read.", kind="site")] = PAGES_OWN
    font: Annotated[str, Option("Font of the page: {choices}.", tuple(FONTS), kind="site")] = "sans"
    language: Annotated[
        str, Option("Language of the page: {choices}. auto: the visitor's, where the page has it.", (VISITORS, *LANGUAGES), kind="site")
    ] = VISITORS
    welcome: Annotated[str | None, line("Heading of an empty chat.", 200)] = None
    suggestions: Annotated[
        tuple[str, ...] | None,
        Option(
            "What the page suggests to ask, or to begin with. May be repeated. Default: the page's own.",
            fits=lambda texts: len(texts) <= MAX_SUGGESTIONS and all(is_text(text, MAX_SUGGESTION) for text in texts),
            expected=f"at most {MAX_SUGGESTIONS} texts of at most {MAX_SUGGESTION} characters",
            fix="Shorten them.",
            kind="site",
            flag="--suggestion",
        ),
    ] = None
    system_prompt: Annotated[str | None, text("System prompt that conversations begin with, unless the visitor writes another.")] = None
    presets: Annotated[
        tuple[Preset, ...],
        Option(
            "System prompts that a visitor may choose in the settings, by name.",
            fits=lambda presets: len({preset.name for preset in presets}) == len(presets) <= MAX_PRESETS,
            expected=f"at most {MAX_PRESETS}, each with a name of its own",
            fix="Leave some out, or name them differently.",
            kind="site",
        ),
    ] = ()
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
            "Address of a server that speaks OpenAI's API, such as https://host/v1, which the page asks instead of the device while the "
            "model is not ready, or where the visitor wishes it. The visitor is asked before the first byte leaves, and for a key: a site "
            "has none. "
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
    chat_template: Annotated[str | None, Option("Jinja chat template to use instead of the model's own.", reads=read_text, alone=True)] = (
        None
    )
    mmproj: Annotated[
        Path | None,
        Option("GGUF file with what a model has for pictures and sounds. Default: mmproj*.gguf beside the model's file.", alone=True),
    ] = None
    tool_format: Annotated[
        str, Option("How the model calls tools: {choices}. auto: as its chat template says.", ("auto", "none", *TOOL_FORMATS), alone=True)
    ] = "auto"
    variants: Annotated[
        tuple[str, ...], Option("GPU variants to compile: {choices}. May be repeated.", VARIANT_NAMES, flag="--variant")
    ] = VARIANT_NAMES
    cpu: Annotated[bool, Option("Also compile the model for CPUs, where there is no GPU.")] = True
    vision: Annotated[bool, Option("Also build what a model has for pictures, where that is known.", each=True)] = True
    audio: Annotated[bool, Option("Also build what a model has for sounds, where that is known.", each=True)] = True
    toolchain: Annotated[str, Option("What links WebAssembly: {choices}.", tuple(TOOLCHAINS))] = "ziglang"
    debug_dump: Annotated[Path | None, Option("Folder that gets the compiler's IR after each phase.", alone=True)] = None
    cache_dir: Annotated[Path, Option("Folder that keeps finished work for the next build.")] = field(default_factory=default_cache_dir)
    own: tuple[Mapping[str, Any], ...] = ()

    @property
    def model(self) -> str:
        """Of a request for one."""
        (model,) = self.models
        return model

    @property
    def each(self) -> tuple["BuildRequest", ...]:
        """The requests of the models, one for each."""
        own = self.own or ({},) * len(self.models)
        return tuple(replace(self, models=(model,), own=(), **options) for model, options in zip(self.models, own, strict=True))

    @property
    def weights_at(self) -> tuple[str, ...]:
        """As `weights`; empty where whoever uses the package says it (npm only)."""
        return (BUNDLE,) if self.kind == "site" and not self.weights else self.weights

    @property
    def remote_at(self) -> Remote | None:
        """Who may answer in the device's place."""
        return None if self.remote is None or self.remote_model is None else Remote(self.remote, self.remote_model)

    @property
    def fixed_language(self) -> str | None:
        """Of the page; None: the visitor's."""
        return None if self.language == VISITORS else self.language

    @property
    def words(self) -> SiteWords:
        """What the site says in its own words."""
        return SiteWords(self.welcome, self.suggestions, self.system_prompt, self.presets)

    @property
    def has_threads(self) -> bool:
        """Whether the site's service worker isolates the page."""
        return BUNDLE in self.weights_at if self.threads is None else self.threads


def options() -> dict[str, tuple[Any, Option]]:
    """(type, Option) of every field of BuildRequest that is an option, by its name."""
    return options_of(BuildRequest)


def key(name: str) -> str:
    """Of a field, in webllm.toml."""
    return name.replace("_", "-")


def problems(request: BuildRequest) -> tuple[InvalidOption, ...]:
    """All that does not fit; what is about several options, only where each of them does."""
    found = [problem for name in options() for problem in _problems(BuildRequest, name, getattr(request, name))]
    for number, own in enumerate(request.own, 1):
        found += (problem for name, value in own.items() for problem in _problems(BuildRequest, name, value, f"models[{number}]."))
    if request.kind not in KINDS:
        found.append(_not_of("kind", request.kind, KINDS))
    if not found:
        of_each = (problem for each in request.each for problem in (*_nested(each), *_both(each)))
        found = [*dict.fromkeys(of_each), *unreadable(request.colors), *_several(request)]
    return tuple(found)


def resolve(request: BuildRequest) -> BuildRequest:
    """The request with home folders spelled out and variants in the order of preference. Raises one ConfigError with all problems."""
    if found := problems(request):
        raise ConfigError(found)
    paths = _at_home({name: getattr(request, name) for name in options()})
    own = tuple({**options, **_at_home(options)} for options in request.own)
    return replace(request, variants=tuple(name for name in VARIANT_NAMES if name in request.variants), own=own, **paths)


def _at_home(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.expanduser() for name, value in options.items() if isinstance(value, Path)}


def context_within(asked: int | None, most: int) -> int:
    """The context length to compile for: what was asked, or the model's own. Raises ConfigError for more than the model was made for."""
    if asked is not None and asked > most:
        fix = "Leave the option out for the model's own length."
        raise ConfigError((InvalidOption("context-length", asked, f"at most {most} tokens, for which the model was trained", fix),))
    return asked or most


def _problems(of: type, name: str, value: object, within: str = "") -> Iterator[InvalidOption]:
    """within: what stands before its name, where it is part of something."""
    option = options_of(of)[name][1]
    label = within + (option.flag.removeprefix("--") or key(name))
    values = value if isinstance(value, tuple) else (value,)
    if option.choices:
        yield from (_not_of(label, each, option.choices) for each in values if each not in option.choices)
    if not values and default_of(of, name):
        yield InvalidOption(label, value, "at least one", "Leave the option out for the default.")
    if option.reads is None:
        yield from (InvalidOption(label, each, "no NUL character", "Remove it.") for each in values if "\0" in str(each))
    if value is not None and not option.fits(value):
        yield InvalidOption(label, _shown(value), option.expected, option.fix)
    if isinstance(value, Path) or name == "models":
        lost = (str(path) for path in values if not _has_home(str(path)))
        yield from (InvalidOption(label, path, "a path", "There is no user of that name.") for path in lost)
    for number, part in enumerate(values, 1):
        if is_dataclass(part):
            of_part: type = type(part)
            place = f"{label}[{number}]." if isinstance(value, tuple) else f"{label}."
            yield from (problem for each in options_of(of_part) for problem in _problems(of_part, each, getattr(part, each), place))


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
            yield InvalidOption(key(name), str(folder), "a folder outside of --out", "Name another one.")


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
    for name, (_, option) in options().items():
        value = getattr(request, name)
        if option.alone and value != default_of(BuildRequest, name):
            own = "a site" if request.kind == "site" else "a package"
            more = "" if request.kind == "site" else ": one engine takes the modelRecords of several packages"
            fix = f"Say it in that model's own [[models]] of {CONFIG_FILE}, or build the model into {own} of its own{more}."
            yield InvalidOption(key(name), _shown(value), f"one --model beside it, not {count}", fix)


def _shown(value: object) -> object:
    """As much of a text as tells which it is."""
    if isinstance(value, tuple):
        return tuple(map(_shown, value[:3])) + (("...",) if len(value) > 3 else ())
    return str(value)[:60] if isinstance(value, (Path, str)) else value


def _not_of(label: str, value: object, choices: tuple[object, ...]) -> InvalidOption:
    close = closest(str(value), map(str, choices))
    return InvalidOption(label, value, " or ".join(map(str, choices)), f"Did you mean {close}?" if close else "Choose one of these.")
