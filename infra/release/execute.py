"""Carries a release's plan out, step by step, watching; and sends everybody back where the new version errs.

It may be killed anywhere. Callers reach the function through its alias, which one call moves from one published version
to another, and no version gets any traffic before it has answered its golden inputs as they were sealed.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

from handler.bundle.contract import SIGNATURE
from infra.console import Lines
from infra.errors import CloudError, ConfigError, InfraError, LocalError, MovedError, StoppedError
from infra.image.build import Builder
from infra.release import golden
from infra.release.alias import Alias, Route
from infra.release.plan import Cloud, Plan, Step
from infra.release.prepare import Source

_POLL_SECONDS = 5.0
_WRONGS_SHOWN = 3


class Release:
    """One release on its way."""

    def __init__(self, plan: Plan, cloud: Cloud, builder: Builder, source: Source) -> None:
        """Nothing happens yet."""
        self._plan, self._cloud, self._builder, self._source = plan, cloud, builder, source
        self._lines = Lines()
        if cloud.journal is None:
            raise ConfigError("A release needs a registry. Use --bucket or set LIMBECK_REGISTRY.")
        self._journal = cloud.journal
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
                self._demand_golden()
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
            self._watch()
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

    def _watch(self) -> None:
        """Until the bake time is over, or something is wrong."""
        deadline = time.monotonic() + self._plan.options.bake_seconds
        since = datetime.now(UTC)
        self._demand_quiet(since)
        while (left := deadline - time.monotonic()) > 0:
            self._lines.watching(left)
            time.sleep(min(left, _POLL_SECONDS))
            self._demand_quiet(since)
        self._demand_golden()

    def _demand_quiet(self, since: datetime) -> None:
        ringing = [alarm for alarm in self._cloud.watch.named(self._plan.alarms) if alarm.rings]
        if ringing:
            self._stop("; ".join(f"the alarm {alarm.name} rang ({alarm.reason.rstrip('. ')})" for alarm in ringing))

        options = self._plan.options
        failures = self._cloud.watch.failures(options.function, options.alias, self._number, since)
        if failures:
            self._stop(f"version {self._number} failed {failures} calls")

    def _demand_golden(self) -> None:
        wrong = golden.replay(self._source.golden, self._source.manifest, self._cloud.function.invoke(self._number))
        if wrong:
            more = f", and {len(wrong) - _WRONGS_SHOWN} more" if len(wrong) > _WRONGS_SHOWN else ""
            self._stop(f"golden answers were wrong: {'; '.join(wrong[:_WRONGS_SHOWN])}{more}")

    def _stop(self, why: str) -> None:
        """Send everybody back, write that down, and say so."""
        bundle, old = self._plan.bundle, self._plan.old
        where = f"Nobody is sent to it: there is no alias {self._plan.options.alias}."
        if old is not None:
            try:
                self._cloud.switch.go_back(old, self._number)
            except MovedError as error:
                raise StoppedError(f"{bundle.reference} was stopped: {why}. {error}") from None
            except InfraError as error:
                raise CloudError(
                    f"{bundle.reference} misbehaves ({why}), and its traffic could not be sent back. {error} "
                    "Run `python -m infra rollback` at once."
                ) from None
            where = f"Everybody is on version {old.version}" + (f" ({old.bundle})." if old.bundle else ".")
        try:
            self._journal.stopped(bundle, why)
        except InfraError as error:
            where += f" But it could not be noted in the registry. {error}"
        raise StoppedError(f"{bundle.reference} was stopped: {why}. {where}")

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
