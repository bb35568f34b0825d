"""Changes one place of the builder at a time, and tells which changes no test notices.

    python tests/fuzz/mutants.py --rooms source quantize --mutants 50 --seed 1 [--tests tests/null ...]
    python tests/fuzz/mutants.py --rooms source --only source/names.py:14:3

Tests run in a copy of the checkout, in a process for each mutant, and only those that came to its line before. A mutant is caught where
one of them fails, or where they take five times as long. Those that survive are for reading: each is a test that is missing, or a line that
need not be.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import inspect
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILDER = Path("builder/webllm_build")
PLAN = ("plan", "walk", "memory", "kv_layout", "launch", "computed", "verify", "io", "export", "tiles", "target")
COMPARED = {"==": "!=", "<": "<=", ">": ">=", "in": "not in", "is": "is not"}
OPERATORS = {"+": "-", "*": "+", "//": "*", "/": "*", "%": "*", "<<": ">>", "&": "|", "**": "*"}
SWAPPED = {"min": "max", "any": "all", "startswith": "endswith", "sorted": "list", "lstrip": "rstrip", "floor": "ceil"}
EITHER_WAY = {**{f" {a} ": f" {b} " for table in (COMPARED, OPERATORS) for a, b in table.items()}, **SWAPPED}
EITHER_WAY |= {b: a for a, b in EITHER_WAY.items() if a not in (" * ", " / ", " % ", " ** ")}
MOST_SECONDS = 30  # of a mutant's tests, the quickest first
# What a process that tests start comes to. It lies on the copy's path, and notes lines where there is a folder for them.
OF_PROCESSES = """
import atexit, inspect, json, os, sys, threading
builder = os.path.dirname(os.path.abspath(__file__))
notes, test = os.path.join(os.path.dirname(builder), "lines"), os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
if test and os.path.isdir(notes):
    prefix, seen = os.path.join(builder, "webllm_build", ""), {}
    def local(frame, event, _):
        seen.setdefault(frame.f_code.co_filename[len(prefix):], set()).add(frame.f_lineno)
        return local
    def trace(frame, event, _):
        code = frame.f_code
        return local(frame, event, _) if code.co_filename.startswith(prefix) and code.co_flags & inspect.CO_OPTIMIZED else None
    def keep():
        with open(os.path.join(notes, str(os.getpid())), "w") as file:
            json.dump([test, {name: sorted(lines) for name, lines in seen.items()}], file)
    atexit.register(keep)
    sys.settrace(trace)
    threading.settrace(trace)
