"""The command `inspect`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from webllm_build.commands.options import parameter, with_options
from webllm_build.config import BuildRequest
from webllm_build.terminal import RichProgress


def _inspect() -> Callable[..., None]:
    def command(what: str, **chosen: Any) -> None:
        from webllm_build.inspection import inspect as describe

        models = describe(BuildRequest(kind="site", models=(what,), **chosen), RichProgress())
        width = max(len(label) for lines in models for label, _ in lines)
        print("\n\n".join("\n".join(f"{label + ':':<{width + 2}}{value}" for label, value in lines) for lines in models))

    what: Any = Annotated[str, typer.Argument(help="A built folder, or a model as --model takes it.")]
    first = inspect.Parameter("what", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=what)
    return with_options(command, INSPECT, [first, *map(parameter, ("adapter", "quantization", "kv", "context_length"))])


INSPECT = """Tell what a model or a built folder is: parameters, bytes by scheme, variants, kernels, memory.

Examples:

  webllm-build inspect smollm2-135m --quantization q4

  webllm-build inspect dist
"""
inspect_command = _inspect()
