"""Where sites are served from: what each host takes and needs, as its documentation said in 2026, and whether a site fits.

A host is a row of HOSTS. The text of the files that one needs is made by package/host_files.py.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NoReturn

from webllm_build.disk import size_of
from webllm_build.errors import HostError, OutputFolderError

GB, MB, MIB = 10**9, 10**6, 1 << 20
MAX_WALKED = 1_000_000  # files of a folder that is checked
OURS = frozenset({".nojekyll", ".webllm-build.json"})  # in every site, and needed by none
PAGE = "index.html"
FEWER_BYTES = (
    "Put the weights into a repository of the Hub: build with --host any, run `webllm-build upload DIR hub:NAME/REPOSITORY --create`, and "
    "build again with --weights hub:NAME/REPOSITORY. Or take a smaller --quantization or --model, or another --host."
)


@dataclass(frozen=True)
class Host:
    """A host of static sites. Limits are None where there is none that a site meets.

    file_bytes, most_bytes: of a file, of all. most_files, most_in_folder: how many.
    refused: names that it does not serve as files, with the reason. drops: names that do not arrive there.
    folds_case: whether names that differ in capitals alone are one name to it.
    files: that it reads in the site; project: in the repository that a site is built in.
    publish: the command that does it, with {folder}.
    """

    name: str
    title: str
    file_bytes: int | None = None
    most_bytes: int | None = None
    most_files: int | None = None
    most_in_folder: int | None = None
    refused: tuple[str, str] | None = None
    drops: str | None = None
    folds_case: bool = False
    files: tuple[str, ...] = ()
    project: tuple[str, ...] = ()
    publish: str = ""


ANY = Host("any", "any static server", publish="copy {folder} to any static server")
HOSTS = (
    Host(
        "github-pages",
        "GitHub Pages",
        most_bytes=GB,
        drops=r"(^|/)\.",  # by actions/upload-pages-artifact, and a deployment by an action meets no Jekyll
        project=(".github/workflows/pages.yml",),
        publish="push the project with its workflow, and choose GitHub Actions in the repository's settings under Pages",
    ),
    Host(
        "hf-space",
        "a Hugging Face Space",
        most_bytes=GB,  # of its repository, whose earlier versions count, too; the documentation names none, but what is more is refused
        most_files=100_000,
        most_in_folder=10_000,
        files=("README.md",),
        publish="hf upload NAME/SPACE {folder} . --repo-type space",
    ),
    Host(
        "cloudflare",
        "Cloudflare Pages",
        file_bytes=25 * MIB,
        most_files=20_000,
        refused=(r"(^|/)_worker\.js$|^functions/", "it runs there as a program"),
        files=("_headers",),
        project=("wrangler.jsonc",),
        publish="npx wrangler pages deploy {folder}",
    ),
    Host(
        "netlify",
        "Netlify",
        most_in_folder=54_000,
        refused=(r"[#?]", "a name may not have # or ? in it"),
        folds_case=True,
        files=("_headers",),
        project=("netlify.toml",),
        publish="npx netlify-cli deploy --prod --dir {folder}",
    ),
    Host(
        "vercel",
        "Vercel",
        most_bytes=100 * MB,  # of the free plan, whose projects pause when they are over
        most_files=15_000,  # by its command
        files=("vercel.json",),
        publish="npx vercel deploy --prod {folder}",
    ),
    ANY,
)
HOST_NAMES = tuple(host.name for host in HOSTS)


@dataclass(frozen=True)
class Fault:
    """What of a site a host does not take. rule: its kind. value, limit: what is and what may be, of numbers. file: the first."""

    rule: str
    message: str
    fix: str
    value: int | None = None
    limit: int | None = None
    file: str | None = None


def host_of(name: str) -> Host:
    """The row of a name in HOST_NAMES."""
    return next(host for host in HOSTS if host.name == name)


def faults(host: Host, files: Mapping[str, int]) -> tuple[Fault, ...]:
    """Why a host does not take a site. files: sizes in bytes by their paths in it, with slashes."""
    return tuple(_faults(host, files))


def takers(files: Mapping[str, int]) -> tuple[str, ...]:
    """The names of hosts that take a site."""
    return tuple(host.name for host in HOSTS if not faults(host, files))


def require(host: Host, files: Mapping[str, int]) -> None:
    """Raise HostError where a host does not take a site."""
    found = faults(host, files)
    if found:
        message = "\n".join([f"the site does not fit {host.title}:", *(f"  {fault.message}." for fault in found)])
        hints = [*dict.fromkeys(fault.fix for fault in found), f"Hosts that take it: {', '.join(takers(files))}."]
        raise HostError(message, "\n".join(hints))


def read_folder(folder: Path) -> dict[str, int]:
    """Sizes of a folder's files as an upload would send them, without a repository of Git.

    Raises OutputFolderError where it cannot be read or is no site, and where it has links, which no host takes.
    """
    files: dict[str, int] = {}
    try:
        for parent, folders, names in os.walk(folder, onerror=_raise):
            folders[:] = sorted(name for name in folders if name != ".git")
            for name in [*folders, *sorted(names)]:
                path = Path(parent, name)
                if path.is_symlink():
                    raise OutputFolderError(f"{path} is a link, which hosts do not take", "Put a copy of the file in its place.")
                if name in names:
                    files[path.relative_to(folder).as_posix()] = path.stat().st_size
            if len(files) > MAX_WALKED:
                raise OutputFolderError(f"{folder} has more than {MAX_WALKED:,} files", "Name the folder of the site alone.")
    except OSError as error:
        raise OutputFolderError(f"{folder} cannot be read: {error.strerror}", "Name a folder that `site` wrote.") from error
    if PAGE not in files:
        raise OutputFolderError(f"{folder} has no {PAGE}", "Name the folder of a site.")
    return files


def _raise(error: OSError) -> NoReturn:
    raise error


def _faults(host: Host, files: Mapping[str, int]) -> Iterator[Fault]:
    total = sum(files.values())
    if host.most_bytes is not None and total > host.most_bytes:
        message = f"it has {size_of(total)}, and {host.title} takes {size_of(host.most_bytes)}"
        yield Fault("bytes", message, FEWER_BYTES, total, host.most_bytes)
    file, largest = max(files.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    if host.file_bytes is not None and largest > host.file_bytes:
        message = f"{file} has {size_of(largest)}, and {host.title} takes {size_of(host.file_bytes)} a file"
        yield Fault("file-bytes", message, "Serve this file from elsewhere, or take another host.", largest, host.file_bytes, file)
    if host.most_files is not None and len(files) > host.most_files:
        message = f"it has {len(files):,} files, and {host.title} takes {host.most_files:,}"
        yield Fault("files", message, FEWER_BYTES, len(files), host.most_files)
    folder, count = max(Counter(str(PurePosixPath(name).parent) for name in files).items(), key=lambda item: item[1], default=("", 0))
    if host.most_in_folder is not None and count > host.most_in_folder:
        message = f"its folder {folder} has {count:,} files, and {host.title} takes {host.most_in_folder:,} in one"
        yield Fault("folder-files", message, FEWER_BYTES, count, host.most_in_folder, folder)
    if host.refused is not None:
        pattern, why = host.refused
        for name in _first(files, pattern):
            yield Fault("name", f"{host.title} does not serve {name}: {why}", "Give it another name, or remove it.", file=name)
    if host.folds_case:
        lower = Counter(name.lower() for name in files)
        for name in [name for name in sorted(files) if lower[name.lower()] > 1][:1]:
            message = f"{host.title} takes {name} and another name that differs in capitals for one"
            yield Fault("case", message, "Give one of them another name.", file=name)
    if host.drops is not None:
        for name in _first(files.keys() - OURS, host.drops):
            fix = "Give it a name without a dot before it, or set include-hidden-files in the workflow."
            yield Fault("dropped", f"{name} does not arrive at {host.title}, whose upload leaves out hidden files", fix, file=name)


def _first(names: Iterable[str], pattern: str) -> list[str]:
    return sorted(name for name in names if re.search(pattern, name))[:1]

