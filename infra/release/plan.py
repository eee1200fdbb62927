"""What a release will do, decided from what was read: frozen steps, which `execute` carries out and `--dry-run` prints.

Planning changes nothing. Every step can be done again: a release that broke off anywhere is finished by the same
command, whose plan leaves out what is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from infra.monitoring.alarms import Alarm
from infra.release.alias import Alias, Route, said_of
from infra.release.function import Function

REPOSITORY = "limbeck"  # where the function does not say, and nobody else
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
    """All that happens before anybody's traffic is touched."""
    if not state.bucket:
        yield Step("registry", f"create the bucket of {bundle.where}")
    yield Step("push", f"{bundle.reference}, signed, to {bundle.where}", state.pushed)
    if state.repository is None:
        yield Step("repository", f"create {repository} in ECR: tags immutable, images scanned")
    digest = f" ({state.digest[:19]})" if state.digest else ""
    yield Step("image", f"{repository}:{bundle.tag}{digest}", state.digest is not None)
    if state.function is None:
        yield Step("function", f"create {options.function}")
    said = (
        f"version {number} of {options.function}" if number else f"publish a version of {options.function}, by digest"
    )
    yield Step("version", said, number is not None)
    yield Step(
        "golden",
        f"replay {bundle.golden} golden inputs on that version, before any traffic",
        state.alias is not None and state.alias.route.version == number,
    )


def _traffic(options: Options, state: State, old: Route | None, number: str | None) -> Iterator[Step]:
    if state.alias is None:
        yield Step("open", f"create the alias {options.alias} on it: no version before, nothing to shift from")
        return
    if old is None:
        yield Step("shift", f"{options.alias} is {said_of(state.alias.route)}", True)
        return
    there = state.alias.route.weights.get(number or "", 0.0)
    names = ", ".join(alarm.name for alarm in state.alarms) or "no alarm"
    for share in options.stages:
        if share < there:
            continue
        wait = f"then watch {names} for {options.bake_seconds:g} s" if share < 1 else f"all of {options.alias}"
        yield Step("shift", wait, share=share)


def _needed(options: Options, bundle: Bundle, state: State, old: Route | None, number: str | None) -> Iterator[str]:
    """What a person has to do or say first."""
    model = old.bundle.partition("/")[0] if old else ""
    if model and model != bundle.name and not options.another_model:
        yield (
            f"Callers of {options.alias} are answered by the model {model}, and this is {bundle.name}. Name its own "
            "function with --function, or say --another-model."
        )
    yield from _needed_of_the_function(options, state, number)
    if old is not None:
        yield from _needed_of_alarms(options, state)


def _needed_of_the_function(options: Options, state: State, number: str | None) -> Iterator[str]:
    if state.function is None and not options.role:
        yield (
            f"There is no function {options.function}: `sam deploy` makes it with everything around it, "
            "or name an execution role with --role and it is made alone. --function names another."
        )
    if state.alias and state.function:
        for other in sorted(set(state.alias.route.weights) - {number}):
            yield (
                f"The alias {options.alias} gives a share to {state.function.said(other)}: another release is at work, "
                "or broke off. Run that one again to finish it, or `python -m infra rollback` to end it."
            )


def _needed_of_alarms(options: Options, state: State) -> Iterator[str]:
    if not state.alarms and not options.unwatched:
        yield (
            f"No alarm watches {options.function}, and a canary that nobody watches is none. Name alarms with --alarm, "
            "or say --without-alarms."
        )
    ringing = [alarm.name for alarm in state.alarms if alarm.rings]
    if ringing and not (state.alias and state.alias.route.weights):
        yield (
            f"{', '.join(ringing)} rings already, so it could not tell whether the new version misbehaves. Roll back "
            "or wait until it is quiet, or name the alarms that count with --alarm."
        )
