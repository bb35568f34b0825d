"""Publishes a built npm package: publint looks at it first, then npm sends it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from webllm_build.errors import OutputFolderError, PublishError
from webllm_build.package.output import own_marker

Access = Literal["public", "restricted"]
PUBLINT = "publint@0.3.25"
HINTS = {  # by npm's code of an error, or words of it
    "E401": "Log in again (npm login), or mend the token of your .npmrc.",
    "ENEEDAUTH": "Log in first: npm login. In continuous integration, set a token, or let npm trust the workflow.",
    "E402": "A scoped package that is not public asks for a paid plan: add --access public.",
    "E403": "The registry refuses it: this version is there already (build with another --package-version), or the name is another's.",
    "E404": "There is no such scope, or you may not publish in it: build with another --package-name, or log in as a member.",
    "E409": "Another publish of it is under way: wait a minute, and run the same command again.",
    "E422": "The registry does not take the package as it is: see what it says.",
    "E429": "That is for too many requests: wait some minutes.",
    "provenance for new": "Say who may install it: add --access public.",
    "cannot publish over": "This version is there already: build with another --package-version.",
    "must specify a tag": "Say by what name others ask for it: --tag next. Without one it would be what everybody gets.",
    "Cannot implicitly apply": "A higher version is there already: build with a higher --package-version, or name this one: --tag v1.",
    "EOTP": "It wants a one-time password: run this in a terminal, where npm can ask for it.",
}
FALLBACK = "See what npm says above, and run the same command again."
REASON = re.compile(rf"npm (?:error|ERR!) (?:.*?({'|'.join(HINTS)})|code (\w+))")  # some of its errors have no code


def publish(folder: Path, *, tag: str | None, access: Access | None, dry_run: bool) -> str:
    """The name and version that were published. Raises OutputFolderError, PublishError."""
    package = _package(folder)
    npm = shutil.which("npm")
    if npm is None:
        raise PublishError("npm is not installed", "Install Node, which brings it: https://nodejs.org")
    lint = _run([npm, "exec", "--yes", "--", PUBLINT, "."], folder)
    if lint:
        hint = "See what it says above. npm was not asked to publish it."
        raise PublishError("publint finds faults in the package, or could not be run", hint)
    has_provenance = can_prove(os.environ) and not dry_run and access != "restricted"
    if has_provenance:
        _name_repository(folder, package)
    # A tag that is named, be it "latest", tells npm not to mind that a version is no release, or lower than another.
    options = [*(["--tag", tag] if tag else []), *(["--access", access] if access else []), *(["--provenance"] if has_provenance else [])]
    code = _run([npm, "publish", ".", *options, *(["--dry-run"] if dry_run else [])], folder)
    named = f"{package['name']}@{package['version']}"
    if code:
        raise PublishError(f"npm did not publish {named}: {code}", HINTS.get(code, FALLBACK))
    return named


def can_prove(environment: Mapping[str, str]) -> bool:
    """Whether a machine of continuous integration can say where the package was built: https://docs.npmjs.com/generating-provenance-statements"""
    return "ACTIONS_ID_TOKEN_REQUEST_URL" in environment or ("GITLAB_CI" in environment and "SIGSTORE_ID_TOKEN" in environment)


def _package(folder: Path) -> dict[str, object]:
    if own_marker(folder, "Give a folder that `webllm-build npm` wrote.").kind != "npm":
        raise OutputFolderError(f"{folder} is a site, not an npm package", "Upload it to a web host, or build a package: webllm-build npm.")
    try:
        package = json.loads((folder / "package.json").read_text("utf-8"))
        if not all(isinstance(package[key], str) for key in ("name", "version")):
            raise ValueError("its name or version is not text")
        return dict(package)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise PublishError(f"{folder / 'package.json'} cannot be read: {error}", "Build the package again.") from error


def _name_repository(folder: Path, package: dict[str, object]) -> None:
    """npm compares where a package says that it comes from with where it was built."""
    server, repository = os.environ.get("GITHUB_SERVER_URL"), os.environ.get("GITHUB_REPOSITORY")
    if "repository" in package or server is None or repository is None:
        return
    named = {**package, "repository": {"type": "git", "url": f"git+{server}/{repository}.git"}}
    (folder / "package.json").write_text(json.dumps(named, indent=2) + "\n", "utf-8")


def _run(command: Sequence[str], folder: Path) -> str:
    """npm's words for an error, or "exit N"; empty where all is well. What it says is shown as it comes; it may ask on a terminal."""
    code = ""
    try:
        with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True, encoding="utf-8", errors="replace") as process:
            assert process.stderr is not None
            for line in process.stderr:
                sys.stderr.write(line)
                found = REASON.search(line)
                code = code or (found[1] or found[2] if found else "")
    except OSError as error:
        raise PublishError(f"{command[0]} does not start: {error.strerror}", "Install Node again.") from error
    return "" if process.returncode == 0 else code or f"exit {process.returncode}"
