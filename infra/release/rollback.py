"""Takes callers back: out of a release that is under way, else to the version before, and makes the stack agree.

Callers come first, in seconds, by a deployment that nothing can veto. Then the stack gets that version's image, so that
no later `sam deploy` brings the other one back: CloudFormation publishes it once more and moves the alias by itself,
without CodeDeploy, which would compare the alias with what the stack believes. Last, the stack gets its guards back.
Killed anywhere, the same command goes on; done twice, the second finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from infra.console import Lines, err
from infra.errors import CloudError, ConfigError, InfraError
from infra.release.deployments import Deployment
from infra.release.function import ALIAS, Version
from infra.release.journal import Journal
from infra.release.site import Seen, Site, deploying
from infra.release.stack import IMAGE, ROLLED_BACK_TO, pauses


def roll_back(site: Site, journal: Journal | None, lines: Lines, to: str = "") -> None:
    """Do what is left of it. `to`: a version of the bundle or of the function that callers had before.

    Raises:
        ConfigError: there is nothing to go back to.
        CloudError: AWS did not do its part. Run it again.
    """
    seen = site.see()
    last = seen.deployment
    if seen.under_way and not seen.under_way.goes_back:
        _stop(site, seen, seen.under_way, journal, lines)
        return
    unmoved = last is None or last.at < seen.stack.updated
    if seen.stack.cancellable and unmoved and not seen.stack.image.endswith(seen.function.live.digest):
        _cancel(site, lines)
        return
    if seen.under_way is None and (target := decide(seen, site.deployments.every(), to)):
        _move(site, seen, target, lines)
    else:
        lines.progress(f"{ALIAS} is back on {seen.function.live} already. --to names an earlier one.")
    seen = site.see()
    if seen.moved and seen.went_back:
        left, now = seen.function.version(seen.moved.old).bundle, seen.function.live.bundle
        number = seen.moved.new
        _note(journal, lambda known: known.rolled_back(left, now, number), left, now)
    _agree(site, lines)


def decide(seen: Seen, every: Iterable[Deployment], to: str = "") -> Version | None:
    """The version to go back to; None where callers are there.

    Raises:
        ConfigError: there is none, or callers never had it.
    """
    function, live = seen.function, seen.function.live
    if not to and seen.went_back:
        return None
    succeeded = [it for it in every if it.status == "Succeeded"]
    if to:
        # The newest of those that carry it, and of a deployment both sides had callers.
        had = {number for it in succeeded for number in (it.old, it.new)} | {live.number}
        names = [it for it in reversed(function.versions) if to in (it.number, it.bundle, it.bundle.partition("/")[2])]
        if not names:
            there = ", ".join(map(str, function.versions))
            raise ConfigError(f"{function.name} has no published version {to}. There are {there}.")
        if any(it.digest == live.digest for it in names):
            return None
        target = next((it for it in names if it.number in had), None)
        if target is None:
            raise ConfigError(f"{names[0]} never had callers. `limbeck release` gives it to them by a canary.")
        return target
    last = succeeded[0] if succeeded else None
    if last is None or last.goes_back or function.version(last.new).digest != live.digest:
        raise ConfigError(
            f"No deployment tells which version had the callers before {live}. Name one with --to, or release one."
        )
    target = function.version(last.old)
    if not target.digest:
        raise ConfigError(f"Version {last.old}, from before {live}, is deleted. Release its bundle again.")
    return target


def _stop(site: Site, seen: Seen, deployment: Deployment, journal: Journal | None, lines: Lines) -> None:
    """A release that is under way: CodeDeploy gives all callers back, and CloudFormation sets the stack back."""
    bundle = seen.function.version(deployment.new).bundle
    lines.progress(f"stop deployment {deployment.id}")
    site.deployments.stop(deployment)
    after = site.follow(lines)
    lines.progress(f"{ALIAS} is on {after.function.live}, and so is the stack")
    if after.function.live.number == deployment.new:
        raise CloudError(f"Deployment {deployment.id} was over before it could be stopped. Run the same command again.")
    _note(journal, lambda known: known.stopped(bundle, f"deployment {deployment.id} was stopped by a rollback"), bundle)


def _cancel(site: Site, lines: Lines) -> None:
    """A change of the stack that has not come to the alias yet."""
    lines.progress("cancel the stack's update, before it comes to any caller")
    site.stacks.cancel()
    lines.progress(str(site.follow(lines)))


def _move(site: Site, seen: Seen, target: Version, lines: Lines) -> None:
    """Give all callers the target at once."""
    left = seen.function.live
    name = site.deployments.go_back(seen.function.name, ALIAS, left.number, target.number)
    for _ in pauses():
        deployment = site.deployments.read(name)
        if deployment and not deployment.under_way:
            break
    assert deployment is not None
    if deployment.status != "Succeeded":
        raise CloudError(
            f"Deployment {name} to {target} {deployment.status.lower()}: {deployment.why}. Run the same command again."
        )
    lines.progress(f"{ALIAS} is back on {target}, away from {left}")


def _agree(site: Site, lines: Lines) -> None:
    """Have the stack run the image that callers are on, and be guarded again."""
    seen = site.follow(lines)
    image = site.function.image(seen.function.live.number)
    if seen.stack.stuck:
        raise CloudError(
            f"Callers are back, but the stack {seen.stack.name} is {seen.stack.status}. Run `aws cloudformation "
            f"continue-update-rollback --stack-name {seen.stack.name}`, then the same command again."
        )
    half_done = seen.stack.status == "UPDATE_FAILED"  # by an earlier run: the version may be published already
    if seen.stack.image != image or half_done:
        change_set = site.stacks.propose(seen.stack, {IMAGE: image, ROLLED_BACK_TO: image})
        if not change_set.publishes and not half_done:
            site.stacks.drop(change_set)
            command = deploying(seen.stack.name, Image=image, RolledBackTo=image)
            raise ConfigError(
                f"Callers are back. But the stack {seen.stack.name} names its image in its template, as `sam build` "
                f"left it there, and would bring the other one back. Run: {command}"
            )
        site.stacks.execute(change_set, keep_what_is_done=True)
        seen = _demand(site, site.follow(lines, seen), image)
    if seen.stack.parameters[ROLLED_BACK_TO]:
        change_set = site.stacks.propose(seen.stack, {ROLLED_BACK_TO: ""})
        if change_set.changes:
            site.stacks.execute(change_set)
            seen = _demand(site, site.follow(lines, seen), image)
    lines.progress(f"the stack {seen.stack.name} has that image, too")


def _demand(site: Site, seen: Seen, image: str) -> Seen:
    if not seen.stack.status.endswith("COMPLETE") or seen.stack.image != image:
        raise CloudError(
            f"Callers are on {seen.function.live}, but the stack is {seen.stack.status} "
            f"({site.stacks.why(seen.stack.updated)}). Run the same command again."
        )
    return seen


def _note(journal: Journal | None, note: Callable[[Journal], None], *bundles: str) -> None:
    """Write into the registry what callers know already."""
    if journal is None or not all(bundles):
        err.print("Not noted in a registry: none is named, or a version has no bundle's name.", markup=False)
        return
    try:
        note(journal)
    except InfraError as error:
        err.print(f"Callers are back. Only the registry does not know: {error}", markup=False)
