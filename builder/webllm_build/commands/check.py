"""The command `check`."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from webllm_build.hosts import HOST_NAMES, host_of


def check(
    folder: Annotated[Path, typer.Argument(help="A folder that `site` wrote, or any other site.")] = Path("dist"),
    host: Annotated[str, typer.Option(help=f"Where it will be served: {', '.join(HOST_NAMES)}. any: says it of all.")] = "any",
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")] = False,
) -> None:
    """Tell whether a host takes a site: its size, its files, their number and names. Exit code 1: the host does not.

    Example:

      webllm-build check dist --host github-pages
    """
    from webllm_build.disk import size_of
    from webllm_build.hosts import ANY, HOSTS, faults, read_folder

    if host not in HOST_NAMES:
        raise typer.BadParameter(f"{host!r} is none of {', '.join(HOST_NAMES)}", param_hint="--host")
    files = read_folder(folder)
    found = {each.name: faults(each, files) for each in (HOSTS if host == ANY.name else (host_of(host),))}
    if as_json:
        said = {name: [asdict(fault) for fault in each] for name, each in found.items()}
        print(json.dumps({"files": len(files), "bytes": sum(files.values()), "faults": said}, indent=1))
    else:
        print(f"{len(files)} files, {size_of(sum(files.values()))}; the largest has {size_of(max(files.values()))}.")
        for name, each in found.items():
            how = host_of(name).publish.format(folder=shlex.quote(str(folder)))
            print("\n".join(f"{name}: {fault.message}. {fault.fix}" for fault in each) or f"{name}: fits ({how})")
    sys.exit(int(host != ANY.name and any(found.values())))
