"""The command line of the cloud side: `python -m infra --help` names its commands, one module a group.

Exit status: 0 done; 1 something on this machine did not do its part; 2 the arguments, settings, keys or credentials
are wrong, or there is no such version; 3 a release was stopped and its traffic went back; 4 a bundle was refused;
5 AWS could not be reached or said no.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

try:
    import typer

    from infra.commands import cost, key, registry, release
    from infra.console import plain_errors
except ModuleNotFoundError as missing:
    raise SystemExit(f"{missing.name} is not installed. Run: pip install 'limbeck[infra]'") from None

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Bundles in the cloud: signed and immutable in S3, released by canary, and back again.",
    epilog="Exit status: 0 done, 1 something here failed, 2 wrong arguments, settings, keys or credentials or no such "
    "version, 3 release stopped, 4 bundle refused, 5 AWS unreachable or unwilling. AWS settings are boto3's own: "
    "AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL and so on.",
)
app.add_typer(key.key_app, name="key")
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
    app.command(name)(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    try:
        with plain_errors():
            app(args=None if arguments is None else list(arguments), prog_name="python -m infra")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