"""
# What runs apart from that path has the tests of what starts it.
ELSEWHERE = {"source/tokenizer_child.py": "source/tokenizer_process.py"}


@dataclass(frozen=True)
class Mutant:
    """start, end: bytes of the file."""

    file: str
    line: int
    start: int
    end: int
    text: str

    def applied(self, source: bytes) -> bytes:
        return source[: self.start] + self.text.encode() + source[self.end :]


class Mutants(ast.NodeVisitor):
    """All of a file. Words of errors, annotations and docstrings stay as they are."""

    def __init__(self, file: str, source: bytes) -> None:
        self.file, self.source, self.found = file, source, list[Mutant]()
        self._lines = [0, *(at + 1 for at, byte in enumerate(source) if byte == 10)]
        self.visit(ast.parse(source))

    def _span(self, node: Any) -> tuple[int, int]:
        return self._lines[node.lineno - 1] + node.col_offset, self._lines[node.end_lineno - 1] + node.end_col_offset

    def _put(self, node: Any, text: str, start: int | None = None, end: int | None = None) -> None:
        begin, until = self._span(node)
        begin, until = (begin if start is None else start), (until if end is None else end)
        line = self.source.count(b"\n", 0, begin) + 1
        self.found.append(Mutant(self.file, line, begin, until, text))

    def _between(self, node: Any, left: ast.AST, right: ast.AST) -> None:
        """The operator between two operands."""
        start, end = self._span(left)[1], self._span(right)[0]
        here = self.source[start:end].decode()
        other = EITHER_WAY.get(f" {here.strip(' ()')} ")
        if other is not None:
            self._put(node, here.replace(here.strip(" ()"), other.strip()), start, end)

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Raise):
            self._put(node, "pass")
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self.visit(node.value)
        elif not isinstance(node, (ast.JoinedStr, ast.arg, ast.Import, ast.ImportFrom)):
            super().visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for part in (*node.args.defaults, *(part for part in node.args.kw_defaults if part), *node.body):
            self.visit(part)

    def visit_Compare(self, node: ast.Compare) -> None:
        for left, right in zip([node.left, *node.comparators], node.comparators, strict=False):
            self._between(node, left, right)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self._between(node, node.left, node.right)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for drop in node.values if len(node.values) > 1 else ():
            word = " and " if isinstance(node.op, ast.And) else " or "
            self._put(node, f"({word.join(f'({ast.unparse(value)})' for value in node.values if value is not drop)})")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        self._put(node, f"({ast.unparse(node.operand)})")
        if not isinstance(node.operand, ast.Constant):
            self.visit(node.operand)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self._put(node, str(not value))
        elif isinstance(value, (int, float)):
            self._put(node, f"({value!r} + 1)")
        elif isinstance(value, str) and value:
            self._put(node, '"XX"')

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return
        self._put(node, "pass")
        self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
            self._put(node, "return None")
            self.visit(node.value)

    def visit_If(self, node: ast.If | ast.IfExp) -> None:
        for fixed in ("True", "False"):
            self._put(node.test, fixed)
        self.generic_visit(node)

    visit_IfExp = visit_If

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in EITHER_WAY:
            self._put(node, EITHER_WAY[node.id])

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name.endswith(("Error", "Warning", "warn", "TypeVar", "getLogger")):
            return
        if isinstance(node.func, ast.Attribute) and name in EITHER_WAY:
            self._put(node, EITHER_WAY[name], self._span(node.func)[1] - len(name), self._span(node.func)[1])
        self.generic_visit(node)


class Lines:
    """A plugin of pytest's: which tests come to which lines of the files, and what each takes."""

    def __init__(self, folder: Path, files: set[str]) -> None:
        self.seen: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()
        self._prefix, self._files, self._test = f"{folder / BUILDER}{os.sep}", files, ""

    def _trace(self, frame: FrameType, event: str, _: object) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(self._prefix) or name[len(self._prefix) :] not in self._files:
            return None
        if not frame.f_code.co_flags & inspect.CO_OPTIMIZED:  # a module's own code or a class's, which whoever comes first runs for all
            return None
        lines, test = self.seen[name[len(self._prefix) :]], self._test
        lines[frame.f_lineno].add(test)

        def local(inner: FrameType, event: str, _: object) -> Any:
            lines[inner.f_lineno].add(test)
            return local

        return local

    def add(self, notes: Path) -> None:
        """Of the processes that tests started."""
        for note in notes.iterdir():
            test, files = json.loads(note.read_text())
            for file in self._files & files.keys():
                for line in files[file]:
                    self.seen[file][line].add(test)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._test, began = item.nodeid, time.process_time()
        sys.settrace(self._trace)
        threading.settrace(self._trace)
        yield
        sys.settrace(None)
        threading.settrace(None)
        self.seconds[item.nodeid] = time.process_time() - began

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed or report.skipped:
            self.failed.add(report.nodeid)


def in_a_child(folder: Path, arguments: list[str], seconds: int, plugin: Lines | None = None) -> tuple[int, dict[str, Any]]:
    """pytest's exit status in a process of its own, 0 where all passed; and what the plugin noted. seconds: of a processor."""
    note = folder / "note.json"
    child = os.fork()
    if child == 0:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        os.chdir(folder)
        with (folder / "log.txt").open("w") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        status = int(pytest.main([*arguments, "-q", "-p", "no:cacheprovider"], plugins=[plugin] if plugin else []))
        if plugin:
            plugin.add(folder / "lines")
            seen = {file: {line: sorted(tests) for line, tests in lines.items()} for file, lines in plugin.seen.items()}
            note.write_text(json.dumps({"seen": seen, "seconds": plugin.seconds, "failed": sorted(plugin.failed)}))
        os._exit(status)
    until = time.monotonic() + 30 * seconds
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status), json.loads(note.read_text()) if plugin else {}
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -signal.SIGKILL, {}


def tests_of(mutant: Mutant, known: dict[str, Any]) -> list[str]:
    """Quickest first. A line that is read when a module is loaded belongs to all tests that come into the file, or whose files name it."""
    lines = known["seen"].get(ELSEWHERE.get(mutant.file, mutant.file), {})
    tests = set(lines.get(str(mutant.line), ()) if mutant.file not in ELSEWHERE else ()) or set().union(*lines.values())
    if not lines:
        module = mutant.file.removesuffix(".py").replace("/", ".")
        tests = {test for test in known["seconds"] if f"webllm_build.{module} " in (ROOT / test.partition("::")[0]).read_text("utf-8")}
    found, total = list[str](), 0.0
    for test in sorted(tests - set(known["failed"]), key=lambda test: known["seconds"].get(test, 0.0)):
        total += known["seconds"].get(test, 0.0)
        if total <= MOST_SECONDS or not found:
            found.append(test)
    return found


