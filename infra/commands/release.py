"""The commands that move callers: `limbeck release|rollback|status`. What happened: `history`.

CloudFormation and CodeDeploy do it; these ask for it, show it and note it.

Exit status: 0 done; 1 no image could be built; 2 the arguments, settings or credentials are wrong, or something is
missing that a person has to give; 3 the new version was stopped and callers are on the one before; 4 a bundle was
refused; 5 AWS could not be reached or said no.
"""

from __future__ import annotations

import itertools
import json
import tempfile
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
from infra.console import Lines, err, out, table
from infra.errors import ConfigError, InfraError
from infra.image import build
from infra.registry.tags import LIVE
from infra.release.execute import Release
from infra.release.journal import Journal
from infra.release.plan import Bundle, Plan, State, plan_release
from infra.release.prepare import prepare
from infra.release.rollback import roll_back
from infra.release.site import Seen, Site, repository_of
from infra.release.stack import IMAGE, ROLLED_BACK_TO, Stacks

_INTERRUPTED = 130
_NO_DIGEST = "sha256:" + "0" * 64  # of an image that is not pushed yet, in a change set that is only shown
_SHOWN = 10  # deployments in the status

StackOption = Annotated[
    str, typer.Option("--stack", "-s", help="The CloudFormation stack.", envvar="LIMBECK_STACK", show_envvar=True)
]
RepositoryOption = Annotated[str, typer.Option("--repository", help="In ECR. By default that of the stack's image.")]


def release(
    bundle: Annotated[
        str,
        typer.Argument(
            metavar="[BUNDLE|NAME[/VERSION]|NAME@TAG]", help="A sealed bundle's folder, else in the registry."
        ),
    ] = "",
    stack: StackOption = "limbeck",
    bucket: BucketOption = None,
    prefix: PrefixOption = None,
    trust: TrustOption = None,
    pem: PemOption = None,
    kms: KmsOption = None,
    repository: RepositoryOption = "",
    another_model: Annotated[bool, typer.Option("--another-model", help="Replace a model of another name.")] = False,
    builder: Annotated[
        str, typer.Option("--builder", help="COMMAND CONTEXT URI builds and pushes the image; by default Docker.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan and the change set; change nothing.")
    ] = False,
) -> None:
    """Bring a bundle into production by canary. Broken off anywhere, the same command reports or goes on."""
    journal = _journal(stack, bucket, prefix)
    images = Images(client("ecr"))
    site, repository = _site(stack, images, repository)
    with tempfile.TemporaryDirectory(prefix="limbeck-release-") as folder:
        found = prepare(bundle, journal, Path(folder), trust, pem, kms)
        needed = () if journal else ("No registry named. Use --bucket or set LIMBECK_REGISTRY to s3://bucket/prefix.",)
        state = _state(stack, site, images, repository, journal, found.bundle)
        plan = plan_release(found.bundle, state, (*needed, *found.needed), another_model=another_model)
        if dry_run:
            _print(plan, site)
            return
        if plan.needed or found.source is None or journal is None:
            raise ConfigError("Nothing was changed. First: " + "\n".join(plan.needed))
        chosen = partial(build.by_command, builder) if builder else partial(build.by_docker, images)
        try:
            Release(plan, site, images, journal, chosen, found.source).run()
        except KeyboardInterrupt:
            err.print("Broken off here; what AWS has begun goes on. The same command shows it.", markup=False)
            raise typer.Exit(_INTERRUPTED) from None


def rollback(
    to: Annotated[
        str, typer.Option("--to", help="A version of the bundle or of the function. By default the one before.")
    ] = "",
    stack: StackOption = "limbeck",
    bucket: BucketOption = None,
    prefix: PrefixOption = None,
    repository: RepositoryOption = "",
) -> None:
    """Take callers back: out of a release that is under way, else to the version before; then the stack agrees."""
    lines = Lines()
    lines.step("rollback", "see where callers are", there=False)
    try:
        roll_back(_existing(stack, repository), _journal(stack, bucket, prefix), lines, to)
    finally:
        lines.stop()


