"""What a host of repositories reads: workflows are valid, pinned, and the same pins stand in those that projects get."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from webllm_build import cli
from webllm_build.hosts import host_of
from webllm_build.package.host_files import project_files

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
USES = re.compile(r"uses: *(\S+)(.*)")
PIN = re.compile(r"(?P<action>[\w.-]+/[\w./-]+)@(?P<commit>[0-9a-f]{40})")


@pytest.fixture
def projects(tmp_path: Path) -> Path:
    """The workflow that a project gets."""
    path = tmp_path / "pages.yml"
    (text,) = project_files(host_of("github-pages"), name="chat", arguments=("--title", "It's: a #1 chat")).values()
    path.write_text(text, "utf-8")
    return path


def test_workflows_are_valid(projects: Path) -> None:
    program = shutil.which("actionlint", path=str(Path(sys.executable).parent)) or shutil.which("actionlint")
    if program is None:
        pytest.skip("actionlint has no wheel for this platform")
    done = subprocess.run([program, *map(str, [*WORKFLOWS, projects])], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_five_lines_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one writes what the others publish."""
    readme = (ROOT / "README.md").read_text("utf-8")
    lines = readme.partition("## GitHub Pages in five lines\n\n")[2].partition("\n\n")[0].splitlines()
    assert len(lines) == 5
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", shlex.split(lines[0]))
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 0
    assert lines[1].strip().startswith("cd chat && ")
    assert (tmp_path / "chat" / "webllm.toml").is_file()
    written = (tmp_path / "chat" / ".github" / "workflows" / "pages.yml").read_text("utf-8")
    assert "webllm-build site --out dist" in written


def test_actions_are_pinned_to_one_commit_each(projects: Path) -> None:
    pins: dict[str, set[tuple[str, str]]] = {}
    for path in [*WORKFLOWS, projects]:
        for name, said in USES.findall(path.read_text("utf-8")):
            match = PIN.fullmatch(name)
            assert match, f"{path.name}: {name} is not pinned to a commit"
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", said), f"{path.name}: {name} does not say its version"
            pins.setdefault(match["action"], set()).add((match["commit"], said))
    assert {action: found for action, found in pins.items() if len(found) > 1} == {}


def test_jobs_may_do_no_more_than_they_need(projects: Path) -> None:
    yaml = pytest.importorskip("yaml")
    for path in [*WORKFLOWS, projects]:
        workflow = yaml.safe_load(path.read_text("utf-8"))
        assert workflow["permissions"] == {"contents": "read"}, path.name
        for name, job in workflow["jobs"].items():
            assert job["timeout-minutes"] <= 120, f"{path.name}: {name}"
            checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
            assert all(step["with"]["persist-credentials"] is False for step in checkouts), f"{path.name}: {name}"


def test_a_release_takes_nothing_from_a_cache() -> None:
    """Which a run of another branch may have written: https://docs.zizmor.sh/audits/#cache-poisoning"""
    yaml = pytest.importorskip("yaml")
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8"))["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    assert not any("actions/cache" in step.get("uses", "") or "cache" in step.get("with", {}) for step in steps)
    (node,) = (step for step in steps if step.get("uses", "").startswith("actions/setup-node@"))
    assert node["with"]["package-manager-cache"] is False, "else it has one"


def test_every_python_that_the_package_takes_is_tried() -> None:
    yaml = pytest.importorskip("yaml")
    matrix = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))["jobs"]["quick"]["strategy"]["matrix"]
    assert f'requires-python = ">={matrix["python"][0]}"' in (ROOT / "pyproject.toml").read_text("utf-8")
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}


def test_reports_ask_for_what_doctor_says() -> None:
    yaml = pytest.importorskip("yaml")
    for name in ("bug.yml", "model.yml"):
        form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / name).read_text("utf-8"))
        asked = {part["id"]: part for part in form["body"]}
        assert "webllm-build doctor" in asked["doctor"]["attributes"]["label"]
        assert asked["doctor"]["validations"]["required"] is True