def files_of(room: str) -> list[str]:
    if room == "plan":
        return [f"compile/{name}.py" for name in PLAN]
    return sorted(f"{room}/{path.name}" for path in (ROOT / BUILDER / room).glob("*.py"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", nargs="+", choices=("source", "quantize", "plan"), default=["source", "quantize", "plan"])
    parser.add_argument("--mutants", type=int, default=50, help="of each room")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tests", nargs="+", default=["tests/null"])
    parser.add_argument("--only", nargs="+", help="FILE:LINE:NUMBER of those that survived")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.folder is not None:
        return campaign(given.folder, given)
    folder = Path(tempfile.mkdtemp(prefix="webllm-mutants-"))
    try:
        names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
        built = [path for place in ("runtime_js/dist", "wasm_support/build") for path in (ROOT / place).rglob("*") if path.is_file()]
        for name in filter(None, [*names, *(str(path.relative_to(ROOT)) for path in built)]):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
        (folder / "runtime_js/node_modules").symlink_to(ROOT / "runtime_js/node_modules")
        (folder / "builder/sitecustomize.py").write_text(OF_PROCESSES)
        again = [sys.executable, __file__, *sys.argv[1:], "--folder", str(folder)]
        return subprocess.run(again, env={**os.environ, "PYTHONPATH": str(folder / "builder")}, check=False).returncode
    finally:
        shutil.rmtree(folder)


def campaign(folder: Path, given: argparse.Namespace) -> int:
    import gguf, hypothesis, numpy, tokenizers, tvm  # noqa: E401, F401, I001  # once, not once a mutant
    rooms = {room: files_of(room) for room in given.rooms}
    (folder / "lines").mkdir()
    _, known = in_a_child(folder, given.tests, 3600, Lines(folder, {file for files in rooms.values() for file in files}))
    shutil.rmtree(folder / "lines")
    print(f"{len(known['seconds'])} tests, {len(known['failed'])} failed or were skipped", flush=True)
    for room, files in rooms.items():
        every = [mutant for file in files for mutant in Mutants(file, (ROOT / BUILDER / file).read_bytes()).found]
        numbered = {f"{mutant.file}:{mutant.line}:{number}": mutant for number, mutant in enumerate(every)}
        chosen = given.only or Random(given.seed).sample(sorted(numbered), min(given.mutants, len(numbered)))
        ends = Counter[str]()
        for name in chosen:
            if name not in numbered:
                continue
            end = play(folder, numbered[name], tests_of(numbered[name], known), known)
            ends[end.split(" ", 1)[0]] += 1
            if end != "caught":
                print(shown(name, numbered[name], f"{end}, {ends['caught']} caught so far"), flush=True)
        tried = sum(ends.values()) - ends["invalid"]
        percent, used = 100 * ends["caught"] / max(tried, 1), sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
        print(f"{room}: {tried} of {len(every)} mutants, {dict(ends)}, {percent:.0f} % caught; {used:.0f} s so far", flush=True)
    return 0


def play(folder: Path, mutant: Mutant, tests: list[str], known: dict[str, Any]) -> str:
    path = folder / BUILDER / mutant.file
    source = (ROOT / BUILDER / mutant.file).read_bytes()
    try:
        same = ast.dump(ast.parse(mutant.applied(source))) == ast.dump(ast.parse(source))
    except SyntaxError:
        same = True
    if same:
        return "invalid"
    if not tests:
        return "unreached"
    path.write_bytes(mutant.applied(source))
    try:
        seconds = 20 + int(5 * sum(known["seconds"].get(test, 0.0) for test in tests))
        status, _ = in_a_child(folder, ["-x", *tests], seconds)
    finally:
        path.write_bytes(source)
    return "caught" if status != 0 else f"survived {len(tests)} tests"


def shown(name: str, mutant: Mutant, end: str) -> str:
    source = (ROOT / BUILDER / mutant.file).read_bytes()
    start = source.rfind(b"\n", 0, mutant.start) + 1
    stop = source.find(b"\n", mutant.end)
    changed = mutant.applied(source)[start : stop + len(mutant.applied(source)) - len(source)]
    both = [f"  {mark} {line}" for mark, text in (("-", source[start:stop]), ("+", changed)) for line in text.decode().splitlines()]
    return "\n".join(["", f"{name} {end}", *both])


if __name__ == "__main__":
    sys.exit(main())
