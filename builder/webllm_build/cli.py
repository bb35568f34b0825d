"""argv to BuildRequest. The only code that prints and exits."""

from __future__ import annotations

import inspect
import io
import json
import os
import shlex
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, TextIO

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from webllm_build import __version__, platforms
from webllm_build.chromium import Gpu
from webllm_build.config import CONFIG_FILE, BuildRequest, default_cache_dir, key, options, problems
from webllm_build.errors import ConfigError, ModelWarning, WebllmBuildError
from webllm_build.hosts import HOST_NAMES, host_of
from webllm_build.option import Kind, default_of, shape_of
from webllm_build.package.places import WEIGHTS_FOLDER
from webllm_build.signals import OTHERS, handled
from webllm_build.terminal import RichProgress, console

if TYPE_CHECKING:
    from webllm_build.config_file import ConfigFile

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

INTERRUPTED, TERMINATED, HUNG_UP = 130, 143, 129  # 128 and the number of the signal, as shells have it


def main() -> NoReturn:
    """The `webllm-build` command: exit code 0, 1 for an error that says what to do, 2 for wrong usage, 128 + number for a signal."""
    warnings.showwarning = _show_warning
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a model's name may have letters that the terminal has not
    try:
        if sys.platform not in platforms.NAMES:
            raise WebllmBuildError(f"webllm-build does not run on {sys.platform}", "It runs on Linux, macOS and Windows.")
        with handled(OTHERS, _end):
            app()
    except WebllmBuildError as error:
        console.print(f"[bold red]Error:[/] {escape(error.message)}", soft_wrap=True)
        if error.hint:
            console.print(escape(error.hint), soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        _say_interrupted(INTERRUPTED)
    except SystemExit as left:
        if left.code in (INTERRUPTED, TERMINATED, HUNG_UP):  # what typer makes of a KeyboardInterrupt, and _end of a signal
            _say_interrupted(int(left.code))
        raise
    sys.exit(0)


def _end(number: int, frame: object) -> None:
    """Unwind as from Ctrl+C, so that unfinished files go."""
    sys.exit(128 + number)


def _say_interrupted(code: int) -> NoReturn:
    console.print("Interrupted.")
    sys.exit(code)


_show_others = warnings.showwarning


def _show_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: TextIO | None = None, line: str | None = None
) -> None:
    if issubclass(category, ModelWarning):
        console.print(f"[bold yellow]Note:[/] {escape(str(message))}", soft_wrap=True)
    else:
        _show_others(message, category, filename, lineno, file, line)


def _build_command(kind: Kind, doc: str) -> Callable[..., None]:
    """A command whose options are the fields of BuildRequest. What it is not given, webllm.toml says, and else the defaults."""
    names = [name for name, (of_type, option) in options().items() if option.kind in (None, kind)]

    def command(context: typer.Context, config: Path | None, **chosen: Any) -> None:
        by_hand = {name for name in chosen if (source := context.get_parameter_source(name)) is not None and source.name == "COMMANDLINE"}
        given: dict[str, Any] = {name: tuple(value) if isinstance(value := chosen[name], list) else value for name in by_hand}
        file = _config_file(config)
        if file is None:
            run_build(BuildRequest(kind=kind, **given))
            return
        left = {name for name in file.values if name in given or (name not in (*names, "own")) or (name == "own" and "models" in given)}
        file = replace(file, values={name: value for name, value in file.values.items() if name not in left})
        request = BuildRequest(kind=kind, **file.values, **given)
        if wrong := (*file.problems, *map(file.claimed, problems(request))):
            raise ConfigError(wrong)
        run_build(request)

    config_help = f"What says the options that are not given here. Default: {CONFIG_FILE} of this folder, if it is there."
    config_option: Any = Annotated[Path | None, typer.Option("--config", metavar="FILE", help=config_help)]
    first = [
        inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context),
        inspect.Parameter("config", inspect.Parameter.KEYWORD_ONLY, annotation=config_option, default=None),
    ]
    return _with_options(command, doc, [*first, *(_parameter(name) for name in names if not shape_of(options()[name][0]).is_table)])


