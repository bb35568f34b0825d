"""The command line: options are the request's fields, mistakes get one clear answer, starting is quick."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import tiny_models
import typer.main
from tiny_models import hugging_face_weights, write_gguf
from typer.core import TyperGroup

from package_sample import ASKED, sample_model
from tiny_vision import write_tiny_smolvlm
from webllm_build import __version__, build, cli, inspection
from webllm_build.commands.build import run_build
from webllm_build.config import BuildRequest, key, options
from webllm_build.inspection import inspect
from webllm_build.option import Kind, shape_of
from webllm_build.package.places import BUNDLED, Places
from webllm_build.progress import Silent
from webllm_build.quantize import SCHEMES
from webllm_build.quantize.loss import LOSSES
from webllm_build.quantize.pack import is_quantized, is_repacked
from webllm_build.source.checkpoint import ENCODINGS, is_decodable

Run = Callable[..., "Done"]
ELSEWHERE = Places(("https://a.org/w/",), "weights")
TINY = Path(__file__).resolve().parents[1] / "fixtures" / "tiny-llama"


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Runs the command in this process: starting a new one for each case would take longer than all of them."""
    monkeypatch.setenv("TERM", "dumb")

    def run_here(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["webllm-build", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        shown = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return Done(left.value.code, shown.out, shown.err)

    return run_here


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[BuildRequest]:
    asked: list[BuildRequest] = []
    monkeypatch.setattr("webllm_build.commands.build.run_build", asked.append)
    return asked


def test_options_become_a_request(requests: list[BuildRequest], tmp_path: Path) -> None:
    template, text = tmp_path / "t.jinja", tmp_path / "c.txt"
    template.write_text("{{ messages }}", "utf-8")
    text.write_text("Grüße", "utf-8")
    line = (
        f"site --model m --out {tmp_path} --quantization q8 --kv q8 --context-length 1024 --prefill-chunk 128 --title T "
        "--weights url:https://a.org --variant f16 --variant f32 --toolchain emscripten "
        f"--debug-dump ir --cache-dir c --chat-template {template} --calibrate {text}"
    )
    cli.app(line.split(), standalone_mode=False)
    assert requests == [
        BuildRequest(
            kind="site",
            models=("m",),
            out=tmp_path,
            quantization="q8",
            kv="q8",
            context_length=1024,
            prefill_chunk=128,
            weights=("url:https://a.org",),
            title="T",
            variants=("f16", "f32"),
            toolchain="emscripten",
            debug_dump=Path("ir"),
            cache_dir=Path("c"),
            chat_template="{{ messages }}",
            calibrate="Grüße",
        )
    ]


@pytest.mark.parametrize("kind", ["site", "npm"])
def test_without_options_the_defaults_hold(requests: list[BuildRequest], kind: str) -> None:
    cli.app([kind], standalone_mode=False)
    assert requests == [BuildRequest(kind="site" if kind == "site" else "npm")]


@pytest.mark.parametrize(
    ("kind", "places", "words", "absent"),
    [
        ("site", BUNDLED, ["webllm-build serve out"], "Upload"),
        ("site", ELSEWHERE, ["Upload out/weights to https://a.org/w/;", "webllm-build serve out"], "createEngine"),
        ("npm", BUNDLED, ["npm install out"], "Upload"),
        ("npm", ELSEWHERE, ["Upload out/weights to https://a.org/w/;", "npm install out"], "createEngine"),
        ("npm", ASKED, ["Upload out/weights to any static host or CDN", 'createEngine({ weights: "https://..." })'], "Error"),
    ],
)
def test_the_last_lines_say_what_to_do_with_the_result(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    kind: Kind,
    places: Places,
    words: list[str],
    absent: str,
) -> None:
    bundle = build.Bundle(Path("out"), (sample_model(tmp_path).manifest(),), places)
    monkeypatch.setattr(build, "build", lambda request, progress: bundle)
    run_build(BuildRequest(kind=kind))
    shown = capsys.readouterr().err
    assert all(word in shown for word in words)
    assert absent not in shown


def test_every_field_is_an_option_of_a_command(run: Run) -> None:
    shown = run("site", "--help").stdout + run("npm", "--help").stdout
    for name, (of_type, option) in options().items():
        assert shape_of(of_type).is_table or (option.flag or "--" + key(name)) in shown


def test_every_option_that_is_written_of_exists(run: Run) -> None:
    """In the code of what users read, but for options of other programs."""
    root = Path(__file__).parents[2]
    texts = [(root / name).read_text("utf-8") for name in ("README.md", "CHANGELOG.md", "ARCHITECTURE.md")]
    code = [span for text in texts for span in re.findall(r"`([^`\n]+)`|^ {4}(.+)$", text, re.MULTILINE)]
    spans = [span for pair in code for span in pair if not re.match(r"(cd \S+ && )?(npm|node|pip|python|make|git|gh|hf) ", span)]
    named = {flag for span in spans for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]+", span)}
    commands = ("site", "npm", "serve", "chat", "bench", "inspect", "check", "doctor", "init", "upload", "publish")
    shown = " ".join(run(command, "--help").stdout for command in commands) + run("--help").stdout
    assert {"--model", "--no-cpu"} <= named
    assert named <= set(re.findall(r"--[a-z][a-z0-9-]+", shown))


def test_every_help_has_examples_that_can_be_typed() -> None:
    group = typer.main.get_command(cli.app)
    assert isinstance(group, TyperGroup)
    for name, command in group.commands.items():
        examples = [shlex.split(line) for line in (command.help or "").splitlines() if line.strip().startswith("webllm-build ")]
        assert name in [example[1] for example in examples]
        for _, other, *words in examples:
            group.commands[other].make_context(other, words)


def test_every_code_of_an_error_is_explained() -> None:
    root = Path(__file__).parents[2]
    source = (root / "runtime_js" / "src" / "support" / "errors.ts").read_text("utf-8")
    (listed,) = re.findall(r"ERROR_CLASSES = \{(.*?)\n\}", source, re.DOTALL)
    rows = "".join(re.findall(r"^\| (`.*?) \|", (root / "README.md").read_text("utf-8"), re.MULTILINE))
    codes = set(re.findall(r"^  (\w+): ", listed, re.MULTILINE))
    assert len(codes) > 15
    assert codes <= set(re.findall(r"`(\w+)`", rows))


def test_a_switch_can_be_turned_off(requests: list[BuildRequest]) -> None:
    cli.app(["site", "--no-cpu", "--no-threads"], standalone_mode=False)
    assert requests == [BuildRequest(kind="site", cpu=False, threads=False)]


def test_help_does_not_import_the_compiler() -> None:
    code = "import sys; from webllm_build import cli; assert not {'tvm', 'gguf', 'huggingface_hub', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_inspects_does_not_import_the_compiler() -> None:
    code = "import sys; from webllm_build import inspection; assert 'tvm' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_version_is_shown() -> None:
    done = subprocess.run([sys.executable, "-m", "webllm_build", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"webllm-build {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["site", "--modle", "x"], "--model"),
        (["sight"], "site"),
        (["site", "--context-length", "many"], "--context-length"),
        (["serve", "--port", "99999"], "65535"),
        (["site", "--chat-template", "none.jinja"], "none.jinja"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_hint(run: Run, arguments: list[str], words: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert words in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a folder that a process is in cannot be removed there")
def test_a_folder_that_is_gone_is_told(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    done = run("site", "--out", "dist")
    assert done.returncode == 1 and "is gone" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["site", "--model", "smolm2-135m"], ["smolm2-135m", "Did you mean smollm2-135m?"]),
        (["site", "--quantization", "q5", "--toolchain", "gcc"], ["2 options", "quantization", "toolchain"]),
        (["npm", "--model", "none.gguf"], ["none.gguf does not exist"]),
        (["inspect", "nothing-like-it"], ["nothing-like-it", "Known names"]),
        (["site", "--model", "x" * 5000], ["cannot be read", "--model"]),
        (["inspect", "x" * 5000], ["cannot be read", "--model"]),
        (["site", "--out", "x" * 300], ["cannot be written", "--out"]),
        (["npm", "--package-name", "Foo (8B)", "--package-version", "1"], ["2 options", "package-name", "package-version"]),
        (["site", "--cache-dir", "dist/cache"], ["cache-dir", "outside of --out"]),
        (["site", "--debug-dump", "dist"], ["debug-dump", "outside of --out"]),
        (["site", "--out=~no-such-user/x"], ["out", "no user of that name"]),
        (["inspect", "~no-such-user/x"], ["model", "no user of that name"]),
        (["site", "--model=~no-such-user"], ["model", "no user of that name"]),
        (["site", "--title", "x" * 513], ["title", "at most 512"]),
        (["npm", "--package-name", "node_modules"], ["package-name"]),
        (["inspect", "https://huggingface.co/org/name/tree/main"], ["hf:org/name"]),
        (["inspect", "https://huggingface.co/org/name/blob/main/some/q4.gguf?download=true"], ["hf:org/name/some/q4.gguf."]),
        (["inspect", "https://example.org/model.gguf"], ["is an address", "Download"]),
        (["inspect", str(TINY / "config.json")], ["is a part of a model", f"--model {TINY}"]),
        (["inspect", str(TINY / "model.safetensors")], ["is a part of a model", f"--model {TINY}"]),
        (["inspect", os.devnull], ["neither a file nor a folder"]),
        (["serve", "x" * 5000], ["no index.html"]),
        (["bench", "x" * 5000], ["no bench.html"]),
        (["serve", "nowhere"], ["no index.html", "webllm-build site"]),
    ],
)
def test_a_users_mistake_ends_with_1_and_no_traceback(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr
    assert list(tmp_path.iterdir()) == []


SLOW = """
import sys, time
from webllm_build import cli, recipe

def wait(*_):
    print("waiting", flush=True)
    time.sleep(60)

recipe.open_checkpoint = wait
sys.argv = ["webllm-build", "site", *sys.argv[1:]]
cli.main()
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_build_says_so_and_leaves_nothing(tmp_path: Path, number: signal.Signals, code: int) -> None:
    command = [sys.executable, "-c", SLOW, "--out", str(tmp_path / "new" / "out"), "--cache-dir", str(tmp_path / "cache")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        assert (tmp_path / "new" / "out").is_dir()
        process.send_signal(number)
        _, said = process.communicate()
    assert (process.returncode, said.strip()) == (code, "Interrupted.")
    assert [path.name for path in tmp_path.rglob("*")] == ["cache"]


IMPATIENT = """
import sys
from webllm_build.__main__ import main

class Interrupting:
    def find_spec(self, name, *_):
        if name == "typer":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting())
main()
"""


def test_an_interrupt_before_the_first_line_says_so_too() -> None:
    done = subprocess.run([sys.executable, "-c", IMPATIENT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "Interrupted.\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_are_their_owners_again(run: Run, number: signal.Signals) -> None:
    def mine(number: int, frame: object) -> None:
        pass

    before = signal.signal(number, mine)
    try:
        run("inspect", str(TINY))
        assert signal.getsignal(number) is mine
    finally:
        signal.signal(number, before)


def test_another_system_is_told_where_it_runs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "sunos5")
    done = run("site")
    assert done.returncode == 1
    assert done.stderr == "Error: webllm-build does not run on sunos5\nIt runs on Linux, macOS and Windows.\n"


def test_the_first_import_of_the_command_needs_no_unix() -> None:
    """Else the answer on another system would be a traceback."""
    code = "import sys; sys.modules['fcntl'] = None; from webllm_build import cli"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_output_folder_that_is_not_ours_is_left_alone(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("dear")
    done = run("site", "--model", str(TINY), "--out", str(out))
    assert done.returncode == 1
    assert "was not written by webllm-build" in done.stderr
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "thesis.tex"]


@pytest.mark.parametrize(("model", "words"), [("folder", "tiny-llama"), ("gguf", "Tiny")])
def test_inspect_describes_a_model(run: Run, tmp_path: Path, model: str, words: str) -> None:
    path = TINY if model == "folder" else write_gguf(tmp_path / "tiny.gguf", hugging_face_weights(), encoding="q8_0")
    done = run("inspect", str(path), "--context-length", "100")
    assert done.returncode == 0, done.stderr
    lines = dict(line.split(":", 1) for line in done.stdout.splitlines())
    assert lines["Model"].strip() == words
    if model == "gguf":
        weights = hugging_face_weights()
        assert lines["Parameters"].strip() == f"{sum(weight.size for weight in weights.values()):,}"
        matrices = sum(weight.size for weight in weights.values() if weight.ndim == 2)
        vectors = sum(weight.size for weight in weights.values() if weight.ndim == 1)
        assert f"{matrices * 34 / 32 / 1e3:.1f} kB in q8, {vectors * 4 / 1e3:.1f} kB in f32" in lines["Weights"]
        # 7 pages of 16 tokens in 2 layers: keys and values of 2 heads of 32 float16
        cache = 7 * 16 * 2 * 2 * 2 * 32 * 2
        assert f"at 100 tokens, of it {cache / 1e3:.1f} kB cache" in lines["Memory (f16-sg-int8, f16-int8, f16-sg, f16)"]


def test_inspect_says_what_is_encoded_again(run: Run, tmp_path: Path) -> None:
    path = str(write_gguf(tmp_path / "tiny.gguf", hugging_face_weights(), encoding="q5_1"))
    matrices = sum(weight.ndim == 2 for weight in hugging_face_weights().values())
    lines = dict(line.split(":", 1) for line in run("inspect", path).stdout.splitlines())
    assert lines["Encoded again"].strip() == f"{matrices} in q5_1 as q8 (error 0.4% of the weights)"
    lines = dict(line.split(":", 1) for line in run("inspect", path, "--quantization", "q4").stdout.splitlines())
    assert lines["Encoded again"].strip() == f"{matrices} in q5_1 as q4 (error 6.0% of the weights)"
    kept = str(write_gguf(tmp_path / "kept.gguf", hugging_face_weights(), encoding="q8_0"))
    assert "Encoded again" not in run("inspect", kept).stdout


def test_inspect_says_of_each_encoding_whether_it_is_kept_or_what_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All encodings that llama.cpp writes, of rows that all of their blocks divide; of tokenizers, which are alike, none is tried."""
    monkeypatch.setattr(inspection, "check_tokenizer", lambda *given, **others: None)
    for name, size in {"HIDDEN": 256, "HEADS": 8, "FEED_FORWARD": 512}.items():
        monkeypatch.setattr(tiny_models, name, size)
    weights = hugging_face_weights()
    for encoding in filter(is_quantized, filter(is_decodable, ENCODINGS)):
        path = write_gguf(tmp_path / f"{encoding}.gguf", weights, encoding=encoding, zeros=True)
        (lines,) = map(dict, inspect(BuildRequest(kind="site", models=(str(path),), cache_dir=tmp_path / "cache"), Silent()))
        scheme = lines["Weights"].split(" in ")[1].split(",")[0]
        if is_repacked(encoding, SCHEMES[scheme]):
            assert "Encoded again" not in lines, encoding
        else:
            assert f"in {encoding} as {scheme} (error {LOSSES[scheme][encoding]:.1%} of the weights)" in lines["Encoded again"]
        path.unlink()


def test_inspect_counts_what_sees(tmp_path: Path) -> None:
    write_tiny_smolvlm(tmp_path / "model")

    def memory(vision: bool) -> tuple[float, str]:
        request = BuildRequest(kind="site", models=(str(tmp_path / "model"),), cache_dir=tmp_path / "cache", vision=vision)
        (lines,) = map(dict, inspect(request, Silent()))
        size, unit, *_ = lines["Memory (f32-sg-int8, f32-int8, f32-sg, f32)"].split()
        return float(size) * {"kB": 1e3, "MB": 1e6}[unit], lines.get("Pictures", "")

    (seeing, pictures), (blind, nothing) = memory(True), memory(False)
    size, unit, *_ = pictures.split()
    assert nothing == "" and unit == "kB" and abs(seeing - blind - 1e3 * float(size)) < 200


def test_inspect_says_what_would_stop_a_build(tmp_path: Path, run: Run) -> None:
    folder = Path(shutil.copytree(TINY, tmp_path / "model"))
    assert "Stops a build" not in run("inspect", str(folder)).stdout
    (folder / "chat_template.jinja").write_text("{{ messages | frobnicate }}", "utf-8")
    lines = dict(line.split(":", 1) for line in run("inspect", str(folder)).stdout.splitlines())
    assert "frobnicate" in lines["Stops a build"] and "Memory (f32-sg-int8, f32-int8, f32-sg, f32)" in lines


def test_inspect_tells_what_other_options_would_give(run: Run) -> None:
    weights = {}
    for quantization in ("q4", "q8"):
        done = run("inspect", str(TINY), "--quantization", quantization, "--kv", "q8", "--context-length", "100")
        assert done.returncode == 0, done.stderr
        lines = dict(line.split(":", 1) for line in done.stdout.splitlines())
        weights[quantization] = lines["Weights"]
        # 7 pages of 16 tokens in 2 layers: keys and values of 2 heads of 32 bytes with a scale
        assert f"of it {7 * 16 * 2 * 2 * 2 * (32 + 4) / 1e3:.1f} kB cache" in done.stdout
    assert "in q4, " in weights["q4"]
    assert "in q8, " in weights["q8"]
    assert "q4" not in weights["q8"]
    assert "Did you mean q4" in run("inspect", str(TINY), "--quantization", "q44").stderr


def test_names_are_shown_on_terminals_that_lack_their_letters(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(TINY, tmp_path / "Größe"))
    command = [sys.executable, "-m", "webllm_build", "inspect", str(folder)]
    done = subprocess.run(command, env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Gr\\xf6\\xdfe" in done.stdout


def test_inspect_refuses_a_context_that_the_model_does_not_have(run: Run) -> None:
    done = run("inspect", str(TINY), "--context-length", "100000")
    assert done.returncode == 1
    assert "at most 512 tokens" in done.stderr
