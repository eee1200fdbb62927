"""The commands that move a function: `python -m infra release|rollback|status`. What happened: `history`.

Exit status: 0 done; 1 no image could be built; 2 the arguments, settings or credentials are wrong, or something is
missing that a person has to give; 3 the new version misbehaved and its traffic went back; 4 a bundle was refused;
5 AWS could not be reached or said no, or somebody else moved the alias.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from infra.aws.clients import client
from infra.aws.ecr import Images
from infra.commands.options import (
    BucketOption,
    JsonOption,
    KmsOption,
    PemOption,
    PrefixOption,
    TrustOption,
    named_registry,
)
from infra.console import err, out, table
from infra.errors import CloudError, ConfigError, InfraError
from infra.image import build
from infra.registry.tags import LIVE
from infra.release.alias import Alias, Switch, said_of
from infra.release.execute import Release
from infra.release.function import Function, Lambda
from infra.release.journal import Journal
from infra.release.plan import Cloud, Options, Plan, alarms_of, decide_rollback, plan_release, read_state
from infra.release.prepare import prepare
from infra.release.watch import Alarm, Watch

FUNCTION = "limbeck"
_INTERRUPTED = 130

FunctionOption = Annotated[
    str,
    typer.Option("--function", "-f", help="The Lambda function's name.", envvar="LIMBECK_FUNCTION", show_envvar=True),
]
AliasOption = Annotated[str, typer.Option("--alias", help="The alias that callers reach it by.")]
AlarmOption = Annotated[
    list[str] | None,
    typer.Option("--alarm", help="An alarm to watch, once or more. By default all that watch the function."),
]


def release(
    bundle: Annotated[
        str,
        typer.Argument(
            metavar="[BUNDLE|NAME[/VERSION]|NAME@TAG]", help="A sealed bundle's folder, else in the registry."
        ),
    ] = "",
    function: FunctionOption = FUNCTION,
    alias: AliasOption = "live",
    bucket: BucketOption = None,
    prefix: PrefixOption = None,
    trust: TrustOption = None,
    pem: PemOption = None,
    kms: KmsOption = None,
    repository: Annotated[str, typer.Option("--repository", help="In ECR. By default the function's own.")] = "",
    role: Annotated[
        str, typer.Option("--role", help="Execution role's ARN, to make a function that is not there.")
    ] = "",
    stages: Annotated[str, typer.Option("--stages", help="Shares of the traffic in percent.")] = "5,25,50,100",
    bake: Annotated[float, typer.Option("--bake", min=0, help="Seconds that each share is watched.")] = 300,
    alarm: AlarmOption = None,
    without_alarms: Annotated[bool, typer.Option("--without-alarms", help="A canary that no alarm watches.")] = False,
    another_model: Annotated[bool, typer.Option("--another-model", help="Replace a model of another name.")] = False,
    builder: Annotated[
        str, typer.Option("--builder", help="COMMAND CONTEXT URI builds and pushes the image; by default Docker.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan; change nothing.")] = False,
) -> None:
    """Bring a bundle into production by canary. Broken off anywhere, the same command goes on."""
    options = Options(
        function, alias, repository, role, _shares(stages), bake, tuple(alarm or ()), without_alarms, another_model
    )
    cloud = _cloud(function, alias, bucket, prefix)
    with tempfile.TemporaryDirectory(prefix="limbeck-release-") as folder:
        found = prepare(bundle, cloud.journal, Path(folder), trust, pem, kms)
        needed = (
            () if cloud.journal else ("No registry named. Use --bucket or set LIMBECK_REGISTRY to s3://bucket/prefix.",)
        )
        plan = plan_release(options, found.bundle, read_state(cloud, options, found.bundle), (*needed, *found.needed))
        if dry_run:
            _print(plan)
            return
        if plan.needed or found.source is None:
            raise ConfigError("Nothing was changed. First: " + "\n".join(plan.needed))
        chosen = partial(build.by_command, builder) if builder else partial(build.by_docker, cloud.images)
        try:
            Release(plan, cloud, chosen, found.source).run()
        except KeyboardInterrupt:
            err.print(
                "Broken off. The same command goes on, `python -m infra rollback` ends a canary. Now:", markup=False
            )
            now = cloud.switch.read()
            err.print(f"{alias} is {said_of(now.route) if now else 'not there'}.", markup=False)
            raise typer.Exit(_INTERRUPTED) from None


def rollback(
    to: Annotated[
        str, typer.Option("--to", help="A version of the bundle or of the function. By default the one before.")
    ] = "",
    function: FunctionOption = FUNCTION,
    alias: AliasOption = "live",
    bucket: BucketOption = None,
    prefix: PrefixOption = None,
    force: Annotated[bool, typer.Option("--force", help="Also to a version that was never live.")] = False,
) -> None:
    """Send everybody back: out of a canary, else to the version before. Only the alias moves."""
    cloud = _cloud(function, alias, bucket, prefix)
    there, now = cloud.function.read(), cloud.switch.read()
    if there is None or now is None:
        raise ConfigError(f"There is no {'alias ' + alias + ' of' if there else 'function'} {function}. Name another.")
    decided = decide_rollback(there, now, to, force=force)
    if decided is None:
        out.print(f"{alias} is {there.said(now.route.version)} already.", markup=False)
        return
    cloud.switch.move(now, decided.route)
    out.print(
        f"{alias} is back on {there.said(decided.route.version)}, away from {there.said(decided.left)}.", markup=False
    )
    left = there.version(decided.left)
    if cloud.journal is None or not decided.route.bundle or left is None or not left.bundle:
        err.print("Not noted in a registry: none is named, or a version has no bundle's name.", markup=False)
        return
    try:
        cloud.journal.rolled_back(left.bundle, decided.route.bundle, decided.route.version)
    except InfraError as error:
        raise CloudError(
            f"The alias is moved, do not roll back again. Only the registry does not know: {error}"
        ) from None


def status(
    function: FunctionOption = FUNCTION,
    alias: AliasOption = "live",
    bucket: BucketOption = None,
    prefix: PrefixOption = None,
    alarm: AlarmOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who answers callers: the alias, its versions and their bundles, the alarms, and what the registry says."""
    cloud = _cloud(function, alias, bucket, prefix)
    there = cloud.function.read()
    if there is None:
        raise ConfigError(f"There is no function {function}. Name one with --function.")
    now = cloud.switch.read()
    alarms = alarms_of(cloud.watch, tuple(alarm or ()), there)
    live = there.version(now.route.version) if now else None
    name = live.bundle.partition("/")[0] if live else ""
    seen = Seen(there, now, alarms, name, _worn(cloud, name))
    if as_json:
        typer.echo(json.dumps(_document(seen)))
    else:
        headings = ("version", "bundle", "image", "traffic", "live before", "tag")
        out.print(table(*headings, rows=_rows(seen), right=("version", "traffic"), fold=("bundle",)))
        out.print(*_remarks(seen), sep="\n", markup=False)