def _config_file(path: Path | None) -> ConfigFile | None:
    """The file that says what the command line does not."""
    from webllm_build.config_file import read_config

    if path is None:
        path = Path(CONFIG_FILE)
        if not path.exists():
            return None
    console.print(f"Options of {escape(str(path))}", soft_wrap=True)
    return read_config(path)


def _parameter(name: str) -> inspect.Parameter:
    """The command-line option of a field of BuildRequest."""
    of_type, option = options()[name]
    shape = shape_of(of_type)
    shown: Any = (list[str] | None if default_of(BuildRequest, name) is None else list[str]) if shape.many else of_type
    flag = option.flag or "--" + key(name)
    if shape.item is bool:
        flag = f"{flag}/--no-{flag.removeprefix('--')}"
    parser, metavar = (None, None) if option.reads is None else (_file_reader(option.reads), "FILE")
    annotation: Any = Annotated[shown, typer.Option(flag, help=option.text, parser=parser, metavar=metavar)]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default_of(BuildRequest, name), annotation=annotation)


def _with_options(command: Callable[..., None], doc: str, parameters: list[inspect.Parameter]) -> Callable[..., None]:
    """The command as typer wants it: with a signature."""
    command.__doc__ = doc
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return command


def _file_reader(reads: Callable[[str], Any]) -> Callable[[str], Any]:
    def read(path: str) -> Any:
        try:
            return reads(path)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error

    return read


def run_build(request: BuildRequest) -> None:
    from webllm_build.build import build

    bundle = build(request, RichProgress())
    models = [f"{one.model.name} ({one.model.quantization}, {one.download_bytes / 1e6:.0f} MB)" for one in bundle.manifests]
    console.print(f"[bold green]Done:[/] {escape(str(bundle.out))} holds {escape(' and '.join(models))}.")
    if bundle.places.folder == WEIGHTS_FOLDER:
        _say_where_weights_go(bundle.out / WEIGHTS_FOLDER, request.kind, bundle.places.elsewhere)
    console.print(f"Try it:  {'webllm-build serve' if request.kind == 'site' else 'npm install'} {escape(str(bundle.out))}")
    if request.kind == "site" and request.host != "any":
        console.print(f"Publish: {escape(host_of(request.host).publish.format(folder=shlex.quote(str(bundle.out))))}", soft_wrap=True)


def _say_where_weights_go(folder: Path, kind: Kind, urls: tuple[str, ...]) -> None:
    host = " and ".join(urls) or "any static host or CDN that allows cross-origin requests (CORS)"
    rest = "the rest of the folder is the site" if kind == "site" else "npm does not publish it with the package"
    console.print(f"Upload {escape(str(folder))} to {escape(host)}; {rest}.", soft_wrap=True)
    if not urls:
        console.print('Then: createEngine({ weights: "https://..." }). Or build with --weights bundle to publish them too.', soft_wrap=True)


SITE = """Build a static chat site.

Examples:

  webllm-build site --model smollm2-135m --out dist

  webllm-build site --config my-site/webllm.toml --title "Ask Ada"
"""
NPM = """Build an npm package with an OpenAI-style engine.

Examples:

  webllm-build npm --model smollm2-135m --out package --package-name my-engine
"""
app.command("site")(_build_command("site", SITE))
app.command("npm")(_build_command("npm", NPM))


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where the site will be built; made where it is not there.")] = Path(),
    model: Annotated[str | None, typer.Option(help="A name, hf:org/name, a folder or a .gguf file.")] = None,
    title: Annotated[str | None, typer.Option(help="Title of the page.")] = None,
    accent: Annotated[str | None, typer.Option(help="Color of buttons and links, as #rrggbb.")] = None,
    host: Annotated[str | None, typer.Option(help=f"Where it will be served: {', '.join(HOST_NAMES)}.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: the defaults hold where no option is given.")] = False,
) -> None:
    """Begin a site: asks four questions and writes webllm.toml with comments, a README and what the host reads. Overwrites nothing.

    Examples:

      webllm-build init my-site

      webllm-build init my-site --yes --model qwen3-0.6b --title "Ask Ada" --accent "#7a1fa2" --host github-pages
    """
    from webllm_build.init import init as begin

    def ask(text: str, otherwise: str) -> str:
        answer: str = typer.prompt(text, default=otherwise, show_default=otherwise != "", err=True)
        return answer

    can_ask = not yes and sys.stdin is not None and sys.stdin.isatty()
    given = {"model": model, "title": title, "accent": accent, "host": host}
    begin(folder, given, ask if can_ask else None, lambda line: console.print(escape(line), soft_wrap=True))
    console.print(f"Then:  {'' if folder == Path() else f'cd {escape(shlex.quote(str(folder)))} && '}webllm-build site", soft_wrap=True)


