"""What a release will do, decided from what was read: frozen steps, which `execute` carries out and `--dry-run` prints.

Planning changes nothing. Every step can be done again: a release that broke off anywhere is finished by the same
command, whose plan leaves out what is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from infra.release.site import Seen, deploying
from infra.release.stack import IMAGE

_MADE_ONCE = ("registry", "repository")
Action = Literal["registry", "push", "repository", "image", "stack", "record"]


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

    stack: str  # its name
    repository: str  # of the images
    uri: str | None = None  # of that repository, where it exists
    digest: str | None = None  # of the bundle's image there
    bucket: bool = False  # the registry's
    pushed: bool = False  # the bundle is in the registry, whole and signed
    recorded: bool = False  # the registry has the version as live
    seen: Seen | None = None  # the stack, where it exists
    alarms: Mapping[str, str] | None = None  # that stop a deployment: why each rings, or empty
    ended: bool = False  # an earlier run's change of the stack was undone, and nobody noted it yet

    @property
    def live(self) -> bool:
        """Whether all callers have the bundle."""
        return bool(self.seen and self.seen.settled and self.digest == self.seen.function.live.digest)

    @property
    def coming(self) -> bool:
        """Whether CloudFormation is at work on it just now."""
        return bool(self.seen and not self.seen.settled and self.digest and self.seen.stack.image.endswith(self.digest))


@dataclass(frozen=True)
class Step:
    """One step, in words, and whether there is nothing left of it to do."""

    action: Action
    what: str
    done: bool = False


@dataclass(frozen=True)
class Plan:
    """The steps in order, and what has to be given first before they can be done."""

    bundle: Bundle
    state: State
    steps: tuple[Step, ...]
    needed: tuple[str, ...]


def plan_release(bundle: Bundle, state: State, needed: tuple[str, ...] = (), *, another_model: bool = False) -> Plan:
    """Decide. `needed`: what is known already to be missing; `another_model`: replace a model of another name."""
    digest = f" ({state.digest[:19]})" if state.digest else ""
    steps = (
        Step("registry", f"create the bucket of {bundle.where}", state.bucket),
        Step("push", f"{bundle.reference}, signed, to {bundle.where}", state.pushed),
        Step("repository", f"create {state.repository} in ECR: tags immutable, images scanned", state.uri is not None),
        Step("image", f"{state.repository}:{bundle.tag}{digest}", state.digest is not None),
        Step("stack", _change(bundle, state), state.live),
        Step("record", f"tags and history of {bundle.name} in the registry", state.live and state.recorded),
    )
    missing = () if state.live or state.coming or state.ended else tuple(_needed(bundle, state, another_model))
    return Plan(
        bundle,
        state,
        tuple(step for step in steps if not step.done or step.action not in _MADE_ONCE),
        (*needed, *missing),
    )


def _change(bundle: Bundle, state: State) -> str:
    if state.seen is None:
        return f"there is none: {deploying(state.stack, Image='...')}"
    if state.live or state.coming:
        return str(state.seen)
    if state.ended:
        return "say why the change that was begun was undone"
    return (
        f"{IMAGE} of {state.stack}: CloudFormation publishes a version, which replays {bundle.golden} golden inputs; "
        f"then CodeDeploy shifts callers from {state.seen.function.live}, watched by "
        f"{', '.join(state.alarms or {}) or 'no alarm'}"
    )


def _needed(bundle: Bundle, state: State, another_model: bool) -> Iterator[str]:
    """What a person has to do or say first."""
    if state.seen is None:
        return
    seen = state.seen
    model = seen.function.live.bundle.partition("/")[0]
    ringing = [name for name, why in (state.alarms or {}).items() if why]
    if model not in ("", bundle.name) and not another_model:
        yield (
            f"Callers of {state.stack} are answered by the model {model}, and this is {bundle.name}. Name its own "
            "stack with --stack, or say --another-model."
        )
    if seen.half_back:
        yield "A rollback broke off before the stack agreed with it. `limbeck rollback` finishes it."
    elif not seen.settled:
        yield (f"Something else is under way: {seen}. Wait until it is done, or end it with `limbeck rollback`.")
    elif seen.stack.stuck:
        yield (
            f"The stack {state.stack} is {seen.stack.status}, and CloudFormation changes nothing then. "
            f"`aws cloudformation continue-update-rollback --stack-name {state.stack}` first."
        )
    elif ringing:
        yield (
            f"{', '.join(ringing)} rings already, and CodeDeploy begins nothing then. "
            "Roll back, or wait until it is quiet."
        )