@dataclass(frozen=True)
class Seen:
    """What was read, side by side."""

    function: Function
    alias: Alias | None
    alarms: Sequence[Alarm]
    name: str  # of the bundle that is live
    worn: Mapping[str, str]  # its versions' tags in the registry

    @property
    def recorded(self) -> str | None:
        """The version that the registry has as live."""
        return next((version for version, tag in self.worn.items() if tag == LIVE), None)

    def share(self, number: str) -> float:
        """A version's share of the callers, 0..1."""
        if self.alias is None:
            return 0.0
        if number == self.alias.route.version:
            return 1 - sum(self.alias.route.weights.values())
        return self.alias.route.weights.get(number, 0.0)

    def tag(self, bundle: str) -> str:
        """The tag that a bundle (NAME/VERSION) wears in the registry."""
        name, _, version = bundle.partition("/")
        return self.worn.get(version, "") if name == self.name else ""


def _rows(seen: Seen) -> Iterator[tuple[str, ...]]:
    """Every published version, the newest first."""
    for version in reversed(seen.function.versions):
        share = seen.share(version.number)
        yield (
            version.number,
            version.bundle or "not from a release",
            version.digest[:19],
            f"{share:.0%}" if share else "",
            "yes" if seen.alias and version.number in seen.alias.route.trail else "",
            seen.tag(version.bundle),
        )


def _remarks(seen: Seen) -> Iterator[str]:
    """What else there is to know, a line each."""
    function, alias = seen.function, seen.alias
    if alias is None:
        yield f"{function.name} has no such alias: nobody is sent to any version by it."
    elif alias.route.weights:
        yield "A canary is under way, or broke off. The same release goes on; `python -m infra rollback` ends it."
    live = function.version(alias.route.version) if alias else None
    if live and live.bundle and seen.recorded and live.bundle.partition("/")[2] != seen.recorded:
        yield f"The registry has {seen.recorded} as live: a release or rollback broke off. Run the same command again."
    for alarm in seen.alarms:
        yield f"alarm {alarm.name}: " + (f"rings ({alarm.reason})" if alarm.rings else "quiet")
    if not seen.alarms:
        yield f"No alarm watches {function.name}."


def _document(seen: Seen) -> dict[str, Any]:
    """The same for scripts."""
    alias = seen.alias
    versions = [
        {"version": it.number, "bundle": it.bundle or None, "image": it.digest, "share": seen.share(it.number)}
        for it in seen.function.versions
    ]
    return {
        "function": seen.function.name,
        "alias": alias.name if alias else None,
        "live": alias.route.version if alias else None,
        "weights": dict(alias.route.weights) if alias else {},
        "live_before": list(alias.route.trail) if alias else [],
        "versions": versions,
        "alarms": [{"name": alarm.name, "rings": alarm.rings} for alarm in seen.alarms],
        "registry_live": seen.recorded,
    }


def _worn(cloud: Cloud, name: str) -> dict[str, str]:
    """What the registry says of a bundle's versions. The alias is worth showing without it."""
    try:
        return cloud.journal.registry.tags(name).worn() if cloud.journal and name else {}
    except InfraError as error:
        err.print(f"The registry does not answer. {error}", markup=False)
        return {}


def _print(plan: Plan) -> None:
    rows = (
        (str(number), step.title, step.what, "there" if step.done else "to do")
        for number, step in enumerate(plan.steps, 1)
    )
    out.print(table("", "step", "what", "state", rows=rows, right=("",), fold=("what",)))
    for needed in plan.needed:
        out.print(f"Needed first: {needed}", markup=False)
    out.print("Nothing was changed: this is the plan.", markup=False)


def _cloud(function: str, alias: str, bucket: str | None, prefix: str | None) -> Cloud:
    journal = Journal(named_registry(bucket, prefix), function) if bucket else None
    lambdas = client("lambda")
    switch, watch, images = Switch(lambdas, function, alias), Watch(client("cloudwatch")), Images(client("ecr"))
    return Cloud(Lambda(lambdas, function), switch, images, watch, journal)


def _shares(text: str) -> tuple[float, ...]:
    try:
        shares = tuple(float(part) / 100 for part in text.split(","))
    except ValueError:
        shares = ()
    if not shares or any(low >= high for low, high in zip((0.0, *shares), shares, strict=False)) or shares[-1] != 1:
        raise ConfigError(f"--stages is {text!r}, wanted rising percentages that end with 100, such as 5,25,50,100.")
    return shares
