"""The command line of the registry: `python -m infra push|pull|list|verify`.

Exit status: 0 done; 2 the arguments, settings or credentials are wrong, or there is no such version;
4 a bundle was refused; 5 S3 could not be reached or said no.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

try:
    import typer
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
    from rich.table import Table

    from infra import bucket as s3
    from infra import registry
except ModuleNotFoundError as missing:
    raise SystemExit(f"{missing.name} is not installed. Run: pip install 'limbeck[infra]'") from None

from handler import contract
from handler.errors import BundleError
from infra.errors import ConfigError, InfraError, RefusedError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Sealed bundles in S3: immutable versions, checked on the way there and back.",
    epilog="Exit status: 0 done, 2 wrong arguments, settings or credentials or no such version, "
    "4 bundle refused, 5 S3 unreachable or unwilling. AWS settings are boto3's own: AWS_PROFILE, "
    "AWS_REGION, AWS_ENDPOINT_URL and so on.",
)
out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)

BucketOption = Annotated[
    str | None,
    typer.Option("--bucket", help="Bucket, or s3://bucket/prefix.", envvar="LIMBECK_REGISTRY", show_envvar=True),
]
PrefixOption = Annotated[str | None, typer.Option("--prefix", help="Keys start with this. Overrides the bucket's.")]


@app.command()
def push(
    bundle: Annotated[Path, typer.Argument(help="Folder of a sealed bundle.")],
    bucket: BucketOption = None,
    prefix: PrefixOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and print what would be put; write nothing.")
    ] = False,
) -> None:
    """Put a sealed bundle into the registry. The same bytes again are a no-op, a torn push is finished."""
    shelf = _registry(bucket, prefix)
    plan = shelf.plan_push(bundle)
    where = shelf.where(plan.name, plan.version)
    if dry_run:
        for step in plan.steps:
            out.print(f"{'there' if step.stored else 'put':5} {step.size_bytes:>10,} B  {step.key}", markup=False)
        out.print(f"Would write {len(plan.missing)} of {len(plan.steps)} files to {where}.", markup=False)
        return
    with _bar("pushing", sum(step.size_bytes for step in plan.steps)) as done:
        written = shelf.push(plan, done)
    said = f"Pushed {written} of {len(plan.steps)} files to" if written else "Already there, every byte equal:"
    out.print(f"{said} {where}", markup=False)


@app.command()
def pull(
    wanted: Annotated[str, typer.Argument(metavar="NAME[/VERSION]", help="Without a version: the one pushed last.")],
    bucket: BucketOption = None,
    prefix: PrefixOption = None,
    into: Annotated[Path, typer.Option("--out", help="It goes to OUT/NAME/VERSION.")] = Path("bundles"),
) -> None:
    """Bring a version here, whole and checked, and print its folder."""
    shelf, asked = _registry(bucket, prefix), registry.reference(wanted)
    with _bar("pulling", None) as done:
        folder = shelf.pull(asked, into, done)
    out.print(str(folder), markup=False)


@app.command("list")
def list_versions(
    name: Annotated[str | None, typer.Argument(help="Only this bundle.")] = None,
    bucket: BucketOption = None,
    prefix: PrefixOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False,
) -> None:
    """Show every whole version, by name and then by age."""
    shelf = _registry(bucket, prefix)
    entries = shelf.entries(registry.reference(name).name if name else None)
    if as_json:
        rows = [
            {"name": it.name, "version": it.version, "pushed_at": it.pushed_at.isoformat(), "bytes": it.size_bytes}
            for it in entries
        ]
        typer.echo(json.dumps(rows))
        return
    if not entries:
        err.print(f"Nothing in {shelf.where(name or '')} yet. `python -m infra push BUNDLE` adds to it.", markup=False)
        return
    table = Table(box=None, pad_edge=False)
    for heading, side in (("name", "left"), ("version", "left"), ("pushed at (UTC)", "left"), ("kB", "right")):
        table.add_column(heading, justify="right" if side == "right" else "left", no_wrap=True)
    for it in entries:
        table.add_row(it.name, it.version, f"{it.pushed_at:%Y-%m-%d %H:%M:%S}", f"{it.size_bytes / 1000:,.0f}")
    out.print(table)


@app.command()
def verify(
    wanted: Annotated[
        str, typer.Argument(metavar="BUNDLE|NAME[/VERSION]", help="A folder here, else in the registry.")
    ],
    bucket: BucketOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Check every byte of a bundle against its manifest: a folder if there is one of this name, else the registry's."""
    if Path(wanted).exists() or not re.fullmatch(r"[a-z0-9][a-z0-9._-]*(/[0-9a-f]{12})?", wanted):
        try:
            manifest = contract.read(wanted)
        except BundleError as error:
            raise RefusedError(str(error)) from None
        out.print(f"{wanted} is {manifest.name}/{manifest.version} as it was sealed.", markup=False)
        return
    if bucket is None:
        raise ConfigError(f"No folder {wanted} here, and no registry named. Use --bucket or set LIMBECK_REGISTRY.")
    shelf = _registry(bucket, prefix)
    with _bar("verifying", None) as done:
        entry = shelf.verify(registry.reference(wanted), done)
    out.print(f"{shelf.where(entry.name, entry.version)} is as it was sealed.", markup=False)


def _registry(bucket: str | None, prefix: str | None) -> registry.Registry:
    if not bucket:
        raise ConfigError("No registry named. Use --bucket, or set LIMBECK_REGISTRY to s3://bucket/prefix.")
    name, _, own_prefix = bucket.removeprefix("s3://").partition("/")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name):
        raise ConfigError(f"{bucket!r} is no bucket. Wanted a bucket's name, or s3://bucket/prefix.")
    return registry.Registry(s3.connect(name), own_prefix if prefix is None else prefix)


@contextmanager
def _bar(doing: str, total: int | None) -> Iterator[registry.Progress]:
    """A progress bar on standard error, where that is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TextColumn("{task.fields[file]}"))
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(doing, total=total, file="")
        yield lambda file, size_bytes: progress.update(task, advance=size_bytes, file=file)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name="python -m infra")
    except InfraError as error:
        err.print(str(error), markup=False)
        return error.exit_status
    except OSError as error:
        err.print(f"{error.filename}: {error.strerror}. Check the path and run the command again.", markup=False)
        return ConfigError.exit_status
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
