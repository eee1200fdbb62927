"""Carries a release's plan out.

It may be killed anywhere: up to the change set nothing has changed for callers, and after that CloudFormation and
CodeDeploy go on by themselves. The same command reports or goes on.
"""

from __future__ import annotations

from handler.bundle.contract import SIGNATURE
from infra.aws.ecr import Images
from infra.console import Lines
from infra.errors import ConfigError, LocalError, StoppedError
from infra.image.build import Builder
from infra.release.journal import Journal
from infra.release.plan import Plan, Step
from infra.release.prepare import Source
from infra.release.site import Seen, Site, deploying
from infra.release.stack import IMAGE, ROLLED_BACK_TO


class Release:
    """One release on its way."""

    def __init__(
        self, plan: Plan, site: Site | None, images: Images, journal: Journal, builder: Builder, source: Source
    ) -> None:
        """Nothing happens yet."""
        self._plan, self._site, self._images = plan, site, images
        self._journal, self._builder, self._source = journal, builder, source
        self._lines = Lines()
        self._uri, self._digest = plan.state.uri or "", plan.state.digest or ""

    def run(self) -> None:
        """Do what is left of the plan.

        Raises:
            StoppedError: a golden answer was wrong, or an alarm rang. Callers are on the version before.
            InfraError: a step could not be done. The same command again goes on from there.
        """
        try:
            for step in self._plan.steps:
                self._lines.step(step.action, step.what, step.done)
                if not step.done:
                    self._lines.done(self._do(step))
        finally:
            self._lines.stop()

    def _do(self, step: Step) -> str:
        """Do a step, and say what came of it."""
        match step.action:
            case "registry":
                self._journal.registry.bucket.create()
                return "created"
            case "push":
                signed = (self._source.folder / SIGNATURE).read_bytes()
                registry = self._journal.registry
                written = registry.push(registry.plan_push(self._source.folder, lambda *_: signed))
                return f"{written} files written" if written else "there already"
            case "repository":
                self._uri = self._images.create(self._plan.state.repository)
                return self._uri
            case "image":
                return self._build()
            case "stack":
                return self._change()
            case _:
                return self._record()

    def _build(self) -> str:
        repository, tag = self._plan.state.repository, self._plan.bundle.tag
        try:
            self._builder(self._source.context, f"{self._uri}:{tag}")
        except LocalError:
            # Another release of the same bundle may have pushed it first, and a tag is written only once.
            if self._images.digest(repository, tag) is None:
                raise
        found = self._images.digest(repository, tag)
        if found is None:
            raise LocalError(
                f"The build left no image {repository}:{tag}. "
                "Let --builder push the image under the URI that it is given."
            )
        self._digest = found
        return found

    def _change(self) -> str:
        image, state = f"{self._uri}@{self._digest}", self._plan.state
        if self._site is None or state.seen is None:
            raise ConfigError(
                f"There is no stack {state.stack}. Its image is pushed; the first release makes the stack:\n"
                f"  {deploying(state.stack, Image=image)}\nThen this command notes it in the registry."
            )
        if state.ended:
            raise self._stopped(self._site, state.seen)
        if not state.coming:
            change_set = self._site.stacks.propose(state.seen.stack, {IMAGE: image, ROLLED_BACK_TO: ""})
            if not change_set.publishes:
                self._site.stacks.drop(change_set)
                raise ConfigError(
                    f"Another image would change no version of {state.stack}: its template names one, as `sam build` "
                    f"left it there. Nothing was changed. Once: {deploying(state.stack, Image=image)}"
                )
            self._journal.candidate(self._plan.bundle)
            self._site.bundles[self._digest] = self._plan.bundle.reference
            self._site.stacks.execute(change_set)
        seen = self._site.follow(self._lines, None if state.coming else state.seen)
        if seen.function.live.digest != self._digest:
            raise self._stopped(self._site, seen)
        return str(seen)

    def _stopped(self, site: Site, seen: Seen) -> StoppedError:
        """Note that the bundle's release was undone, and why."""
        why = why_stopped(site, seen)
        self._journal.stopped(self._plan.bundle.reference, why)
        return StoppedError(f"{self._plan.bundle.reference} was stopped: {why}. Callers are on {seen.function.live}.")

    def _record(self) -> str:
        assert self._site is not None
        seen = self._site.see()
        last = seen.deployment
        before = seen.function.version(last.old).bundle if last and last.new == seen.function.live.number else ""
        self._journal.released(self._plan.bundle, before, seen.function.live.number)
        return f"{self._plan.bundle.reference} is live"


def why_stopped(site: Site, seen: Seen) -> str:
    """Why the last change of the stack was undone: by the deployment, its replay and alarms, or by the stack itself."""
    last = seen.deployment
    if last is None or last.at < seen.stack.updated or last.status == "Succeeded":
        return site.stacks.why(seen.stack.updated).rstrip(". ") or f"the stack is {seen.stack.status}"
    why = f"deployment {last.id} {last.status.lower()}, {last.code or 'no code'}"
    if last.phase == "BeforeAllowTraffic":
        told = site.replayed(last.at) or last.why.rstrip(". ")
        return f"{why}: golden inputs are answered otherwise than sealed ({told})"
    ringing = "; ".join(f"{name}: {words.rstrip('. ')}" for name, words in site.deployments.alarms().items() if words)
    return f"{why}: {ringing or last.why.rstrip('. ')}"
