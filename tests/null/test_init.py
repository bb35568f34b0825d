"""A folder that `init` makes: what it asks, what it writes, and that what it wrote is right."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from test_config_file import ALL, SVG

from webllm_build import cli
from webllm_build.config import BuildRequest, key, options, problems
from webllm_build.config_file import read_config
from webllm_build.config_schema import json_schema
from webllm_build.errors import ConfigError, ConfigFileError
from webllm_build.hosts import HOSTS
from webllm_build.init import QUESTIONS, init
from webllm_build.theme import Colors, Palette

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SCHEMA: Any = json.loads(json_schema())
FILES = {"webllm.toml", "webllm.schema.json", "README.md", ".gitignore"}


def begin(folder: Path, *answers: str, **given: str) -> list[str]:
    """Runs init; gives what it said. answers: to its questions; none: it cannot ask."""
    said: list[str] = []
    left = iter(answers)
    init(folder, given, (lambda text, otherwise: next(left) or otherwise) if answers else None, said.append)
    assert next(left, None) is None, "it asks no more than it needs"
    return said


def validator() -> Any:
    from jsonschema import Draft7Validator  # takes a second, which every process that collects this file would

    return Draft7Validator(SCHEMA)


def request_of(folder: Path) -> BuildRequest:
    file = read_config(folder / "webllm.toml")
    request = BuildRequest("site", **file.values)
    assert file.problems == problems(request) == ()
    validator().validate(tomllib.loads((folder / "webllm.toml").read_text("utf-8")))
    return request


def test_without_answers_the_defaults_hold(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "site"
    begin(folder)
    assert {path.name for path in folder.iterdir()} == FILES
    assert request_of(folder) == BuildRequest("site")
    assert (folder / "README.md").read_text("utf-8").startswith("# site\n")
    assert json.loads((folder / "webllm.schema.json").read_text("utf-8")) == SCHEMA


def test_four_questions_are_asked(tmp_path: Path) -> None:
    begin(tmp_path, "qwen3-0.6b", "Ask Ada", "#7a1fa2", "netlify")
    assert len(QUESTIONS) == 4
    assert request_of(tmp_path) == BuildRequest(
        "site", ("qwen3-0.6b",), title="Ask Ada", colors=Colors(light=Palette("#7a1fa2")), host="netlify"
    )
    assert (tmp_path / "netlify.toml").is_file()


def test_what_is_given_is_not_asked_for(tmp_path: Path) -> None:
    begin(tmp_path, "", "", title="Ask Ada", host="any")
    assert request_of(tmp_path) == BuildRequest("site", title="Ask Ada")


def test_an_answer_that_does_not_fit_is_asked_for_again(tmp_path: Path) -> None:
    said = begin(tmp_path, "smolm2-135m", "hf:smollm2", "smollm2-135m", "a" * 600, "A", "red", "#ff0", "", "github", "github-pages")
    for word in ("Did you mean smollm2-135m?", "at most 512", "a color as #rgb", "4.5:1", "Did you mean github-pages?"):
        assert word in "\n".join(said)
    assert request_of(tmp_path) == BuildRequest("site", title="A", host="github-pages")


def test_all_options_that_do_not_fit_are_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        begin(tmp_path / "site", model="nothing-like-it", accent="red", host="github")
    assert [problem.option for problem in caught.value.problems] == ["model", "colors.light.accent", "host"]
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("title", ['O\'Brien "x" \\ #', "😀 مرحبا é", "{{ 7 * 7 }} {% raw %}", "</h1>", "= [x]", '"""', "--host any"])
def test_a_title_of_any_letters_comes_back(tmp_path: Path, title: str) -> None:
    begin(tmp_path, title=title)
    assert request_of(tmp_path).title == title


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
def test_the_hosts_files_are_there(tmp_path: Path, host: Any) -> None:
    begin(tmp_path, host=host.name, title="Größe & Co")
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} == FILES | set(host.project)
    assert host.publish.format(folder="dist") in (tmp_path / "README.md").read_text("utf-8")


def test_what_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(b"Mine \xff")
    said = begin(tmp_path, title="One")
    assert f"{tmp_path / 'README.md'} was there, and stays as it is" in said
    assert (tmp_path / "README.md").read_bytes() == b"Mine \xff"
    before = (tmp_path / "webllm.toml").read_bytes()
    (tmp_path / "webllm.schema.json").write_text("{}")
    said = begin(tmp_path)
    assert (tmp_path / "webllm.toml").read_bytes() == before
    assert f"{tmp_path / 'webllm.schema.json'} is renewed" in said
    with pytest.raises(ConfigError, match=r"title = 'Two': expected no .*webllm.toml yet"):
        begin(tmp_path, title="Two")


