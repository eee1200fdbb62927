"""The registry's commands: push, pull, list, verify, tag, history, show and diff."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from handler.bundle import contract, signature
from infra.commands import views
from infra.commands.options import (
    BucketOption,
    JsonOption,
    KmsOption,
    PemOption,
    PrefixOption,
    TrustOption,
    bar,
    is_folder,
    named_registry,
)
from infra.console import err, out, table
from infra.errors import ConfigError, refusing
from infra.registry import bundle_folder, references
from infra.registry.diff import between
from infra.registry.registry import Registry
from infra.signing import signer

WantedArgument = Annotated[
    str, typer.Argument(metavar="NAME[/VERSION|@TAG]", help="Without a version or tag: the one pushed last.")
]
EitherArgument = Annotated[
    str, typer.Argument(metavar="BUNDLE|NAME[/VERSION|@TAG]", help="A folder here, else in the registry.")
]


def push(
    bundle: Annotated[Path, typer.Argument(help="Folder of a sealed bundle.")],
    bucket: BucketOption = None,
    prefix: PrefixOption = None,
    pem: PemOption = None,
    kms: KmsOption = None,
    trust: TrustOption = None,
    sign_anew: Annotated[
        bool, typer.Option("--sign-anew", help="Replace the signature, where the registry has one by another key.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and print what would be put; write nothing.")
    ] = False,
) -> None:
    """Sign a sealed bundle and put it into the registry. The same again is a no-op, a torn push is finished.

    Without a key, a bundle that has a signature already is pushed with that, if --trust says that it counts.
    """
    registry = named_registry(bucket, prefix)
    plan = registry.plan_push(bundle, signer.for_push(pem, kms, trust), sign_anew=sign_anew)
    where = registry.where(plan.name, plan.version)
    if dry_run:
        for step in plan.steps:
            what = "there" if step.stored else "over" if step.over else "put"
            out.print(f"{what:5} {step.size_bytes:>10,} B  {step.key}", markup=False)
        out.print(f"Would write {len(plan.missing)} of {len(plan.steps)} files to {where}.", markup=False)
    else:
        with bar("pushing", sum(step.size_bytes for step in plan.steps)) as done:
            written = registry.push(plan, done)
        said = f"Pushed {written} of {len(plan.steps)} files to" if written else "Already there, every byte equal:"
        out.print(f"{said} {where}, signed with key {signature.key_of(plan.signature)}", markup=False)


def pull(
    wanted: WantedArgument,
    bucket: BucketOption = None,
    prefix: PrefixOption = None,
    trust: TrustOption = None,
    into: Annotated[Path, typer.Option("--out", help="It goes to OUT/NAME/VERSION.")] = Path("bundles"),
) -> None:
    """Bring a version here, whole, its signature and every byte checked, and print its folder."""
    registry, reference = named_registry(bucket, prefix), references.reference(wanted)
    trusted = signer.needed_trust(reference.name, trust)
    with bar("pulling", None) as done:
        folder = registry.pull(reference, into, trusted, done)
    out.print(str(folder), markup=False)


def list_versions(
    name: Annotated[str | None, typer.Argument(help="Only this bundle.")] = None,
    bucket: BucketOption = None,
    prefix: PrefixOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show every whole version, by name and then by age."""
    registry = named_registry(bucket, prefix)
    entries = registry.entries(references.reference(name).name if name else None)
    worn = {each: registry.tags(each).worn() for each in {entry.name for entry in entries}}
    if as_json:
        rows = [
            {
                "name": it.name,
                "version": it.version,
                "pushed_at": it.pushed_at.isoformat(),
                "bytes": it.size_bytes,
                "tag": worn[it.name].get(it.version),
            }
            for it in entries
        ]
        typer.echo(json.dumps(rows))
    elif not entries:
        err.print(f"Nothing in {registry.where(name or '')} yet. `limbeck push BUNDLE` adds to it.", markup=False)
    else:
        cells = (
            (
                it.name,
                it.version,
                f"{it.pushed_at:%Y-%m-%d %H:%M:%S}",
                f"{it.size_bytes / 1000:,.0f}",
                worn[it.name].get(it.version, ""),
            )
            for it in entries
        )
        out.print(table("name", "version", "pushed at (UTC)", "kB", "tag", rows=cells, right=("kB",)))


