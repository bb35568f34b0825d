"""What is different on Windows, as far as another system can tell: locks by name, files that are open, encodings, what is not there."""

from __future__ import annotations

import os
import runpy
import signal
import struct
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest

from package_sample import publish_site, sample_model, stub_runtime
from webllm_build import cache as caches, chromium, cli, disk, interpreter, locks, locks_by_name, platforms, signals
from webllm_build.cache import Cache
from webllm_build.errors import OutputFolderError
from webllm_build.package import assets, output
from webllm_build.quantize import native
from webllm_build.source import tokenizer_child, tokenizer_process

PACKAGE = Path(cli.__file__).parent


@pytest.fixture(params=[locks, locks_by_name], ids=["of folders", "by name"])
def kind(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return request.param


def test_locks(kind: ModuleType, tmp_path: Path) -> None:
    folder, file = tmp_path / "folder", tmp_path / "file"
    folder.mkdir()
    file.touch()
    for path in (folder, file):
        with kind.lock(path) as alone:
            assert alone is not None
            assert kind.lock(path) is None
        with kind.lock_shared(path), kind.lock_shared(path):
            assert kind.lock(path) is None
        with kind.lock(path) as again:
            assert again is not None
    for take in (kind.lock, kind.lock_shared):
        with pytest.raises(FileNotFoundError):
            take(tmp_path / "nothing")


def test_a_lock_goes_on_under_another_name(kind: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    held = kind.lock(tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "b")
    held.share(tmp_path / "b")
    assert kind.lock(tmp_path / "b") is None
    kind.lock_shared(tmp_path / "b").release()
    held.release()
    with kind.lock(tmp_path / "b") as alone:
        assert alone is not None


def test_a_lock_ends_with_its_holder(kind: ModuleType, tmp_path: Path) -> None:
    program = f"""
        import pathlib, sys, tempfile, time
        tempfile.tempdir = {str(tmp_path)!r}
        from {kind.__name__} import lock
        held = lock(pathlib.Path({str(tmp_path)!r}))
        print(held is not None, flush=True)
        time.sleep(60)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"True"
        assert kind.lock(tmp_path) is None
        holder.kill()
    with kind.lock(tmp_path) as alone:
        assert alone is not None


@pytest.fixture
def by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cache and output lock as they do on Windows."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    for module in (caches, output):
        monkeypatch.setattr(module, "lock", locks_by_name.lock)
    monkeypatch.setattr(caches, "lock_shared", locks_by_name.lock_shared)


def made(folder: Path) -> None:
    (folder / "content").write_bytes(bytes(1000))


@pytest.mark.usefixtures("by_name")
def test_what_a_build_uses_stays_until_its_end(tmp_path: Path) -> None:
    with Cache(tmp_path / "cache", max_bytes=1) as first:
        entry = first.entry("weights", {"a": 1}, made, lambda folder: True, resumes=True)
        with Cache(tmp_path / "cache", max_bytes=1):
            pass
        assert (entry / "content").is_file(), "the other one tidied up meanwhile"
    with Cache(tmp_path / "cache", max_bytes=1):
        pass
    assert not entry.exists()


@pytest.mark.usefixtures("by_name")
def test_builds_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    found: list[int] = []

    def build() -> None:
        for number in range(10):
            with Cache(tmp_path / "cache", max_bytes=3000) as cache:
                entry = cache.entry("weights", {"a": number % 4}, made, lambda folder: (folder / "content").is_file(), resumes=True)
                found.append((entry / "content").stat().st_size)

    threads = [threading.Thread(target=build) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1000] * 30


@pytest.mark.usefixtures("by_name")
def test_one_build_writes_into_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = stub_runtime(tmp_path / "runtime")
    monkeypatch.setattr(assets, "runtime_folder", lambda: runtime)
    model = sample_model(tmp_path)
    with output.open_output(tmp_path / "dist"), pytest.raises(OutputFolderError, match="another build"):
        publish_site(tmp_path / "dist", model)
    publish_site(tmp_path / "dist", model)


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platforms, "WINDOWS", True)
    monkeypatch.setattr(disk, "PAUSES", (0, 0, 0))


def refuse(times: int, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Somebody has what is to be moved open, for so many tries."""
    asked: list[Path] = []
    replace = Path.replace

    def tried(self: Path, target: Path) -> Path:
        asked.append(self)
        if len(asked) <= times:
            raise PermissionError(13, "in use")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", tried)
    return asked


@pytest.mark.usefixtures("windows")
@pytest.mark.parametrize(("times", "fits"), [(0, True), (3, True), (4, False)])
def test_what_is_open_for_a_moment_is_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int, fits: bool) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_text("new")
    target.write_text("old")
    asked = refuse(times, monkeypatch)
    if fits:
        disk.move(source, target)
        assert target.read_text() == "new"
    else:
        with pytest.raises(PermissionError):
            disk.move(source, target)
        assert target.read_text() == "old"
    assert len(asked) == min(times, 3) + 1


def test_elsewhere_a_refusal_is_one_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = refuse(1, monkeypatch)
    with pytest.raises(PermissionError):
        disk.move(tmp_path / "a", tmp_path / "b")
    assert len(asked) == 1


@pytest.mark.usefixtures("windows")
def test_folders_are_not_opened_and_files_for_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    opened: list[tuple[str, int]] = []
    real = os.open

    def open_here(path: Path, flags: int) -> int:
        opened.append((Path(path).name, flags & os.O_ACCMODE))
        return real(path, flags)

    monkeypatch.setattr(os, "open", open_here)
    disk.sync_tree(tmp_path)
    assert opened == [("file", os.O_RDWR)]


def test_signals_that_are_not_there_are_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.delattr(signal, "SIGHUP")
        patch.setattr(signal, "SIGBREAK", signal.SIGUSR1, raising=False)
        there = runpy.run_path(str(Path(signals.__file__)))
    assert there["OTHERS"] == (signal.SIGTERM, signal.SIGUSR1)


@pytest.mark.usefixtures("windows")
def test_the_terminal_waits_for_a_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    def become(*arguments: object) -> NoReturn:
        raise AssertionError("the console would go on without it")

    monkeypatch.setattr(os, "execv", become)
    monkeypatch.setattr("webllm_build.chat.chat_command", lambda *arguments: [sys.executable, "-c", "raise SystemExit(7)"])
    monkeypatch.setattr(sys, "argv", ["webllm-build", "chat"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 7


def test_the_tokenizers_process_does_without_posix() -> None:
    """It begins where there is no module `resource`, and then has no limit of memory."""
    hide = f"import sys; sys.modules['resource'] = None; sys.argv[1] = {str(tokenizer_process.CHILD)!r}; {interpreter.START}"
    request = {"template": "{{ messages[0].content }}", "constants": {}, "conversations": [[{"role": "user", "content": "Größe 漢字"}]]}
    answer = tokenizer_process.run_child([sys.executable, "-c", hide, "-"], request)
    assert answer["template"] == {"renders": [{"text": "Größe 漢字"}]}


def test_limits_of_a_job_have_the_size_and_places_that_windows_gives_them() -> None:
    limits = tokenizer_child.job_limits(4 << 30)
    assert len(limits) == 144
    assert struct.unpack_from("<I", limits, 16) == (tokenizer_child.LIMIT_PROCESS_MEMORY,)
    assert struct.unpack_from("<Q", limits, 112) == (4 << 30,)


def test_a_console_without_the_letters(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0", "LC_ALL": "C"}
    model = tmp_path / "Größe-漢字-👍"
    for arguments in (["inspect", str(model)], ["doctor", "--cache-dir", str(model)]):
        command = [sys.executable, "-m", "webllm_build", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert b"Traceback" not in done.stderr, done.stderr.decode("utf-8", "replace")
        assert done.returncode == int(arguments[0] == "inspect")


def test_every_file_of_text_is_read_as_utf_8() -> None:
    """Under warnings of Python for what takes the machine's encoding, imports and a report give none."""
    command = [sys.executable, "-X", "warn_default_encoding", "-W", "error::EncodingWarning:webllm_build", "-m", "webllm_build", "doctor"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("found", chromium.WINDOWS)
def test_browsers_are_found_where_they_are_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: str) -> None:
    browser = tmp_path / found
    browser.parent.mkdir(parents=True)
    browser.touch()
    for name in ("CHROMIUM", "PROGRAMFILES", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PROGRAMFILES(X86)", str(tmp_path))
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("platform.system", lambda: "Windows")
    assert chromium.find() == browser


TARGETS = {"x86_64-windows-gnu": True, "aarch64-macos": False, "x86_64-macos": False, "aarch64-linux-gnu": False}


@pytest.mark.parametrize("target", TARGETS)
def test_the_loops_of_packing_link_for_other_platforms(tmp_path: Path, target: str) -> None:
    library = tmp_path / "loops.so"
    system = ("-lcompiler_rt",) if TARGETS[target] else ()
    sources = map(str, native.SOURCES)
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target, *native.OPTIONS, *system, "-o", str(library), *sources]
    environment = {**os.environ, **dict.fromkeys(native.CACHES, str(tmp_path))}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(name in library.read_bytes() for name in (b"symmetric", b"affine", b"multiply"))


def test_names_of_a_result_are_names_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = stub_runtime(tmp_path / "runtime")
    monkeypatch.setattr(assets, "runtime_folder", lambda: runtime)
    publish_site(tmp_path / "dist", sample_model(tmp_path))
    names = [path.relative_to(tmp_path / "dist").as_posix() for path in (tmp_path / "dist").rglob("*")]
    assert len({name.lower() for name in names}) == len(names), "Windows and macOS take these for one"
    reserved = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}
    for name in names:
        for part in name.split("/"):
            assert not set(part) & set('<>:"\\|?*')
            assert part.partition(".")[0].lower() not in reserved
            assert not part.endswith((".", " "))
        assert len(name) < 100, "of the 260 characters that a path may have"




@pytest.mark.usefixtures("by_name")
def test_an_entry_that_goes_as_it_comes_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    share = locks_by_name.PathLock.share
    gone: list[Path] = []

    def late(self: locks_by_name.PathLock, path: Path) -> None:
        if not gone:
            gone.append(path.rename(tmp_path / "gone"))
        share(self, path)

    monkeypatch.setattr(locks_by_name.PathLock, "share", late)
    with Cache(tmp_path / "cache") as cache:
        entry = cache.entry("weights", {"a": 1}, made, lambda folder: True)
        assert (entry / "content").is_file()
    assert len(gone) == 1