def test_a_folder_that_changed_its_host_gets_what_it_lacks(tmp_path: Path) -> None:
    begin(tmp_path)
    settings = tmp_path / "webllm.toml"
    settings.write_text(settings.read_text("utf-8").replace('host = "any"', 'host = "cloudflare"'), "utf-8")
    begin(tmp_path)
    assert (tmp_path / "wrangler.jsonc").is_file()
    settings.write_text('host = "cloudflair"')
    with pytest.raises(ConfigError, match=r"webllm.toml:1: host = 'cloudflair'"):
        begin(tmp_path)
    settings.write_text("host =")
    with pytest.raises(ConfigFileError):
        begin(tmp_path)


def test_a_model_of_this_machine_is_found_from_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    begin(Path("a/site"), model="model")
    assert tomllib.loads(Path("a/site/webllm.toml").read_text("utf-8"))["models"] == ["../../model"]
    assert request_of(Path("a/site")).models == ("a/site/../../model",)


def test_a_model_that_the_workflow_cannot_see_is_said(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    assert not any("Note" in line for line in begin(tmp_path / "any", model=str(model), host="any"))
    [note] = [line for line in begin(tmp_path / "pages", model=str(model), host="github-pages") if line.startswith("Note")]
    assert str(model) in note
    assert "hf:org/name" in note
    (tmp_path / "whole" / "model").mkdir(parents=True)
    whole = begin(tmp_path / "whole", model=str(tmp_path / "whole" / "model"), host="github-pages")
    assert not any("Note" in line for line in whole), "it is in the repository"
    settings = tmp_path / "whole" / "webllm.toml"
    assert 'models = ["model"]' in settings.read_text("utf-8")
    assert not any("Note" in line for line in begin(tmp_path / "whole"))
    settings.write_text('models = ["~/model", "smollm2-135m"]\nhost = "github-pages"\n')
    assert [line for line in begin(tmp_path / "whole") if "which ~/model is not in" in line]


def test_what_the_comments_suggest_is_right(tmp_path: Path) -> None:
    begin(tmp_path)
    (tmp_path / "logo.svg").write_text(SVG)
    path = tmp_path / "webllm.toml"
    lines = path.read_text("utf-8").splitlines()
    shown = [line.removeprefix("# ") if re.match(r"# ([a-z-]+ = |\[)", line) else line for line in lines]
    path.write_text("\n".join(shown), "utf-8")
    request = request_of(tmp_path)
    assert {"logo", "font", "language", "welcome", "suggestions", "system_prompt", "weights", "colors", "presets"} <= {
        name for name, value in vars(request).items() if value != vars(BuildRequest("site"))[name]
    }


class Terminal(io.StringIO):
    def __init__(self, text: str, is_terminal: bool) -> None:
        super().__init__(text)
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


@pytest.mark.parametrize(("arguments", "is_terminal"), [(["--yes"], True), ([], False)])
def test_it_never_waits_where_nobody_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], is_terminal: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", Terminal("", is_terminal))
    cli.app(["init", "my site", "--title", "T", *arguments], standalone_mode=False)
    assert request_of(tmp_path / "my site").title == "T"
    shown = capsys.readouterr().err
    assert "webllm.toml is written" in shown
    assert "Then:  cd 'my site' && webllm-build site" in shown


def test_a_terminal_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", Terminal("\nAsk Ada\n\nvercel\n", True))
    cli.app(["init"], standalone_mode=False)
    assert request_of(tmp_path) == BuildRequest("site", title="Ask Ada", host="vercel")
    assert "Model (" in capsys.readouterr().err


def test_a_line_that_ends_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", Terminal("\n", True))
    monkeypatch.setattr(sys, "argv", ["webllm-build", "init"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == cli.INTERRUPTED
    assert [*tmp_path.iterdir()] == []


def test_the_schema_is_one() -> None:
    validator().check_schema(SCHEMA)
    assert SCHEMA["properties"].keys() == {key(name) for name in options()}
    for name, (_, option) in options().items():
        assert SCHEMA["properties"][key(name)]["description"] == option.text
    assert SCHEMA["properties"]["quantization"]["enum"] == [*options()["quantization"][1].choices]


VALUES = ["1", "1.5", "true", '"x"', "[]", "[1]", '["x"]', "{}", "{a = 1}", "[{}]", '[{model = "x"}]', '[{model = "x", title = "y"}]']


def test_the_schema_and_the_program_agree(tmp_path: Path) -> None:
    """On names and types; what else a value must be, the program alone knows."""
    path = tmp_path / "webllm.toml"
    for name in [*options(), "zzz"]:
        for value in [*VALUES, ALL[name][0] if name in ALL else "1"]:
            path.write_text(text := f"{key(name)} = {value}\n", "utf-8")
            file = read_config(path)
            found = [*file.problems, *problems(BuildRequest("site", **file.values))]
            is_valid = validator().is_valid(tomllib.loads(text))
            assert is_valid or found, f"the schema refuses what is right: {text}"
            of_types = [each for each in file.problems if "No such file" not in str(each)]
            assert not is_valid or not of_types, f"the schema takes what is wrong: {text}{of_types}"
