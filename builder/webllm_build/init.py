"""A folder to build a site in: webllm.toml with comments, its schema, a README, and the host's files."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webllm_build.catalog import CATALOG
from webllm_build.config import CONFIG_FILE, BuildRequest, problems
from webllm_build.config_file import read_config
from webllm_build.config_schema import SCHEMA_FILE, json_schema
from webllm_build.disk import disk_errors
from webllm_build.errors import ConfigError, InvalidOption
from webllm_build.hosts import HOST_NAMES, host_of
from webllm_build.package.host_files import FOLDER, project_files
from webllm_build.package.render import render
from webllm_build.source.huggingface import REFERENCE
from webllm_build.theme import DEFAULTS, Colors, Palette

WORKFLOWS = ".github/workflows/"  # what stands there runs on GitHub's machines

Ask = Callable[[str, str], str]  # a question and what an empty answer means, to the answer
Say = Callable[[str], None]


@dataclass(frozen=True)
class Question:
    """option: on the command line. otherwise: the answer where nobody gives one."""

    option: str
    text: str
    otherwise: str


DEFAULT = BuildRequest("site")
QUESTIONS = (
    Question("model", "Model (a name of `webllm-build models`, hf:org/name, a folder or a .gguf file)", DEFAULT.model),
    Question("title", "Title of the page (empty: the model's name)", ""),
    Question("accent", "Color of buttons and links", DEFAULTS["light"]["accent"]),
    Question("host", f"Host ({', '.join(HOST_NAMES)})", DEFAULT.host),
)


def init(folder: Path, given: Mapping[str, str | None], ask: Ask | None, say: Say) -> None:
    """Write what the folder lacks. What is there stays, but for the schema, which belongs to this program's version.

    given: answers by the options of QUESTIONS; others are asked for, where that is possible.
    Raises ConfigError, ConfigFileError, and what disk_errors makes of a folder that cannot be written.
    """
    answers = {name: value for name, value in given.items() if value is not None}
    path = folder / CONFIG_FILE
    if path.exists():
        if answers:
            name, value = next(iter(answers.items()))
            raise ConfigError((InvalidOption(name, value, f"no {path} yet", "Say it there, and leave the option out."),))
        file = read_config(path)
        request = BuildRequest("site", **file.values)
        if wrong := (*file.problems, *map(file.claimed, problems(request))):
            raise ConfigError(wrong)
        host, title, settings, models = request.host, request.title, path.read_bytes().decode(), request.models
    else:
        answers = _answers(answers, ask, say)
        host, title, settings = answers["host"], answers["title"], _settings(folder, answers)
        models = (_in_folder(answers["model"], folder),)
    heading = title or folder.absolute().name
    files = {
        CONFIG_FILE: settings,
        SCHEMA_FILE: json_schema(),
        "README.md": render("init/README.md.j2", heading=heading, schema=SCHEMA_FILE, publish=host_of(host).publish.format(folder=FOLDER)),
        ".gitignore": f"/{FOLDER}/\n",
        **project_files(host_of(host), name=re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-") or "chat"),
    }
    with disk_errors(folder, "FOLDER"):
        for name, text in files.items():
            _write(folder / name, text, say)
    if any(name.startswith(WORKFLOWS) for name in host_of(host).project):
        for model in models:
            if not _is_fetched(model) and not _is_inside(model, folder):
                say(
                    f"Note: {host_of(host).title} builds the site from the repository, which {model} is not in. Name a model of the Hub "
                    f"(hf:org/name) or of `webllm-build models` in {path}, or put it into {folder.absolute()} and name it from there "
                    "(GitHub takes files of more than 100 MB by Git LFS alone)."
                )


def _is_fetched(model: str) -> bool:
    """Whether it comes from a registry, wherever a site is built."""
    return CATALOG.find(model) is not None or model.startswith("hf:")


def _is_inside(model: str, folder: Path) -> bool:
    return not model.startswith("~") and (folder / model).resolve().is_relative_to(folder.resolve())


def _write(path: Path, text: str, say: Say) -> None:
    data = text.encode()
    before = path.read_bytes() if path.exists() else None
    if before not in (None, data) and path.name != SCHEMA_FILE:
        say(f"{path} was there, and stays as it is")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    say(f"{path} {'is written' if before is None else 'is as it was' if before == data else 'is renewed'}")


def _answers(given: Mapping[str, str], ask: Ask | None, say: Say) -> dict[str, str]:
    """To all questions. Asks again where an answer does not fit."""
    wrong = [problem for name, value in given.items() for problem in _wrong(name, value)]
    if wrong:
        raise ConfigError(tuple(wrong))
    answers = dict(given)
    for question in QUESTIONS:
        while ask is not None and question.option not in answers:
            answer = ask(question.text, question.otherwise).strip()
            found = _wrong(question.option, answer)
            for problem in found:
                say(str(problem))
            answers |= {} if found else {question.option: answer}
        answers.setdefault(question.option, question.otherwise)
    return answers


def _wrong(name: str, value: str) -> list[InvalidOption]:
    if name == "model":
        is_known = CATALOG.find(value) is not None or REFERENCE.fullmatch(value) or os.path.exists(os.path.expanduser(value))  # noqa: PTH110, PTH111
        if not is_known or not value.isprintable():
            return [InvalidOption(name, value, "a name, hf:org/name, or a path of what is there", CATALOG.suggestion(value))]
        return []
    fields: dict[str, dict[str, Any]] = {
        "accent": {"colors": Colors(light=Palette(value))},
        "title": {"title": value or None},
        "host": {"host": value},
    }
    return [*problems(BuildRequest("site", **fields[name]))]


def _settings(folder: Path, answers: Mapping[str, str]) -> str:
    accent = answers["accent"] if answers["accent"] != DEFAULTS["light"]["accent"] else ""
    quoted = {name: _quoted(text) for name, text in {**answers, "model": _in_folder(answers["model"], folder), "accent": accent}.items()}
    return render("init/webllm.toml.j2", **quoted, schema=SCHEMA_FILE, hosts=", ".join(HOST_NAMES))


def _in_folder(model: str, folder: Path) -> str:
    """The model as the folder's webllm.toml names it."""
    if _is_fetched(model) or model.startswith("~"):
        return model
    is_near = Path(model).anchor == "" or _is_inside(model, folder)
    return Path(os.path.relpath(model, folder) if is_near else model).as_posix()


def _quoted(text: str) -> str:
    """A string of TOML, as of JSON; nothing where there is none."""
    return json.dumps(text, ensure_ascii=False) if text else ""
