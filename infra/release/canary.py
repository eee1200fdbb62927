"""Watches a canary for its bake time, and stops it where the new version errs: everybody is sent back.

Under `sam deploy` CodeDeploy does this: `DeploymentPreference` in template.yaml.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from infra.console import Lines
from infra.errors import CloudError, InfraError, MovedError, StoppedError
from infra.release import golden
from infra.release.journal import Journal
from infra.release.plan import Cloud, Plan
from infra.release.prepare import Source

_POLL_SECONDS = 5.0
_WRONGS_SHOWN = 3


class Canary:
    """A new version with a share of the callers, or none yet."""

    def __init__(self, plan: Plan, cloud: Cloud, source: Source, journal: Journal, lines: Lines) -> None:
        """Nothing is read yet."""
        self._plan, self._cloud, self._source, self._journal, self._lines = plan, cloud, source, journal, lines

    def watch(self, number: str) -> None:
        """Until the bake time is over.

        Raises:
            StoppedError: an alarm rang, a call failed or a golden answer was wrong. Everybody is sent back.
        """
        deadline = time.monotonic() + self._plan.options.bake_seconds
        since = datetime.now(UTC)
        self._demand_quiet(number, since)
        while (left := deadline - time.monotonic()) > 0:
            self._lines.watching(left)
            time.sleep(min(left, _POLL_SECONDS))
            self._demand_quiet(number, since)
        self.demand_golden(number)

    def _demand_quiet(self, number: str, since: datetime) -> None:
        ringing = [alarm for alarm in self._cloud.watch.named(self._plan.alarms) if alarm.rings]
        if ringing:
            self._stop(
                number, "; ".join(f"the alarm {alarm.name} rang ({alarm.reason.rstrip('. ')})" for alarm in ringing)
            )

        options = self._plan.options
        failures = self._cloud.watch.failures(options.function, options.alias, number, since)
        if failures:
            self._stop(number, f"version {number} failed {failures} calls")

    def demand_golden(self, number: str) -> None:
        """Have the version answer its golden inputs.

        Raises:
            StoppedError: one was answered otherwise than it was sealed.
        """
        wrong = golden.replay(self._source.golden, self._source.manifest, self._cloud.function.invoke(number))
        if wrong:
            more = f", and {len(wrong) - _WRONGS_SHOWN} more" if len(wrong) > _WRONGS_SHOWN else ""
            self._stop(number, f"golden answers were wrong: {'; '.join(wrong[:_WRONGS_SHOWN])}{more}")

    def _stop(self, number: str, why: str) -> None:
        """Send everybody back, write that down, and say so."""
        bundle, old = self._plan.bundle, self._plan.old
        where = f"Nobody is sent to it: there is no alias {self._plan.options.alias}."
        if old is not None:
            try:
                self._cloud.switch.go_back(old, number)
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