def verify(
    wanted: EitherArgument,
    bucket: BucketOption = None,
    prefix: PrefixOption = None,
    trust: TrustOption = None,
) -> None:
    """Check every byte of a bundle against its manifest, and that against its signature.

    A folder here may be unsigned as long as no trust file is named.
    """
    if is_folder(wanted):
        out.print(_verified_folder(Path(wanted), trust), markup=False)
        return
    reference = references.reference(wanted)
    if bucket is None:
        raise ConfigError(f"No folder {wanted} here, and no registry named. Use --bucket or set LIMBECK_REGISTRY.")
    registry, trusted = named_registry(bucket, prefix), signer.needed_trust(reference.name, trust)
    with bar("verifying", None) as done:
        entry = registry.verify(reference, trusted, done)
    out.print(f"{registry.where(entry.name, entry.version)} is as it was sealed and signed.", markup=False)


def _verified_folder(folder: Path, trust: Path | None) -> str:
    with refusing():
        manifest = contract.read(folder)
        said = f"{folder} is {manifest.name}/{manifest.version} as it was sealed"
        if trust is None:
            return f"{said}. Its signature was not looked at: no --trust was given."
        return f"{said}, signed with key {signature.check(folder, signer.needed_trust(manifest.name, trust))}."


def tag(
    wanted: WantedArgument,
    name: Annotated[str, typer.Argument(metavar="TAG", help="candidate, live or retired.")],
    bucket: BucketOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Give a version a tag. `release` and `rollback` do so by themselves; this moves no traffic."""
    registry, reference = named_registry(bucket, prefix), references.reference(wanted)
    holder = registry.tag(reference, name)
    before = f", which {holder.previous} had" if holder.previous else ""
    out.print(f"{reference.name}/{holder.version} is {name} now{before}.", markup=False)


def history(
    name: Annotated[str, typer.Argument(metavar="NAME[/VERSION]", help="A bundle, or one version of it.")],
    bucket: BucketOption = None,
    prefix: PrefixOption = None,
    last: Annotated[int, typer.Option("--last", min=1, help="Only so many, the latest.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Show what happened to a bundle's versions, the latest last: pushed, signed, tagged, released, rolled back."""
    registry, reference = named_registry(bucket, prefix), references.reference(name)
    version = registry.resolve(reference).version if reference.version or reference.tag else None
    events = registry.history(reference.name).events(last, version)
    if as_json:
        typer.echo(json.dumps([asdict(event) | {"at": event.at.isoformat()} for event in events]))
    elif not events:
        err.print(f"Nothing happened to {reference.name} in {registry.where()} yet.", markup=False)
    else:
        out.print(views.of_events(events))


def show(
    wanted: EitherArgument,
    bucket: BucketOption = None,
    prefix: PrefixOption = None,
    trust: TrustOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show where a version comes from (data, teacher, recipe, commit), what was measured of it, and who signed it."""
    shown = _from_folder(Path(wanted), trust) if is_folder(wanted) else _from_registry(wanted, bucket, prefix, trust)
    if as_json:
        typer.echo(json.dumps(views.as_json(shown), ensure_ascii=False))
    else:
        out.print(*views.of_bundle(shown), sep="\n")


def _from_folder(folder: Path, trust: Path | None) -> views.Shown:
    manifest, text = bundle_folder.read(folder)
    path = folder / contract.SIGNATURE
    value = path.read_bytes() if path.is_file() else None
    trusted = signer.needed_trust(manifest.name, trust) if trust else None
    return views.Shown(manifest, str(folder), views.signed_by(text, value, trusted, folder))


def _from_registry(wanted: str, bucket: str | None, prefix: str | None, trust: Path | None) -> views.Shown:
    registry, reference = named_registry(bucket, prefix), references.reference(wanted)
    found = registry.sealed(reference)
    name, version = found.entry.name, found.entry.version
    where, trusted = registry.where(name, version), signer.trust_for(name, trust)
    by = views.signed_by(found.text, found.signature, trusted, where)
    return views.Shown(found.manifest, where, by, found.entry.pushed_at, registry.tags(name).worn().get(version))


def diff(
    before: EitherArgument,
    after: EitherArgument,
    bucket: BucketOption = None,
    prefix: PrefixOption = None,
    trust: TrustOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what changed from one version to another: data, recipe, evidence, gates, and answers to golden inputs.

    Both graphs are run here on the golden inputs of either.
    """
    registry = None if is_folder(before) and is_folder(after) else named_registry(bucket, prefix)
    with tempfile.TemporaryDirectory(prefix="limbeck-diff-") as workplace:
        folders = [_brought(wanted, registry, Path(workplace), trust) for wanted in (before, after)]
        found = between(*folders)
    if as_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False))
    else:
        out.print(*views.of_difference(found), sep="\n")


def _brought(wanted: str, registry: Registry | None, workplace: Path, trust: Path | None) -> Path:
    if registry is None or is_folder(wanted):
        return Path(wanted)
    reference = references.reference(wanted)
    return registry.pull(reference, workplace, signer.needed_trust(reference.name, trust))
