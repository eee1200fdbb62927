"""Who answers callers, for people and for scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.monitoring.alarms import Alarm
from infra.registry.tags import LIVE
from infra.release.alias import Alias
from infra.release.function import Function

HEADINGS = ("version", "bundle", "image", "traffic", "live before", "tag")


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


def rows(seen: Seen) -> Iterator[tuple[str, ...]]:
    """Every published version, the newest first, under `HEADINGS`."""
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


def remarks(seen: Seen) -> Iterator[str]:
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


def document(seen: Seen) -> dict[str, Any]:
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
