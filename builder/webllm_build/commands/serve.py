"""The command `serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from webllm_build.terminal import console


def serve(
    folder: Annotated[Path, typer.Argument(help="A folder that `site` wrote.")] = Path("dist"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine; 0 takes any free one.")] = 8000,
) -> None:
    """Serve a site on this machine, the way a good web server would.

    Example:

      webllm-build serve dist --port 8080
    """
    from webllm_build.serve import ISOLATED, make_server

    with make_server(folder, port, ISOLATED) as server:
        console.print(f"Serving {escape(str(folder))} at http://127.0.0.1:{server.server_port}/ (Ctrl+C ends it)")
        server.serve_forever()
