"""The command `upload`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from webllm_build.terminal import RichProgress, console


def upload(
    folder: Annotated[Path, typer.Argument(help="A folder that `site` or `npm` wrote.")],
    repository: Annotated[str, typer.Argument(help="hub:organization/name[@branch]; your own name is an organization, too.")],
    create: Annotated[bool, typer.Option("--create", help="Make the repository if there is none.")] = False,
    private: Annotated[bool, typer.Option("--private/--public", help="Who may read one that is made; visitors need a public one.")] = False,
) -> None:
    """Put a built model into a repository of the Hugging Face Hub: what is not there yet, with a model card, and verified.

    Needs a token with the right to write: hf auth login, or HF_TOKEN.

    Examples:

      webllm-build upload dist hub:me/my-model --create

      webllm-build site --model my-model --weights hub:me/my-model
    """
    from webllm_build.upload import upload as send

    uploaded = send(folder, repository, create, private, RichProgress())
    contents = uploaded.contents
    console.print(
        f"[bold green]Done:[/] {escape(contents.repository.id)} has all files at commit {contents.commit}; "
        f"{uploaded.sent} were sent ({uploaded.size / 1e6:.0f} MB).",
        soft_wrap=True,
    )
    place = f"hub:{contents.repository.id}@{contents.commit}"
    if contents.is_open:
        console.print(f"Now build with it what names it, which computes nothing again:  --weights {escape(place)}", soft_wrap=True)
    else:
        console.print("It is private or gated: visitors' browsers get nothing of it.", soft_wrap=True)
