"""Whether pip finds wheels of everything that this package needs, on each platform that it is for: asked by metadata, nothing is installed.

Markers of what the requirements themselves require are evaluated for this machine, as pip does.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement

tomllib = pytest.importorskip("tomllib")
PROJECT = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text("utf-8"))["project"]


@dataclass(frozen=True)
class Platform:
    """tags: of wheels, as pip takes them. system: what markers see."""

    name: str
    tags: tuple[str, ...]
    system: str
    machine: str


LINUX = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014", "manylinux_2_12", "manylinux2010")
MACS = tuple(f"macosx_{version}_0" for version in (15, 14, 13, 12, 11))
PLATFORMS = (
    Platform("Linux x86-64", tuple(f"{tag}_x86_64" for tag in LINUX), "linux", "x86_64"),
    Platform("Linux arm64", tuple(f"{tag}_aarch64" for tag in LINUX[:4]), "linux", "aarch64"),
    Platform("macOS arm64", tuple(f"{tag}_arm64" for tag in MACS), "darwin", "arm64"),
    Platform("Windows x64", ("win_amd64",), "win32", "AMD64"),
)
INTEL = Platform("macOS x86-64", (*(f"{tag}_x86_64" for tag in MACS), "macosx_10_12_x86_64"), "darwin", "x86_64")
NAMES = {"linux": ("Linux", "posix"), "darwin": ("Darwin", "posix"), "win32": ("Windows", "nt")}


def requirements(platform: Platform, python: str) -> list[str]:
    """Those of the package there, without their markers."""
    name, os_name = NAMES[platform.system]
    seen = {"sys_platform": platform.system, "platform_machine": platform.machine, "platform_system": name, "os_name": os_name}
    wanted = [Requirement(text) for text in PROJECT["dependencies"]]
    there = [each for each in wanted if each.marker is None or each.marker.evaluate({**seen, "python_version": python, "extra": ""})]
    return [f"{each.name}{each.specifier}" for each in there]


def resolve(platform: Platform, python: str, wanted: list[str], report: Path) -> str:
    """What pip says against it; nothing where it found everything."""
    tags = [option for tag in platform.tags for option in ("--platform", tag)]
    quiet = ("--dry-run", "--ignore-installed", "--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "20")
    kind = ("--only-binary", ":all:", "--implementation", "cp", "--python-version", python, "--target", str(report.parent / "none"))
    command = [sys.executable, "-m", "pip", "install", *quiet, *tags, *kind, "--report", str(report), *wanted]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    return "" if done.returncode == 0 else done.stderr


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips where the index cannot be reached."""
    folder = tmp_path_factory.mktemp("index")
    said = resolve(PLATFORMS[0], "3.12", ["packaging"], folder / "report.json")
    if said:
        pytest.skip(f"pip reaches no index of packages: {said.strip().splitlines()[-1]}")


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize("python", ["3.10", "3.14"])  # the oldest and the newest
@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.name)
def test_pip_finds_wheels(tmp_path: Path, platform: Platform, python: str) -> None:
    wanted = requirements(platform, python)
    assert ("portalocker" in " ".join(wanted)) == (platform.system == "win32")
    assert resolve(platform, python, wanted, tmp_path / "report.json") == ""
    installed = json.loads((tmp_path / "report.json").read_text("utf-8"))["install"]
    found = {item["metadata"]["name"].lower().replace("_", "-") for item in installed}
    assert {Requirement(text).name for text in wanted} <= found


@pytest.mark.usefixtures("index")
def test_where_the_compiler_has_no_wheel(tmp_path: Path) -> None:
    """README names the platforms: one more when this fails."""
    (compiler,) = (text for text in requirements(INTEL, "3.13") if text.startswith("apache-tvm"))
    assert "No matching distribution found for apache-tvm" in resolve(INTEL, "3.13", [compiler], tmp_path / "report.json")
