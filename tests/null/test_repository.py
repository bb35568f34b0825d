"""Rules of the repository that no other tool checks."""

from __future__ import annotations

import ast
import builtins
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "builder" / "webllm_build"

# A folder imports only folders that stand before it.
FOLDERS = ("source", "model", "quantize", "compile", "package")
# These use all folders, so no folder may use them.
PROGRAM = {
    *("__main__", "bench", "build", "chat", "chromium", "cli", "commands", "doctor"),
    *("find_weights", "inspection", "library", "publish", "recipe", "serve", "tokenizer_check", "upload", "weights"),
}
WITHOUT_TVM = ("source", "model", "quantize", "package")

# The same for the rooms of the runtime. A loose file at their root, the package's entry, may import all of them.
RUNTIME = ROOT / "runtime_js" / "src"
ROOMS = (
    *("support", "formats", "media", "storage", "tokenizer", "executor", "engine", "api", "transport", "endpoint", "shared"),
    *("webllm", "hybrid", "view", "adapters", "node", "page", "service-worker", "bench", "app"),
)

MAX_LINES = 450
USUAL_LINES = 150  # at most half of all files are longer
MAX_BYTES = 900_000
# Written so that this file does not match itself.
FORBIDDEN = {
    "a path of one machine": r"(?<![\w.])/(?:work|opt|tmp|root)/",
    "a number of a tracker": r"\b[Ii]ssue #?\d",
    "work left undone": r"\b(?:TO[D]O|FIX[M]E|X[X]X)\b",
}
GIVEN_UP_TYPES = r"(: any\b|\bas any\b|<any>|@ts-ignore|@ts-expect-error|as unknown as)"


def tracked(*patterns: str) -> list[Path]:
    names = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in names.split("\0") if name and (path := ROOT / name).is_file()]


def imports(path: Path) -> Iterator[tuple[str, ...]]:
    """Absolute module names that a file of the package imports, split at the dots."""
    here = ("webllm_build", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else ()
            module = (*base, *(node.module.split(".") if node.module else ()))
            # `from . import x` imports the module x
            yield from ((*module, alias.name) for alias in node.names)


@pytest.mark.parametrize("folder", FOLDERS)
def test_layers(folder: str) -> None:
    later = set(FOLDERS[FOLDERS.index(folder) + 1 :]) | PROGRAM
    files = list((PACKAGE / folder).rglob("*.py"))
    assert files
    for path in files:
        for module in imports(path):
            wrong = module[0] == "webllm_build" and len(module) > 1 and module[1] in later
            assert not wrong, f"{path.relative_to(ROOT)} imports {'.'.join(module)}"
            assert not (folder in WITHOUT_TVM and module[0] == "tvm"), f"{path.relative_to(ROOT)} imports tvm"


def test_every_folder_has_a_place() -> None:
    found = {path.parent.relative_to(PACKAGE).parts[0] for path in PACKAGE.glob("*/**/*.py")}
    assert found == {*FOLDERS, "commands"}


def module_file(module: tuple[str, ...]) -> Path | None:
    """The file of the package that a module, or a name in one, lies in."""
    for parts in (module, module[:-1]):
        path = PACKAGE.joinpath(*parts[1:])
        if parts[:1] == ("webllm_build",) and (found := [at for at in (path.with_suffix(".py"), path / "__init__.py") if at.is_file()]):
            return found[0]
    return None


def typescript_imports(path: Path) -> Iterator[Path]:
    """Files that a file of the runtime imports, be it for types alone; not what it fetches when it is wanted."""
    for name in re.findall(r"""from ["']([.][^"']*)["']""", path.read_text("utf-8")):
        yield (path.parent / name).resolve()


def python_graph() -> dict[Path, set[Path]]:
    return {path: {file for module in imports(path) if (file := module_file(module)) not in (None, path)} for path in PACKAGE.rglob("*.py")}


def typescript_graph() -> dict[Path, set[Path]]:
    return {path: set(typescript_imports(path)) for path in RUNTIME.rglob("*.ts")}


@pytest.mark.parametrize("graph_of", [python_graph, typescript_graph])
def test_no_imports_in_circles(graph_of: Callable[[], dict[Path, set[Path]]]) -> None:
    graph = graph_of()
    assert sum(map(len, graph.values())) > 1000
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(str(path.relative_to(ROOT)) for path in error.args[1]))


