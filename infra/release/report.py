"""Who answers callers, for people and for scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from infra.release.alarms import Alarm
from infra.release.alias import Alias
from infra.release.function import Function


def rows(function: Function, alias: Alias | None) -> Iterator[tuple[str, ...]]:
    """Every published version, the newest first: number, bundle, image, its share of the traffic, whether live once."""
    for version in reversed(function.versions):
        share = _share(alias, version.number)
        before = "live before" if alias and version.number in alias.route.trail else ""
        bundle = version.bundle or "not from a release"
        yield version.number, bundle, version.digest[:19], f"{share:.0%}" if share else "", before


def remarks(function: Function, alias: Alias | None, alarms: Sequence[Alarm], recorded: str | None) -> Iterator[str]:
    """What else there is to know, a line each."""
    if alias is None:
        yield f"{function.name} has no such alias: nobody is sent to any version by it."
    elif alias.route.weights:
        yield "A canary is under way, or broke off. The same release goes on; `python -m infra rollback` ends it."
    live = function.version(alias.route.version) if alias else None
    if live and recorded and live.bundle.partition("/")[2] != recorded:
        yield f"The registry has {recorded} as live: a release or rollback broke off. Run the same command again."
    for alarm in alarms:
        yield f"alarm {alarm.name}: " + (f"rings ({alarm.reason})" if alarm.rings else "quiet")
    if not alarms:
        yield f"No alarm watches {function.name}."


def document(function: Function, alias: Alias | None, alarms: Sequence[Alarm], recorded: str | None) -> dict[str, Any]:
    """The same for scripts."""
    versions = [
        {
            "version": it.number,
            "bundle": it.bundle or None,
            "image": it.digest,
            "share": _share(alias, it.number),
        }
        for it in function.versions
    ]
    return {
        "function": function.name,
        "alias": alias.name if alias else None,
        "live": alias.route.version if alias else None,
        "weights": dict(alias.route.weights) if alias else {},
        "live_before": list(alias.route.trail) if alias else [],
        "versions": versions,
        "alarms": [{"name": alarm.name, "rings": alarm.rings} for alarm in alarms],
        "registry_live": recorded,
    }


def _share(alias: Alias | None, number: str) -> float:
    if alias is None:
        return 0.0
    if number == alias.route.version:
        return 1 - sum(alias.route.weights.values())
    return alias.route.weights.get(number, 0.0)