def status(
    stack: StackOption = "limbeck",
    bucket: BucketOption = None,
    prefix: PrefixOption = None,
    repository: RepositoryOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show who answers callers: versions, deployments and alarms, whoever made them, and what the registry says."""
    site = _existing(stack, repository)
    seen, alarms = site.see(), site.deployments.alarms()
    name, _, version = seen.function.live.bundle.partition("/")
    journal = _journal(stack, bucket, prefix)
    worn: dict[str, str] = {}
    try:
        worn = journal.registry.tags(name).worn() if journal and name else {}
    except InfraError as error:
        err.print(f"The registry does not answer. {error}", markup=False)
    recorded = next((it for it, tag in worn.items() if tag == LIVE), None)
    shares = {seen.function.live.number: 1 - sum(seen.function.shares.values()), **seen.function.shares}
    last = list(itertools.islice(site.deployments.every(), _SHOWN))
    if as_json:
        typer.echo(
            json.dumps(
                _document(seen, alarms, shares, recorded) | {"deployments": [vars(it) for it in last]}, default=str
            )
        )
        return
    rows = (
        (
            it.number,
            it.bundle or "not pushed by a release",
            it.digest[:19],
            f"{shares[it.number]:.0%}" if it.number in shares else "",
            worn.get(it.bundle.partition("/")[2], "") if it.bundle.partition("/")[0] == name else "",
        )
        for it in reversed(seen.function.versions)
    )
    out.print(
        table("version", "bundle", "image", "traffic", "tag", rows=rows, right=("version", "traffic"), fold=("bundle",))
    )
    moves = (
        (it.id, f"{it.at:%Y-%m-%d %H:%M}", f"{it.old} to {it.new}", it.status, f"{it.code} {it.why}".strip())
        for it in last
    )
    out.print(table("deployment", "at", "versions", "status", "why", rows=moves, fold=("why",)))
    out.print(f"Now {seen}.", markup=False)
    if seen.half_back:
        out.print("A rollback broke off before the stack agreed. `limbeck rollback` finishes it.", markup=False)
    if version and journal and recorded != version:
        said = recorded or "none"
        out.print(f"The registry has {said} as live. `limbeck release {name}/{version}` notes it.", markup=False)
    for alarm, why in alarms.items():
        out.print(f"alarm {alarm}: " + (f"rings ({why})" if why else "quiet"), markup=False)


def _document(seen: Seen, alarms: dict[str, str], shares: dict[str, float], recorded: str | None) -> dict[str, Any]:
    """The status for scripts."""
    versions = [
        {"version": it.number, "bundle": it.bundle or None, "image": it.digest, "share": shares.get(it.number, 0.0)}
        for it in seen.function.versions
    ]
    return {
        "stack": seen.stack.name,
        "stack_status": seen.stack.status,
        "stack_image": seen.stack.image or None,
        "function": seen.function.name,
        "live": seen.function.live.number,
        "weights": dict(seen.function.shares),
        "versions": versions,
        "alarms": [{"name": name, "rings": bool(why)} for name, why in alarms.items()],
        "registry_live": recorded,
    }


def _state(
    stack: str, site: Site | None, images: Images, repository: str, journal: Journal | None, bundle: Bundle
) -> State:
    """Look at everything that bears on the release of `bundle`."""
    there = journal if journal and journal.registry.bucket.exists() else None
    uri = images.repository(repository)
    seen = site.see() if site else None
    begun = there.candidate_since(bundle.name, bundle.version) if there else None
    return State(
        stack,
        repository,
        uri,
        images.digest(repository, bundle.tag) if uri else None,
        there is not None,
        there is not None and there.holds(bundle.name, bundle.version),
        there is not None and there.registry.tags(bundle.name).version(LIVE) == bundle.version,
        seen,
        site.deployments.alarms() if site else None,
        bool(begun and seen and seen.settled and "ROLLBACK" in seen.stack.status and seen.stack.updated > begun),
    )


def _print(plan: Plan, site: Site | None) -> None:
    rows = (
        (str(number), step.action, step.what, "there" if step.done else "to do")
        for number, step in enumerate(plan.steps, 1)
    )
    out.print(table("", "step", "what", "state", rows=rows, right=("",), fold=("what",)))
    state = plan.state
    if site and state.seen and state.uri and state.seen.settled and not state.seen.stack.stuck and not state.live:
        image = f"{state.uri}@{state.digest or _NO_DIGEST}"
        change_set = site.stacks.propose(state.seen.stack, {IMAGE: image, ROLLED_BACK_TO: ""})
        out.print(table("change set", "resource", "type", rows=change_set.changes))
        if change_set.changes:
            site.stacks.drop(change_set)
    for needed in plan.needed:
        out.print(f"Needed first: {needed}", markup=False)
    out.print("Nothing was changed: this is the plan.", markup=False)


def _site(name: str, images: Images, repository: str) -> tuple[Site | None, str]:
    """The stack's parts, where it exists, and the repository of the images."""
    stack = Stacks(client("cloudformation"), name).read()
    repository = repository_of(repository, stack)
    return (Site(stack, images, repository) if stack else None), repository


def _existing(name: str, repository: str) -> Site:
    site, _ = _site(name, Images(client("ecr")), repository)
    if site is None:
        raise ConfigError(f"There is no stack {name}. Name one with --stack; `limbeck release` says how to make one.")
    return site


def _journal(stack: str, bucket: str | None, prefix: str | None) -> Journal | None:
    return Journal(named_registry(bucket, prefix), stack) if bucket else None
