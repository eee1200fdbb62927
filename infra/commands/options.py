"""What the commands of `limbeck` share: options, the registry that they name, and a progress bar."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from infra.aws import s3
from infra.console import err
from infra.errors import ConfigError
from infra.registry.registry import Progress as Done
from infra.registry.registry import Registry
from infra.signing import signer

BucketOption = Annotated[
    str | None,
    typer.Option("--bucket", help="Bucket, or s3://bucket/prefix.", envvar="LIMBECK_REGISTRY", show_envvar=True),
]
PrefixOption = Annotated[str | None, typer.Option("--prefix", help="Keys start with this. Overrides the bucket's.")]
PemOption = Annotated[
    Path | None, typer.Option("--pem", help=f"Sign with the key in this file, and not with {signer.KEY_VARIABLE}'s.")
]
KmsOption = Annotated[str | None, typer.Option("--kms", help="Sign with this key in KMS: an id, ARN or alias/NAME.")]
TrustOption = Annotated[
    Path | None,
    typer.Option(
        "--trust",
        help="The trust file: whose signatures count. Or a folder of them, NAME.json each. "
        f"Without it, the key that {signer.KEY_VARIABLE} names counts.",
        envvar=signer.TRUST_VARIABLE,
        show_envvar=True,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def named_registry(bucket: str | None, prefix: str | None) -> Registry:
    """The registry that the options name.

    Raises:
        ConfigError: they name none.
    """
    if not bucket:
        raise ConfigError("No registry named. Use --bucket, or set LIMBECK_REGISTRY to s3://bucket/prefix.")
    name, _, own_prefix = bucket.removeprefix("s3://").partition("/")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name):
        raise ConfigError(f"{bucket!r} is no bucket. Wanted a bucket's name, or s3://bucket/prefix.")
    return Registry(s3.connect(name), own_prefix if prefix is None else prefix)


def is_folder(named: str) -> bool:
    """Whether a BUNDLE|NAME[/VERSION] argument means a folder here: there is one, or it could be nothing else."""
    return Path(named).exists() or not re.fullmatch(r"[a-z0-9][a-z0-9._-]*([/@][a-z0-9]+)?", named)


@contextmanager
def bar(doing: str, total: int | None) -> Iterator[Done]:
    """A progress bar on standard error, where that is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TextColumn("{task.fields[file]}"))
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(doing, total=total, file="")
        yield lambda file, size_bytes: progress.update(task, advance=size_bytes, file=file)
