"""Every command of the cloud side, for `python -m infra` and, by the entry point `limbeck.commands`, for `limbeck`."""

from __future__ import annotations

from collections.abc import Callable

import typer

from infra.commands import cost, key, registry, release
from infra.console import plain_errors

PANEL = "Registry and releases"  # the heading in `limbeck --help`

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Bundles in the cloud: signed and immutable in S3, released by canary, and back again.",
    epilog="Exit status: 0 done, 1 something here failed, 2 wrong arguments, settings, keys or credentials or no such "
    "version, 3 release stopped, 4 bundle refused, 5 AWS unreachable or unwilling. AWS settings are boto3's own: "
    "AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL and so on.",
)
app.add_typer(key.key_app, name="key", rich_help_panel=PANEL)
COMMANDS: dict[str, Callable[..., None]] = {
    "push": registry.push,
    "pull": registry.pull,
    "verify": registry.verify,
    "tag": registry.tag,
    "history": registry.history,
    "show": registry.show,
    "diff": registry.diff,
    "list": registry.list_versions,
    "sign": key.sign,
    "release": release.release,
    "rollback": release.rollback,
    "status": release.status,
    "cost": cost.cost,
}
for name, command in COMMANDS.items():
    # What goes wrong on purpose is one message and an exit status, whoever calls the command.
    app.command(name, rich_help_panel=PANEL)(plain_errors()(command))