@app.command()
def serve(
    folder: Annotated[Path, typer.Argument(help="A folder that `site` wrote.")] = Path("dist"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine; 0 takes any free one.")] = 8000,
) -> None:
    """Serve a site on this machine, the way a good web server would."""
    from webllm_build.serve import ISOLATED, make_server

    with make_server(folder, port, ISOLATED) as server:
        console.print(f"Serving {escape(str(folder))} at http://127.0.0.1:{server.server_port}/ (Ctrl+C ends it)")
        server.serve_forever()


@app.command()
def chat(
    folder: Annotated[Path, typer.Argument(help="A folder that `site` or `npm` wrote.")] = Path("dist"),
    system: Annotated[str | None, typer.Option(help="A system message.")] = None,
    prompt: Annotated[str | None, typer.Option(help="Write the answer to this alone. Without it, what a pipe gives is the prompt.")] = None,
    model: Annotated[str | None, typer.Option(help="The id of the model, where the folder has several.")] = None,
) -> None:
    """Talk to a built model in the terminal, on this machine's CPU. Needs Node. Ctrl+C stops an answer, and ends where none runs."""
    from webllm_build.chat import chat_command

    command = chat_command(folder, system, prompt, model)
    sys.stdout.flush()
    try:
        if platforms.WINDOWS:  # where a program that becomes another one has ended for its console
            sys.exit(subprocess.call(command))
        os.execv(command[0], command)
    except OSError as error:
        raise WebllmBuildError(f"{command[0]} does not start: {error.strerror}", "Is the prompt too long, or Node damaged?") from error


@app.command()
def bench(
    folder: Annotated[Path, typer.Argument(help="A folder that `site` wrote.")] = Path("dist"),
    prompt_tokens: Annotated[int, typer.Option(min=1, help="Length of the prompt.")] = 512,
    output_tokens: Annotated[int, typer.Option(min=2, help="Length of an answer.")] = 256,
    runs: Annotated[int, typer.Option(min=0, help="Answers to take the median of, after one to warm up; 0 with --kernels: none.")] = 5,
    context: Annotated[list[int] | None, typer.Option(min=1, help="Measure decoding behind so many tokens too; repeatable.")] = None,
    kernels: Annotated[bool, typer.Option("--kernels", help="Profile each kernel, too.")] = False,
    variant: Annotated[str | None, typer.Option(help="Run this variant; default: the one that the browser would.")] = None,
    calibrate: Annotated[bool, typer.Option(help="Choose the fastest kernels for this GPU; else defaults by vendor.")] = True,
    gpu: Annotated[Gpu | None, typer.Option(help="How Chromium gets at the GPU; default: what suits this machine.")] = None,
    chromium: Annotated[Path | None, typer.Option(help="The browser's program; default: a Chromium or Chrome on PATH.")] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds that all of it may take.")] = 3600,
    json_file: Annotated[Path, typer.Option("--json", help="Where to save what was measured.")] = Path("bench.json"),
) -> None:
    """Measure a site's speed in a Chromium: load, answers, decoding, memory, kernels. Needs the extra [bench]."""
    from webllm_build.bench import BenchRequest, bench
    from webllm_build.disk import disk_errors

    request = BenchRequest(
        folder, prompt_tokens, output_tokens, runs, tuple(context or ()), kernels, variant, calibrate, gpu, chromium, timeout
    )
    with console.status("Starting the browser") as status:
        measured = bench(request, lambda line: status.update(escape(line)))
    report = measured.report
    out = Console(highlight=False)
    out.print(f"[bold]{escape(report['model'])}[/] ({report['quantization']}), variant {report['variant']}, on {escape(report['gpu'])}")
    for title, head, rows in measured.tables:
        table = RichTable(title=title, title_justify="left", box=SIMPLE)
        for column, name in enumerate(head):
            table.add_column(name, justify="right" if column else "left", overflow="fold")
        for row in rows:
            table.add_row(*map(escape, row))
        out.print(table)
    with disk_errors(json_file, "--json"):
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")
    console.print(f"Saved {escape(str(json_file))}")


@app.command()
def upload(
    folder: Annotated[Path, typer.Argument(help="A folder that `site` or `npm` wrote.")],
    repository: Annotated[str, typer.Argument(help="hub:organization/name[@branch]; your own name is an organization, too.")],
    create: Annotated[bool, typer.Option("--create", help="Make the repository, where there is none.")] = False,
    private: Annotated[bool, typer.Option("--private/--public", help="Who may read one that is made; visitors read public ones.")] = False,
) -> None:
    """Put a built model into a repository of the Hugging Face Hub: what is not there yet, with a model card, and verified.

    Needs a token with the right to write: hf auth login, or HF_TOKEN.

    Examples:

      webllm-build upload dist hub:me/my-model --create

      webllm-build site --model my-model --weights hub:me/my-model
    """
    from webllm_build.upload import upload as send

    uploaded = send(folder, repository, create, private, RichProgress())
    contents = uploaded.contents
    console.print(
        f"[bold green]Done:[/] {escape(contents.repository.id)} has all files at commit {contents.commit}; "
        f"{uploaded.sent} were sent ({uploaded.size / 1e6:.0f} MB).",
        soft_wrap=True,
    )
    place = f"hub:{contents.repository.id}@{contents.commit}"
    if contents.is_open:
        console.print(f"Now build with it what names it, which computes nothing again:  --weights {escape(place)}", soft_wrap=True)
    else:
        console.print("It is private or gated: visitors' browsers get nothing of it.", soft_wrap=True)


@app.command()
def publish(
    folder: Annotated[Path, typer.Argument(help="A folder that `npm` wrote.")] = Path("package"),
    tag: Annotated[str, typer.Option(help="Of npm: what `npm install NAME@TAG` takes.")] = "latest",
    access: Annotated[Literal["public", "restricted"] | None, typer.Option(help="Who may install it; default: as npm does.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do all but send it.")] = False,
) -> None:
    """Publish a package on npm, after publint has looked at it; with provenance where a workflow can prove it. Needs Node.

    Example:

      webllm-build publish package --access public
    """
    from webllm_build.publish import publish as send

    named = send(folder, tag=tag, access=access, dry_run=dry_run)
    console.print(f"[bold green]{'Would publish' if dry_run else 'Published'}:[/] {escape(named)}")


@app.command()
def models(
    words: Annotated[str, typer.Argument(metavar="[FILTER]", help="Words that a model's names, kind, licence or architecture have.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")] = False,
) -> None:
    """List the models that --model knows by name, with their sizes."""
    from webllm_build.listing import ListedModel, MissingModel, list_models

    listed = [*list_models(words)]
    known = [item for item in listed if isinstance(item, ListedModel)]
    if as_json:
        print(json.dumps([item.to_json() for item in known], indent=1))
        return
    table = RichTable(box=SIMPLE)
    for column, name in enumerate(("Name", "Kind", "Parameters", "Download", "At 4k", "Context", "Licence", "From")):
        table.add_column(name, justify="right" if 2 <= column <= 5 else "left", overflow="fold")
    for item in known:
        sizes = (f"{item.parameters / 1e9:.2f} B", f"{item.download['auto'] / 1e9:.2f} GB", f"{item.memory / 1e9:.2f} GB")
        entry = item.entry
        origin = entry.source.partition("@")[0].partition("==")[0] + (" (a copy)" if entry.original else "")
        table.add_row(entry.name, entry.kind, *sizes, f"{item.context_length:,}", entry.license, escape(origin))
    Console(highlight=False, width=None if sys.stdout.isatty() else 140).print(table)
    missing: dict[str, list[str]] = {}
    for each in listed:
        if isinstance(each, MissingModel):
            missing.setdefault(each.why, []).append(each.entry.name)
    for why, names in missing.items():
        console.print(f"Not in this version: {', '.join(names)} ({escape(why)})", soft_wrap=True)


def _inspect_command() -> Callable[..., None]:
    def command(what: str, **chosen: Any) -> None:
        from webllm_build.inspection import inspect as describe

        models = describe(BuildRequest(kind="site", models=(what,), **chosen), RichProgress())
        width = max(len(label) for lines in models for label, _ in lines)
        print("\n\n".join("\n".join(f"{label + ':':<{width + 2}}{value}" for label, value in lines) for lines in models))

    what: Any = Annotated[str, typer.Argument(help="A built folder, or a model as --model takes it.")]
    first = inspect.Parameter("what", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=what)
    doc = "Tell what a model or a built folder is: parameters, bytes by scheme, variants, kernels, memory."
    return _with_options(command, doc, [first, *map(_parameter, ("adapter", "quantization", "kv", "context_length"))])


app.command("inspect")(_inspect_command())


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="A folder that `site` wrote, or any other site.")] = Path("dist"),
    host: Annotated[str, typer.Option(help=f"Where it will be served: {', '.join(HOST_NAMES)}. any: tells of all.")] = "any",
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")] = False,
) -> None:
    """Tell whether a host takes a site: its size, its files, their number and names. Exit code 1: the host does not."""
    from webllm_build.hosts import ANY, HOSTS, faults, read_folder, size

    if host not in HOST_NAMES:
        raise typer.BadParameter(f"{host!r} is none of {', '.join(HOST_NAMES)}", param_hint="--host")
    files = read_folder(folder)
    found = {each.name: faults(each, files) for each in (HOSTS if host == ANY.name else (host_of(host),))}
    if as_json:
        said = {name: [asdict(fault) for fault in each] for name, each in found.items()}
        print(json.dumps({"files": len(files), "bytes": sum(files.values()), "faults": said}, indent=1))
    else:
        print(f"{len(files)} files, {size(sum(files.values()))}; the largest has {size(max(files.values()))}.")
        for name, each in found.items():
            how = host_of(name).publish.format(folder=shlex.quote(str(folder)))
            print("\n".join(f"{name}: {fault.message}. {fault.fix}" for fault in each) or f"{name}: fits ({how})")
    sys.exit(int(host != ANY.name and any(found.values())))


@app.command()
def doctor(
    cache_dir: Annotated[Path | None, typer.Option(help="As of `site`.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")] = False,
) -> None:
    """Tell what a report of a fault should: versions, tools, caches, browsers. No secrets and no names. Exit code 1: something is amiss."""
    from webllm_build.doctor import examine

    findings = examine(cache_dir or default_cache_dir())
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        width = max(len(finding.label) for finding in findings)
        for finding in findings:
            print(f"{finding.label + ':':<{width + 2}}{finding.value}" + (f"  <- {finding.problem}" if finding.problem else ""))
    sys.exit(int(any(finding.problem for finding in findings)))


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"webllm-build {__version__}")
        raise typer.Exit


@app.callback()
def callback(
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Compile a language model to WebGPU and WebAssembly and write a chat site or an npm package."""
