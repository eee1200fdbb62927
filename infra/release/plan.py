"""What a release or a rollback will do, decided from what was read.

A release is frozen steps, which `execute` carries out and `--dry-run` prints.
Planning changes nothing. Every step can be done again: a release that broke off anywhere is finished by the same
command, whose plan leaves out what is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from infra.aws.ecr import Images
from infra.errors import ConfigError
from infra.registry.tags import LIVE
from infra.release.alias import Alias, Route, Switch, said_of
from infra.release.function import Function, Lambda
from infra.release.journal import Journal
from infra.release.watch import Alarm, Watch

REPOSITORY = "limbeck"  # where the function does not say, and nobody else
_MADE_ONCE = ("registry", "repository", "function")
Action = Literal["registry", "push", "repository", "image", "function", "version", "golden", "open", "shift", "record"]


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    function: str
    alias: str = "live"
    repository: str = ""  # of the images; by default the one that the function's image is from
    role: str = ""  # ARN of the execution role, to make the function with
    stages: tuple[float, ...] = (0.05, 0.25, 0.5, 1.0)  # shares of the traffic, rising to all of it
    bake_seconds: float = 300  # how long each share but the last is watched
    alarms: tuple[str, ...] = ()  # by default all that watch the function
    unwatched: bool = False  # a canary although no alarm watches
    another_model: bool = False  # although callers are answered by a model of another name


@dataclass(frozen=True)
class Bundle:
    """The bundle that is to be released, checked."""

    name: str
    version: str
    tag: str  # of the image that is made of it
    golden: int  # inputs
    where: str  # its address in the registry

    @property
    def reference(self) -> str:
        """NAME/VERSION."""
        return f"{self.name}/{self.version}"


@dataclass(frozen=True)
class State:
    """What is there already."""

    bucket: bool = False  # the registry's
    pushed: bool = False  # the bundle is in the registry, whole and signed
    repository: str | None = None  # its URI
    digest: str | None = None  # of the bundle's image there
    function: Function | None = None
    alias: Alias | None = None
    alarms: tuple[Alarm, ...] = ()  # that watch the function
    recorded: bool = False  # the registry has the version as live


@dataclass(frozen=True)
class Cloud:
    """What a release reads and moves. Tests put others in their places."""

    function: Lambda
    switch: Switch
    images: Images
    watch: Watch
    journal: Journal | None  # None where no registry is named


def read_state(cloud: Cloud, options: Options, bundle: Bundle) -> State:
    """Look at everything that bears on the release of `bundle`."""
    function = cloud.function.read()
    repository = repository_of(options, function)
    uri = cloud.images.repository(repository)
    journal = cloud.journal if cloud.journal and cloud.journal.registry.bucket.exists() else None
    return State(
        journal is not None,
        journal is not None and journal.holds(bundle.name, bundle.version),
        uri,
        cloud.images.digest(repository, bundle.tag) if uri else None,
        function,
        cloud.switch.read() if function else None,
        alarms_of(cloud.watch, options.alarms, function),
        journal is not None and journal.registry.tags(bundle.name).version(LIVE) == bundle.version,
    )


def alarms_of(watch: Watch, names: tuple[str, ...], function: Function | None) -> tuple[Alarm, ...]:
    """The alarms that were named, or all that watch the function."""
    if names:
        return watch.named(names)
    return watch.found(function.name, function.service) if function else ()


@dataclass(frozen=True)
class Step:
    """One step, in words, and whether there is nothing left of it to do."""

    action: Action
    what: str
    done: bool = False
    share: float = 1.0  # of the traffic, which a shift gives to the version, and watches

    @property
    def title(self) -> str:
        """Its name for people."""
        return f"shift {self.share * 100:g} %" if self.action == "shift" else self.action


@dataclass(frozen=True)
class Plan:
    """The steps in order, and what has to be given first before they can be done."""

    options: Options
    bundle: Bundle
    repository: str
    old: Route | None  # where callers are sent now, without the shares of a canary
    alias: Alias | None  # as it was read
    number: str | None  # the version that this release published before it broke off
    alarms: tuple[str, ...]
    steps: tuple[Step, ...]
    needed: tuple[str, ...]


def plan_release(options: Options, bundle: Bundle, state: State, needed: tuple[str, ...] = ()) -> Plan:
    """Decide. `needed`: what is known already to be missing."""
    repository = repository_of(options, state.function)
    number = _number(state)
    live = state.alias is not None and state.alias.route.version == number and not state.alias.route.weights
    old = replace(state.alias.route, weights={}) if state.alias and not live else None
    return Plan(
        options,
        bundle,
        repository,
        old,
        state.alias,
        number,
        tuple(alarm.name for alarm in state.alarms),
        (
            *_before(options, bundle, state, repository, number),
            *_traffic(options, state, old, number),
            Step("record", f"tags and history of {bundle.name} in the registry", live and state.recorded),
        ),
        needed if live else (*needed, *_needed(options, bundle, state, old, number)),
    )


def repository_of(options: Options, function: Function | None) -> str:
    """Name of the repository for the images."""
    return options.repository or (function.repository if function else "") or REPOSITORY


def _number(state: State) -> str | None:
    """The version that runs the image: the one that the alias sends to, or the newest if nothing changed since."""
    if state.digest is None or state.function is None:
        return None
    if state.alias:
        for number in (state.alias.route.version, *state.alias.route.weights):
            version = state.function.version(number)
            if version and version.digest == state.digest:
                return number
    return state.function.published(state.digest)


def _before(options: Options, bundle: Bundle, state: State, repository: str, number: str | None) -> Iterator[Step]:
    """All that happens before anybody's traffic is touched. What is made once is named only where it is missing."""
    digest = f" ({state.digest[:19]})" if state.digest else ""
    said = f"version {number}" if number else "publish a version"
    by = "" if number else ", by digest"
    live = state.alias is not None and state.alias.route.version == number
    steps = (
        Step("registry", f"create the bucket of {bundle.where}", state.bucket),
        Step("push", f"{bundle.reference}, signed, to {bundle.where}", state.pushed),
        Step("repository", f"create {repository} in ECR: tags immutable, images scanned", state.repository is not None),
        Step("image", f"{repository}:{bundle.tag}{digest}", state.digest is not None),
        Step("function", f"create {options.function}", state.function is not None),
        Step("version", f"{said} of {options.function}{by}", number is not None),
        Step("golden", f"replay {bundle.golden} golden inputs on that version, before any traffic", live),
    )
    return (step for step in steps if not step.done or step.action not in _MADE_ONCE)


