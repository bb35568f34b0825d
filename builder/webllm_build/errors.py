"""Every error that a user can cause, or that the surroundings can cause to a user.

    WebllmBuildError
    ├── ConfigError
    ├── ConfigFileError
    ├── SourceError
    │   ├── ModelNotFound
    │   ├── GatedModel
    │   ├── DownloadFailed
    │   ├── MalformedFile
    │   │   └── DamagedEntry
    │   ├── MissingFile
    │   ├── UnsupportedArchitecture
    │   ├── UnsupportedEncoding
    │   └── UnsupportedTokenizer
    ├── CompileError
    │   └── PlanError
    ├── ToolchainError
    ├── BenchError
    ├── PublishError
    └── PackageError
        ├── OutputFolderError
        ├── HostError
        ├── TemplateError
        └── DiskFullError

A bug in this program is never one of these: it shows as an ordinary traceback.
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

LONGEST_LINE = 4000  # characters; all that is ours to say is shorter


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known word that looks most like `name`, if any is near: for hints."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)


def _shown(text: str) -> str:
    printable = "".join(character if character.isprintable() or character == "\n" else ascii(character)[1:-1] for character in text)
    half = LONGEST_LINE // 2
    return "\n".join(line if len(line) <= LONGEST_LINE else f"{line[:half]}...{line[-half:]}" for line in printable.split("\n"))


class WebllmBuildError(Exception):
    """Base of the tree. `message` says what is wrong and where, `hint` what to do about it (may be empty).

    Both may quote what strangers wrote: characters that would steer a terminal are shown as escapes, and of a line no more than
    LONGEST_LINE.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = _shown(message)
        self.hint = _shown(hint)

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


@dataclass(frozen=True)
class InvalidOption:
    """One option that does not fit: its name, the value given, what would be right, how to fix it, and the file and line that it is in."""

    option: str
    value: object
    expected: str
    fix: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.where}{self.option} = {self.value!r}: expected {self.expected}. {self.fix}".rstrip()


class ConfigError(WebllmBuildError):
    """Options that do not fit. All problems of one request are reported together."""

    def __init__(self, problems: tuple[InvalidOption, ...]) -> None:
        self.problems = problems
        count = "1 option does not fit" if len(problems) == 1 else f"{len(problems)} options do not fit"
        super().__init__("\n".join([f"{count}:", *(f"  {problem}" for problem in problems)]))


class ConfigFileError(WebllmBuildError):
    """webllm.toml cannot be read."""


class SourceError(WebllmBuildError):
    """The model cannot be read."""


class ModelNotFound(SourceError):
    """No such catalog name, repository, folder or file."""


class GatedModel(SourceError):
    """The repository wants a login or an accepted licence."""


class DownloadFailed(SourceError):
    """The hub could not be reached or answered with an error."""


class MalformedFile(SourceError):
    """A file breaks its own format: truncated, hostile or corrupt."""


class DamagedEntry(MalformedFile):
    """A file of the cache is not what was written there. entry: its folder, where one can be made again."""

    def __init__(self, message: str, hint: str = "", entry: Path | None = None) -> None:
        super().__init__(message, hint)
        self.entry = entry


class MissingFile(SourceError):
    """A checkpoint lacks a part that a build needs."""


class UnsupportedArchitecture(SourceError):
    """A well-formed model of a kind without a compiler."""


class UnsupportedEncoding(SourceError):
    """A tensor's data type has no decoder."""


class UnsupportedTokenizer(SourceError):
    """A tokenizer that cannot be turned into tokenizer.json."""


class ModelWarning(UserWarning):
    """Something about a model that a build goes on with, and that its user should know."""


def warn(message: str) -> None:
    """Raises a ModelWarning, which the command line prints."""
    warnings.warn(_shown(message), ModelWarning, stacklevel=2)


class CompileError(WebllmBuildError):
    """The compiler refused, or produced something illegal."""

    def __init__(self, message: str, hint: str = "The compiler cannot build this model: please report it, with the model's name.") -> None:
        super().__init__(message, hint)


class PlanError(CompileError):
    """A plan breaks its specification (compile/verify.py)."""


class ToolchainError(WebllmBuildError):
    """No compiler for WebAssembly was found, or it failed."""

    def __init__(self, message: str, hint: str = "Install webllm-build again, or report what webllm-build doctor says.") -> None:
        super().__init__(message, hint)


class BenchError(WebllmBuildError):
    """A site could not be measured: no browser to do it in, or its page failed."""


class PublishError(WebllmBuildError):
    """A result could not be put where others get it."""


class PackageError(WebllmBuildError):
    """The result cannot be written."""


class OutputFolderError(PackageError):
    """The output folder holds something that this program did not write."""


class HostError(PackageError):
    """A site does not fit the host that it is for."""


class TemplateError(PackageError):
    """A template, or the script rendered from it, is wrong."""


class DiskFullError(PackageError):
    """No space left on the device that the result is written to."""