def test_rooms_of_the_runtime() -> None:
    """A room imports only rooms before it."""
    assert {path.name for path in RUNTIME.iterdir() if path.is_dir()} == set(ROOMS)
    found = []
    for path in RUNTIME.glob("*/**/*.ts"):
        room = path.relative_to(RUNTIME).parts[0]
        text = path.read_text("utf-8")
        for name in re.findall(r"""(?:from|import)[ (]*["'](?:inline:)?([.][^"']*)["']""", text):
            target = (path.parent / name).resolve().relative_to(RUNTIME)
            if len(target.parts) == 1 or ROOMS.index(target.parts[0]) > ROOMS.index(room):
                found.append(f"{path.relative_to(ROOT)} imports {target}")
    assert found == []


def test_other_pythons_are_started_so_that_they_import_nothing_of_strangers() -> None:
    """`-m` and `-c` look into the folder that one is in first."""
    for path in tracked("builder/**.py"):
        found = re.findall(r'sys\.executable, "-[mc]"', path.read_text("utf-8"))
        assert len(found) == (path.name == "interpreter.py"), path


def test_only_the_command_line_prints() -> None:
    for path in tracked("builder/**.py"):
        if path.name == "cli.py" or path.parent.name == "commands":
            continue
        calls = (node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))
        lines = [call.lineno for call in calls if isinstance(call, ast.Name) and call.id in {"print", "exit", "quit"}]
        assert not lines, f"{path.relative_to(ROOT)}: {lines}"


def test_the_compiler_refuses_by_errors_that_the_command_line_tells() -> None:
    for path in tracked("builder/webllm_build/compile/**.py"):
        raised = (node.exc for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Raise))
        calls = (raising.func for raising in raised if isinstance(raising, ast.Call))
        lines = [call.lineno for call in calls if isinstance(call, ast.Name) and isinstance(getattr(builtins, call.id, None), type)]
        assert not lines, f"{path.relative_to(ROOT)}: {lines}"


def test_words() -> None:
    found = []
    for path in tracked(":!*lock.json", ":!tests/golden/reference", ":!tests/fixtures", ":!LICENSE"):
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            faults = [what for what, pattern in FORBIDDEN.items() if re.search(pattern, line)]
            found += [f"{path.relative_to(ROOT)}:{number}: {what}: {line.strip()}" for what in faults]
    assert not found, "\n".join(found)


def test_typescript_keeps_its_types() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in tracked("runtime_js/src/**.ts")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if re.search(GIVEN_UP_TYPES, line)
    ]
    assert not found, "\n".join(found)


def test_the_runtime_does_without_what_old_browsers_lack() -> None:
    """Beside an old WebGPU: support/abort.ts has what does the same."""
    found = [str(path.relative_to(ROOT)) for path in tracked("runtime_js/src/*.ts") if "AbortSignal.any(" in path.read_text("utf-8")]
    assert not found, found


def test_no_folder_of_tests_is_left_out() -> None:
    listed = re.search(r"^testpaths = (\[.*?\])", (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    apart = {"tests/compat"}  # `make compat`
    assert listed and {*json.loads(listed[1]), *apart} == {str(path.parent.relative_to(ROOT)) for path in tracked("tests/**/test_*.py")}


def test_every_file_of_tests_has_a_name_of_its_own() -> None:
    """pytest and mypy know them by that."""
    files = [path for path in tracked("tests/**.py") if path.name != "conftest.py"]
    assert [path for path, name in ((path, path.name) for path in files) if sum(other.name == name for other in files) > 1] == []


def test_tests_leave_nothing_behind() -> None:
    """No test may depend on which others its process ran before: what is open closes with its module, monkeypatch sets variables."""
    found = []
    for path in tracked("tests/**.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and any("scope='session'" in ast.unparse(name) for name in node.decorator_list):
                found += [f"{path.name}: {node.name} is open for the session" for part in ast.walk(node) if isinstance(part, ast.Yield)]
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith("os.environ"):
                found.append(f"{path.name}: {ast.unparse(node)}")
    assert found == []


def test_files_are_small() -> None:
    kinds = (".py", ".ts", ".js", ".mjs", ".html", ".css", ".cc", ".h")
    code = [path for path in tracked(":!tests/fixtures", ":!sites/*/public") if path.suffix in kinds]
    assert len(code) > 1000
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in code}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}
    assert median(lengths.values()) <= USUAL_LINES
    sizes = {str(path.relative_to(ROOT)): path.stat().st_size for path in tracked()}
    assert {name: size for name, size in sizes.items() if size > MAX_BYTES} == {}