def _traffic(options: Options, state: State, old: Route | None, number: str | None) -> tuple[Step, ...]:
    if state.alias is None:
        return (Step("open", f"create the alias {options.alias} on it: no version before, nothing to shift from"),)
    if old is None:
        return (Step("shift", f"{options.alias} is {said_of(state.alias.route)}", True),)
    there = state.alias.route.weights.get(number or "", 0.0)
    watch = f"then watch {', '.join(alarm.name for alarm in state.alarms) or 'no alarm'} for {options.bake_seconds:g} s"
    return tuple(
        Step("shift", watch if share < 1 else f"all of {options.alias}", share=share)
        for share in options.stages
        if share >= there
    )


def _needed(options: Options, bundle: Bundle, state: State, old: Route | None, number: str | None) -> Iterator[str]:
    """What a person has to do or say first."""
    model = old.bundle.partition("/")[0] if old else ""
    weights = set(state.alias.route.weights) if state.alias else set()
    others = [state.function.said(other) for other in sorted(weights - {number})] if state.function else []
    ringing = [alarm.name for alarm in state.alarms if alarm.rings]
    rows = (
        (
            model not in ("", bundle.name) and not options.another_model,
            f"Callers of {options.alias} are answered by the model {model}, and this is {bundle.name}. Name its own "
            "function with --function, or say --another-model.",
        ),
        (
            state.function is None and not options.role,
            f"There is no function {options.function}: `sam deploy` makes it with everything around it, "
            "or name an execution role with --role and it is made alone. --function names another.",
        ),
        *(
            (
                True,
                f"The alias {options.alias} gives a share to {other}: another release is at work, or broke off. "
                "Run that one again to finish it, or `python -m infra rollback` to end it.",
            )
            for other in others
        ),
        (
            old is not None and not state.alarms and not options.unwatched,
            f"No alarm watches {options.function}, and a canary that nobody watches is none. Name alarms with --alarm, "
            "or say --without-alarms.",
        ),
        (
            old is not None and ringing and not weights,
            f"{', '.join(ringing)} rings already, so it could not tell whether the new version misbehaves. Roll back "
            "or wait until it is quiet, or name the alarms that count with --alarm.",
        ),
    )
    return (words for missing, words in rows if missing)


@dataclass(frozen=True)
class Back:
    """Where to, and what is left behind."""

    route: Route
    left: str  # the function's version that loses its traffic


def decide_rollback(function: Function, alias: Alias, to: str = "", *, force: bool = False) -> Back | None:
    """Where a rollback sends everybody; None where they all are there already.

    Without `to`: a canary is ended; without a canary, the version before. `to` is a version of the function or of the
    bundle, which this alias had all its traffic on before. `force`: any published version.

    Raises:
        ConfigError: there is no such version, or none before.
    """
    now = alias.route
    target = _target(function, now, to) if to else now.version if now.weights else next(iter(now.trail), "")
    if not target:
        raise ConfigError(
            f"The alias {alias.name} remembers no version before {function.said(now.version)}. Name one with --to and "
            f"--force, or release one. Published: {_published(function)}."
        )
    if target == now.version:
        left = next(iter(now.weights), "")
        return Back(Route(now.version, {}, now.trail, now.bundle), left) if left else None
    if target not in now.trail and not force:
        raise ConfigError(
            f"{function.said(target)} never had all traffic of {alias.name}, as far as the alias remembers. "
            "`python -m infra release` brings it there, its golden inputs first; --force does without."
        )
    trail = now.trail[now.trail.index(target) + 1 :] if target in now.trail else now.trail
    version = function.version(target)
    return Back(Route(target, {}, trail, version.bundle if version else ""), now.version)


def _target(function: Function, now: Route, to: str) -> str:
    if function.version(to):
        return to
    fits = [it.number for it in function.versions if it.bundle and to in (it.bundle, it.bundle.partition("/")[2])]
    if not fits:
        raise ConfigError(f"{function.name} has no published version {to}. There are {_published(function)}.")
    known = [number for number in (now.version, *now.trail) if number in fits]
    return known[0] if known else fits[-1]


def _published(function: Function) -> str:
    return ", ".join(function.said(version.number) for version in function.versions) or "none"
