"""What a report of a fault is given: it tells what matters, and no secret and no name."""

from __future__ import annotations

import json
from importlib.metadata import metadata
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from webllm_build import cli, doctor
from webllm_build.doctor import Finding, examine, without_names


@pytest.mark.parametrize(
    ("path", "home", "shown"),
    [
        (PurePosixPath("/home/alice/.cache/webllm-build"), PurePosixPath("/home/alice"), "~/.cache/webllm-build"),
        (PurePosixPath("/data/alice/cache"), PurePosixPath("/home/alice"), "/data/USER/cache"),
        (PurePosixPath("/Users/al/x"), PurePosixPath("/home/alice"), "/Users/al/x"),
        (PurePosixPath("/usr/bin/node"), PurePosixPath("/home/alice"), "/usr/bin/node"),
        (PureWindowsPath(r"C:\Users\alice\AppData\x"), PureWindowsPath(r"C:\Users\alice"), r"~\AppData\x"),
        (PureWindowsPath(r"D:\alice\x"), PureWindowsPath(r"C:\Users\alice"), r"D:\USER\x"),
    ],
)
def test_paths_have_no_names(path: Path, home: Path, shown: str) -> None:
    assert without_names(path, home, "alice") == shown


def test_it_tells_no_secret_and_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "zebediah"
    (home / "cache").mkdir(parents=True)
    (home / "cache" / "a").write_bytes(bytes(2000))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://zebediah:secret@proxy.example")
    found = {finding.label: finding for finding in examine(home / "cache")}
    said = str(found.values())
    assert "zebediah" not in said
    assert "secret" not in said
    assert "HF_TOKEN, HTTPS_PROXY" in found["Variables"].value.replace("HTTP_PROXY, ", "")
    assert found["Cache"].value.startswith("~")
    assert "1 files, 2.0 kB" in found["Cache"].value


def test_a_program_that_is_slow_is_not_said_to_be_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = tmp_path / "node"
    slow.write_text("#!/bin/sh\nexec sleep 9999\n")
    slow.chmod(0o755)
    monkeypatch.setattr(doctor, "SECONDS", 0.1)
    monkeypatch.setattr(doctor, "find_node", lambda: str(slow))
    (value,) = (finding.value for finding in examine(tmp_path) if finding.label == "Node")
    assert value.startswith("says nothing for 0.1 seconds (")


@pytest.mark.parametrize(("problem", "code"), [("", 0), ("Install it again.", 1)])
def test_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], problem: str, code: int) -> None:
    monkeypatch.setattr(doctor, "examine", lambda cache: (Finding("Python", "3.13"), Finding("ziglang", "missing", problem)))
    for options in ((), ("--json",)):
        monkeypatch.setattr("sys.argv", ["webllm-build", "doctor", *options])
        with pytest.raises(SystemExit) as left:
            cli.main()
        assert left.value.code == code
        shown = capsys.readouterr().out
        if options:
            assert [finding["value"] for finding in json.loads(shown)] == ["3.13", "missing"]
        else:
            assert shown.splitlines()[0].split() == ["Python:", "3.13"]
            assert problem in shown


def test_a_missing_package_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = metadata("webllm-build")

    class More:
        def get_all(self, name: str) -> list[str]:
            return [*known.get_all(name, []), "no-such-package>=1", "windows-only>=1; sys_platform == 'nowhere'", "numpy<1"]

    monkeypatch.setattr(doctor, "metadata", lambda name: More())
    problems = {finding.label: finding.problem for finding in examine(tmp_path) if finding.problem}
    assert set(problems) == {"no-such-package", "numpy"}
    assert "<1" in problems["numpy"]
