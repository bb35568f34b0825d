"""webllm.toml: the same options as the command line, and all mistakes at once, each with its line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from webllm_build import cli
from webllm_build.config import BuildRequest, key, options, problems, resolve
from webllm_build.config_file import MAX_BYTES, ConfigFile, read_config
from webllm_build.errors import ConfigError, ConfigFileError
from webllm_build.logo import Logo
from webllm_build.option import shape_of
from webllm_build.site_words import Preset
from webllm_build.theme import Colors, Palette

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0"/></svg>'


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> Path:
        path = Path("webllm.toml")
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[BuildRequest]:
    asked: list[BuildRequest] = []
    monkeypatch.setattr("webllm_build.commands.build.run_build", asked.append)
    return asked


def run(*arguments: str) -> None:
    cli.app(list(arguments), standalone_mode=False)


ALL: dict[str, tuple[str, Any]] = {
    "models": ('["smollm2-135m"]', ("smollm2-135m",)),
    "adapter": ('"hf:org/name"', "hf:org/name"),
    "out": ('"public"', Path("public")),
    "quantization": ('"q8"', "q8"),
    "calibrate": ('"page.txt"', "A page."),
    "imatrix": ('"i.gguf"', Path("i.gguf")),
    "kv": ('"q8"', "q8"),
    "mmproj": ('"mmproj.gguf"', Path("mmproj.gguf")),
    "context_length": ("4_096", 4096),
    "prefill_chunk": ("256", 256),
    "vision": ("false", False),
    "audio": ("false", False),
    "weights": ('["bundle", "url:https://a.org/w"]', ("bundle", "url:https://a.org/w")),
    "host": ('"netlify"', "netlify"),
    "title": ('"Ask “Ada”"', "Ask “Ada”"),
    "logo": ('"logo.svg"', Logo(SVG.encode(), "svg")),
    "colors": ('{light = {accent = "#123"}}', Colors(Palette("#123"))),
    "font": ('"serif"', "serif"),
    "language": ('"ar"', "ar"),
    "welcome": ('"Ask away"', "Ask away"),
    "suggestions": ('["One?", "Two?"]', ("One?", "Two?")),
    "system_prompt": ('"""\nBe\nbrief."""', "Be\nbrief."),
    "presets": ('[{name = "Poet", text = "Rhyme."}]', (Preset("Poet", "Rhyme."),)),
    "threads": ("false", False),
    "endpoint": ("false", False),
    "remote": ('"https://a.org/v1"', "https://a.org/v1"),
    "remote_model": ('"far"', "far"),
    "package_name": ('"@me/mine"', "@me/mine"),
    "package_version": ('"2.0.0"', "2.0.0"),
    "chat_template": ('"chat.jinja"', "{{ messages }}"),
    "tool_format": ('"none"', "none"),
    "variants": ('["f16", "f32"]', ("f16", "f32")),
    "cpu": ("false", False),
    "toolchain": ('"emscripten"', "emscripten"),
    "debug_dump": ('"ir"', Path("ir")),
    "cache_dir": ('"cache"', Path("cache")),
}


def test_every_option_of_a_build_may_be_said(write: Callable[[str], Path]) -> None:
    files = {"page.txt": "A page.", "logo.svg": SVG, "chat.jinja": "{{ messages }}"}
    for name, text in files.items():
        Path(name).write_text(text, "utf-8")
    assert set(ALL) == set(options())
    file = read_config(write("".join(f"{key(name)} = {text}\n" for name, (text, _) in ALL.items())))
    assert file.problems == ()
    assert file.values == {"own": ()} | {name: value for name, (_, value) in ALL.items()}


def test_the_folders_file_is_read_and_the_command_line_overrides_it(write: Callable[[str], Path], requests: list[BuildRequest]) -> None:
    write('title = "Mine"\ncontext-length = 1024\ncpu = false\nvariants = ["f32"]\npackage-name = "mine"')
    run("site", "--title", "Yours", "--cpu", "--variant", "f16", "--variant", "f32")
    assert requests.pop() == BuildRequest("site", title="Yours", context_length=1024, variants=("f16", "f32"))
    run("npm")
    assert requests.pop() == BuildRequest("npm", context_length=1024, cpu=False, variants=("f32",), package_name="mine")


def test_a_mistake_that_the_command_line_overrides_is_none(write: Callable[[str], Path], requests: list[BuildRequest]) -> None:
    write('quantization = "q5"\n')
    with pytest.raises(ConfigError, match=r"webllm\.toml:1: quantization = 'q5'.*q4"):
        run("site")
    run("site", "--quantization", "q8")
    assert requests.pop().quantization == "q8"


def test_another_file_is_named_and_its_paths_are_relative_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, requests: list[BuildRequest]
) -> None:
    folder = tmp_path / "mine"
    (folder / "model").mkdir(parents=True)
    (folder / "logo.svg").write_text(SVG)
    (tmp_path / "elsewhere").mkdir()
    models = 'models = ["model", "elsewhere", "unknown", "smollm2-135m", "hf:a/b", "/abs"]\n'
    (folder / "my.toml").write_text(f'{models}out = "dist"\nlogo = "logo.svg"\ncache-dir = "~/c"')
    monkeypatch.chdir(tmp_path)
    run("npm", "--config", "mine/my.toml")
    request = requests.pop()
    assert request.models == ("mine/model", "mine/elsewhere", "unknown", "smollm2-135m", "hf:a/b", "/abs")
    assert (request.out, request.cache_dir, request.logo) == (Path("mine/dist"), Path("~/c"), None)
    run("site", "--config", str(folder / "my.toml"), "--model", "smollm2-135m")
    assert requests.pop().logo == Logo(SVG.encode(), "svg")
    with pytest.raises(ConfigFileError, match=r"nowhere\.toml cannot be read"):
        run("site", "--config", "nowhere.toml")


def test_models_may_have_options_of_their_own(write: Callable[[str], Path], requests: list[BuildRequest]) -> None:
    first = '[[models]]\nmodel = "smollm2-135m"\ncontext-length = 512\nquantization = "q4"\n'
    write(f'quantization = "q8"\n{first}[[models]]\nmodel = "hf:a/b"\n')
    run("site")
    one, second = resolve(requests.pop()).each
    assert (one.model, one.context_length, one.quantization) == ("smollm2-135m", 512, "q4")
    assert (second.model, second.context_length, second.quantization) == ("hf:a/b", None, "q8")
    run("site", "--model", "other")
    assert requests.pop() == BuildRequest("site", ("other",), quantization="q8")
    run("site", "--quantization", "f16")
    assert [each.quantization for each in resolve(requests.pop()).each] == ["f16", "f16"], "the command line overrides these, too"


def test_names_and_tables_of_models_may_be_mixed(write: Callable[[str], Path]) -> None:
    file = read_config(write('models = ["a", {model = "b", tool-format = "none"}]'))
    assert (file.values["models"], file.values["own"], file.problems) == (("a", "b"), ({}, {"tool_format": "none"}), ())


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ('titel = "x"', ["webllm.toml:1: titel = 'x'", "Did you mean title?"]),
        ('\n\nmodel = "smollm2-135m"', ["webllm.toml:3: model =", "Did you mean models?"]),
        ("context_length = 512", ["Did you mean context-length?"]),
        ('colours.light.accent = "#000"', ["Did you mean colors?"]),
        ("zzzz = 1", ["zzzz = 1", "Known: models,"]),
        ('"" = 1', ["Known: models,"]),
        ('kind = "site"', ["kind = 'site'", "a known key"]),
        ("own = []", ["a known key"]),
        ('"a[b" = 1', ["webllm.toml:1: a[b = 1"]),
        ('"\\u001b[31m" = 1', ["\\x1b[31m = 1"]),
        ('x.y.z = 1\n[q."a.b"]', ["webllm.toml:1: x = {'y': {'z': 1}}", "webllm.toml:2: q"]),
        (f"models = {['a'] * 101}", ["at most 100 models"]),
        ('[[presets]]\nname = "x"\n[[presets]]\nname = "y"', ["presets[1].text", "presets[2].text"]),
        ("title = 5", ["title = 5", "text in quotation marks", "Title of the page."]),
        ('title = ["x"]', ["title = ['x']", "text in quotation marks"]),
        ("title = 1979-05-27", ["title = datetime.date(1979, 5, 27)"]),
        ('title = ""', ["title = ''", "printable text"]),
        ('title = "a\\nb"', ["printable text on one line"]),
        ('context-length = "4096"', ["context-length = '4096'", "a whole number"]),
        ("context-length = true", ["a whole number"]),
        ("context-length = 4096.0", ["a whole number"]),
        ("context-length = 1", ["at least 64"]),
        ("cpu = 1", ["cpu = 1", "true or false"]),
        ('cpu = "no"', ["true or false"]),
        ("out = 1", ["a path in quotation marks"]),
        ('out = "a\\u0000b"', ["NUL"]),
        ('models = "smollm2-135m"', ["models = 'smollm2-135m'", 'Write it like models = ["smollm2-135m"].']),
        ("models = []", ["models = ()", "at least one"]),
        ("models = [1]", ["models[1] = 1", "a list of names"]),
        ("models = [['a']]", ["models[1] = ['a']"]),
        ("[[models]]\ncontext-length = 512", ["webllm.toml:1: models[1]"]),
        ('[[models]]\nmodel = "a"\ntitle = "x"', ["webllm.toml:3: models[1].title", "Known: adapter,"]),
        ('[[models]]\nmodel = "a"\n[[models]]\nmodel = "b"\ncontext-length = 1', ["webllm.toml:5: models[2].context-length = 1"]),
        ('context-length = 512\nmodels = ["a", "b"]', ["webllm.toml:1: context-length = 512", "one --model beside it", "[[models]]"]),
        ('variants = "f16"', ["variants = 'f16'", "a list, each of it text", 'Write it like variants = ["f16"].']),
        ("variants = [16]", ["variants[1] = 16"]),
        ('variants = ["f17"]', ["webllm.toml:1: variants = 'f17'", "Did you mean f16?"]),
        ("variants = []", ["at least one"]),
        ('suggestions = ["a", ""]', ["suggestions", "at most 300 characters"]),
        (f"suggestions = {['x'] * 9}", ["at most 8"]),
        ('logo = "no.svg"', ["webllm.toml:1: logo = 'no.svg'", "No such file"]),
        ("logo = 1", ["text in quotation marks"]),
        ('chat-template = "none.jinja"', ["none.jinja", "readable UTF-8"]),
        ('colors = "red"', ["a table", "[colors]"]),
        ('[colors]\naccent = "#000"', ["webllm.toml:2: colors.accent", "Known: light, dark."]),
        ('[colors.light]\naccent = "red"', ["webllm.toml:2: colors.light.accent = 'red'", "#3a3fbd"]),
        ('[colors.light]\naccent = "#12345"', ["a color as #rgb or #rrggbb"]),
        ('[colors.light]\naccent = "#000; } body { display: none"', ["a color as"]),
        ('[colors.light]\naccent = "#ff0"', ["webllm.toml:2: colors.light.accent = '#ff0'", "4.5:1", "it has 1.0"]),
        ('[colors.dark]\ntext = "#333333"', ["colors.dark.text", "with background (#15151a)"]),
        ('[presets]\nname = "x"', ["presets", "[[presets]]"]),
        ('[[presets]]\nname = "x"', ["presets[1].text = None"]),
        ('[[presets]]\nname = "x"\ntext = "y"\n[[presets]]\nname = "x"\ntext = "z"', ["a name of its own"]),
        ('[[presets]]\nname = "x"\ntext = "y"\nicon = "z"', ["webllm.toml:4: presets[1].icon", "Known: name, text."]),
        ('[[presets]]\nname = "x\\ny"\ntext = "y"', ["webllm.toml:2: presets[1].name", "on one line"]),
        ('language = "xx"', ["language = 'xx'", "auto or en or ar"]),
        ('host = "github"', ["Did you mean github-pages?"]),
        ('remote = "https://a.org/v1"', ["remote-model", "both of"]),
    ],
)
def test_a_mistake_is_said_with_its_line_and_a_way_out(write: Callable[[str], Path], text: str, messages: list[str]) -> None:
    write(text)
    with pytest.raises(ConfigError) as caught:
        run("site")
    for message in messages:
        assert message in str(caught.value)


def test_all_mistakes_are_said_at_once(write: Callable[[str], Path]) -> None:
    write('titel = "x"\nkv = "q7"\ncpu = 1\n\n[colors.light]\naccent = "blue"\ntext = 1\n\n[[presets]]\nname = 1\n')
    with pytest.raises(ConfigError) as caught:
        run("site")
    found = [(problem.where, problem.option) for problem in caught.value.problems]
    assert sorted(found, key=lambda each: int(each[0].split(":")[1])) == [
        ("webllm.toml:1: ", "titel"),
        ("webllm.toml:2: ", "kv"),
        ("webllm.toml:3: ", "cpu"),
        ("webllm.toml:6: ", "colors.light.accent"),
        ("webllm.toml:7: ", "colors.light.text"),
        ("webllm.toml:9: ", "presets[1].text"),
        ("webllm.toml:10: ", "presets[1].name"),
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"title = ", "is not TOML: Invalid value"),
        (b'title = "a"\ntitle = "b"', "Cannot overwrite"),
        (b"title = 'a\xff'", "(?s)is not UTF-8.*at byte 10.*Save it as UTF-8"),
        ("title = 'a'".encode("utf-16"), "Save it as UTF-8"),
        (b"x = " + b"[" * 100_000, "nested too deeply|not TOML"),
        (b"x = " + b"9" * 5000, "not TOML"),
        (b"x" + b".a" * 100_000 + b" = 1", "nested too deeply"),
        (b"[x" + b".a" * 100_000 + b"]", "nested too deeply"),
        (b"#" * (MAX_BYTES + 1), "more than 256 KiB"),
    ],
)
def test_what_is_no_toml_is_said(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "webllm.toml"
    path.write_bytes(data)
    with pytest.raises(ConfigFileError, match=message):
        read_config(path)


def test_a_file_of_mistakes_alone_is_answered_shortly(write: Callable[[str], Path]) -> None:
    file = read_config(write("".join(f"{'k' * 100}{number} = 1\n" for number in range(2000))))
    assert len(file.problems) == 20
    assert all(len(str(problem)) < 1000 for problem in file.problems)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError, match="cannot be read"):
        read_config(tmp_path)


def test_files_of_windows_are_read(write: Callable[[str], Path]) -> None:
    path = write("")
    path.write_bytes('\ufefftitle = "Größe"\r\ncpu = 5\r\n'.encode())
    file = read_config(path)
    assert file.values == {"title": "Größe"}
    assert [problem.where for problem in file.problems] == ["webllm.toml:2: "]


def test_lines_are_found_behind_texts_of_many_lines(write: Callable[[str], Path]) -> None:
    file = read_config(write('system-prompt = """\ntitle = "no"\n[colors]\n"""\nsuggestions = [\n  "kv = 1",\n]\n"kv" = "q9"\n'))
    assert {name: file.lines[name] for name in ("system-prompt", "suggestions", "kv")} == {"system-prompt": 1, "suggestions": 5, "kv": 8}
    assert "title" not in file.lines


def test_a_value_of_any_type_is_said_and_never_raised(write: Callable[[str], Path]) -> None:
    values = ["1", "1.5", "nan", "true", '"x"', "[]", "[1]", '["x"]', "{}", "{a = 1}", "[{}]", "[{a = 1}]", "1979-05-27", "[[[]]]"]
    for name in options():
        for value in values:
            file = read_config(write(f"{key(name)} = {value}"))
            assert isinstance(file, ConfigFile)
            problems(BuildRequest("site", **file.values))


def test_the_example_of_the_readme_is_right(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    example = readme.split("```toml\n")[1].split("```")[0]
    (tmp_path / "ada.svg").write_text(SVG)
    (tmp_path / "webllm.toml").write_text(example, "utf-8")
    file = read_config(tmp_path / "webllm.toml")
    assert file.problems == problems(BuildRequest("site", **file.values)) == ()
    assert {"logo", "colors", "presets", "suggestions", "system_prompt"} <= file.values.keys()


def test_only_fields_that_are_options_can_be_said() -> None:
    assert {item.name for item in fields(BuildRequest)} - set(options()) == {"kind", "own"}
    assert all(shape_of(of_type).item in (str, int, bool, Path, Logo, Colors, Preset) for of_type, _ in options().values())


def test_the_command_says_which_file_it_read(
    write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write('titel = "x"')
    monkeypatch.setattr(sys, "argv", ["webllm-build", "site"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 1
    assert capsys.readouterr().err == (
        "Options of webllm.toml\nError: 1 option does not fit:\n  webllm.toml:1: titel = 'x': expected a known key. Did you mean title?\n"
    )
