"""Going back by hand: which version the alias is sent to. One call moves it; nothing is built, pushed or published."""

from __future__ import annotations

from dataclasses import dataclass

from infra.errors import ConfigError
from infra.release.alias import Alias, Route
from infra.release.function import Function


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
