"""The commands `site` and `npm`: argv and webllm.toml to a BuildRequest."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from webllm_build.commands.options import parameter, with_options
from webllm_build.config import CONFIG_FILE, BuildRequest, options, problems
from webllm_build.errors import ConfigError
from webllm_build.hosts import host_of
from webllm_build.option import Kind, shape_of
from webllm_build.package.places import WEIGHTS_FOLDER
from webllm_build.terminal import RichProgress, console

if TYPE_CHECKING:
    from webllm_build.config_file import ConfigFile


def build_command(kind: Kind, doc: str) -> Callable[..., None]:
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
        values = {name: value for name, value in file.values.items() if name not in left}
        own = ({name: value for name, value in model.items() if name not in given} for model in values.pop("own", ()))
        file = replace(file, values={**values, "own": tuple(own)})
        request = BuildRequest(kind=kind, **file.values, **given)
        if wrong := (*file.problems, *map(file.claimed, problems(request))):
            raise ConfigError(wrong)
        run_build(request)

    config_help = f"File with the options that are not given here. Default: {CONFIG_FILE} of this folder, if it is there."
    config_option: Any = Annotated[Path | None, typer.Option("--config", metavar="FILE", help=config_help)]
    first = [
        inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context),
        inspect.Parameter("config", inspect.Parameter.KEYWORD_ONLY, annotation=config_option, default=None),
    ]
    return with_options(command, doc, [*first, *(parameter(name) for name in names if not shape_of(options()[name][0]).is_table)])


def _config_file(path: Path | None) -> ConfigFile | None:
    """The file that says what the command line does not."""
    from webllm_build.config_file import read_config

    if path is None:
        path = Path(CONFIG_FILE)
        if not path.exists():
            return None
    console.print(f"Options of {escape(str(path))}", soft_wrap=True)
    return read_config(path)


def run_build(request: BuildRequest) -> None:
    from webllm_build.build import build

    bundle = build(request, RichProgress())
    models = [f"{one.model.name} ({one.model.quantization}, {one.download_bytes / 1e6:.0f} MB)" for one in bundle.manifests]
    console.print(f"[bold green]Done:[/] {escape(str(bundle.out))} holds {escape(' and '.join(models))}.")
    if bundle.places.folder == WEIGHTS_FOLDER:
        _say_where_weights_go(bundle.out / WEIGHTS_FOLDER, request.kind, bundle.places.elsewhere)
    console.print(f"Try it:  {'webllm-build serve' if request.kind == 'site' else 'npm install'} {escape(shlex.quote(str(bundle.out)))}")
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
site = build_command("site", SITE)
npm = build_command("npm", NPM)
