"""Carries a release's plan out, step by step. A version that errs is stopped by `infra.release.canary`.

It may be killed anywhere. Callers reach the function through its alias, which one call moves from one published version
to another, and no version gets any traffic before it has answered its golden inputs as they were sealed.
"""

from __future__ import annotations

from dataclasses import replace

from handler.bundle.contract import SIGNATURE
from infra.console import Lines
from infra.errors import CloudError, ConfigError, InfraError, LocalError, MovedError, StoppedError
from infra.image.build import Builder
from infra.release.alias import Alias, Route
from infra.release.canary import Canary
from infra.release.plan import Cloud, Plan, Step
from infra.release.prepare import Source


class Release:
    """One release on its way."""

    def __init__(self, plan: Plan, cloud: Cloud, builder: Builder, source: Source) -> None:
        """Nothing happens yet."""
        self._plan, self._cloud, self._builder, self._source = plan, cloud, builder, source
        self._lines = Lines()
        if cloud.journal is None:
            raise ConfigError("A release needs a registry. Use --bucket or set LIMBECK_REGISTRY.")
        self._journal = cloud.journal
        self._canary = Canary(plan, cloud, source, self._journal, self._lines)
        self._digest = ""
        self._number = plan.number or ""
        self._alias: Alias | None = plan.alias

    def run(self) -> None:
        """Do what is left of the plan.

        Raises:
            StoppedError: a golden answer was wrong or an alarm rang. Everybody is back on the version before.
            MovedError: somebody else moved the alias; it was left as it is.
            InfraError: a step could not be done. The same command again goes on from there.
        """
        try:
            for step in self._plan.steps:
                self._lines.step(step.title, step.what, step.done)
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
                return self._cloud.images.create(self._plan.repository)
            case "image":
                return self._build()
            case "function":
                self._cloud.function.create(self._image(), self._plan.options.role)
                return "created"
            case "version":
                self._number = self._cloud.function.publish(self._image(), self._plan.bundle.reference)
                return f"version {self._number}"
            case "golden":
                self._canary.demand_golden(self._number)
                return "every answer as it was sealed"
            case "open":
                self._journal.candidate(self._plan.bundle)
                self._alias = self._cloud.switch.create(Route(self._number, bundle=self._plan.bundle.reference))
                return f"{self._alias.name} is version {self._number}"
            case "shift":
                return self._shift(step.share)
            case _:
                return self._record()

    def _build(self) -> str:
        uri, tag = self._repository(), self._plan.bundle.tag
        try:
            self._builder(self._source.context, f"{uri}:{tag}")
        except LocalError:
            # Another release of the same bundle may have pushed it first, and a tag is written only once.
            if self._cloud.images.digest(self._plan.repository, tag) is None:
                raise
        return self._find_digest()

    def _shift(self, share: float) -> str:
        old = self._plan.old
        assert old is not None and self._alias is not None
        if share == 1:
            trail = (old.version, *(number for number in old.trail if number != old.version))
            whole = Route(self._number, {}, trail, self._plan.bundle.reference)
            self._alias = self._cloud.switch.move(self._alias, whole)
            return f"{self._alias.name} is version {self._number}"
        self._journal.candidate(self._plan.bundle)
        self._alias = self._cloud.switch.move(self._alias, replace(old, weights={self._number: share}))
        try:
            self._canary.watch(self._number)
        except (StoppedError, MovedError):
            raise
        except InfraError as error:  # what cannot be watched is not left to callers
            self._cloud.switch.go_back(old, self._number)
            raise CloudError(
                f"{error} The canary could not be watched, so everybody is back on version {old.version}."
            ) from None
        return "no alarm rang, golden inputs answered as sealed"

    def _record(self) -> str:
        trail = self._alias.route.trail if self._alias else ()
        function = self._cloud.function.read() if trail else None
        before = function.version(trail[0]) if function else None
        self._journal.released(self._plan.bundle, before.bundle if before else "", self._number)
        return f"{self._plan.bundle.reference} is live"

    def _repository(self) -> str:
        """URI of the repository."""
        return self._cloud.images.repository(self._plan.repository) or self._cloud.images.create(self._plan.repository)

    def _find_digest(self) -> str:
        found = self._cloud.images.digest(self._plan.repository, self._plan.bundle.tag)
        if found is None:
            raise LocalError(
                f"The build left no image {self._plan.repository}:{self._plan.bundle.tag}. "
                "Let --builder push the image under the URI that it is given."
            )
        self._digest = found
        return found

    def _image(self) -> str:
        """URI of the image, with its digest."""
        return f"{self._repository()}@{self._digest or self._find_digest()}"
