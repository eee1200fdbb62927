"""`limbeck web`: a static page that runs a bundle in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from distill.commands.console import QuietOption, output


def web(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A sealed bundle's folder.")],
    out: Annotated[Path, typer.Option(help="The folder that the page goes to: a new one, or an older page's.")],
    api: Annotated[str, typer.Option(help="The deployed API's URL, for a switch to the server. None: no switch.")] = "",
    port: Annotated[
        int | None,
        typer.Option("--serve", min=0, max=65535, help="Serve it at this port too, until Ctrl-C; 0: a free one."),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Make a static page that runs the bundle in a browser. Exit status: 0; 2 something is wrong; 4 bundle refused."""
    from distill.web import serve, site
    from handler.bundle.versions import newest

    site.show(site.build(newest(bundle), out, api or None), output())
    if port is not None:
        with serve.listening(out, port) as origin:
            serve.until_stopped(lambda: output().print(f"open {origin} (Ctrl-C ends it)"))
