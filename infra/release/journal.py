"""What the registry knows of releases: the bundle itself, its tags, and what happened to it.

The alias alone decides who answers callers. What is written here follows it, so after a release that broke off, or a
`sam deploy`, it may be one step behind: `status` sets the two side by side, and `release` of what is live catches up.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from infra.aws.clients import caller
from infra.registry import history, tags
from infra.registry.registry import Registry

if TYPE_CHECKING:
    from infra.release.plan import Bundle

_OUTCOMES = {history.RELEASED, history.STOPPED, history.ROLLED_BACK}


class Journal:
    """The registry, as a release into one stack writes to it."""

    def __init__(self, registry: Registry, stack: str) -> None:
        """No request is sent yet."""
        self.registry = registry
        self._stack = stack

    @cached_property
    def _by(self) -> str:
        """Who does it."""
        return caller()

    def holds(self, name: str, version: str) -> bool:
        """Whether the registry has the version, whole."""
        return any(entry.version == version for entry in self.registry.entries(name))

    def candidate(self, bundle: Bundle) -> None:
        """The version is about to get traffic."""
        self.registry.tags(bundle.name).give(tags.CANDIDATE, bundle.version, self._by)

    def candidate_since(self, name: str, version: str) -> datetime | None:
        """Since when a release of the version has had no outcome; None where none was begun."""
        found = self.registry.tags(name)
        since = [it.at for it in found.holders(tags.CANDIDATE) if it.version == version]
        return datetime.fromisoformat(since[-1]) if since and found.version(tags.CANDIDATE) == version else None

    def released(self, bundle: Bundle, before: str, number: str) -> None:
        """All traffic goes to the version; `before` (NAME/VERSION, or nothing) had it until now."""
        details = {"stack": self._stack, "function_version": number, "before": before}
        self._note(history.RELEASED, bundle.name, bundle.version, details)
        self._move_live(bundle.reference, before)

    def stopped(self, bundle: str, why: str) -> None:
        """The version (NAME/VERSION) misbehaved and gets no traffic."""
        name, _, version = bundle.partition("/")
        self._note(history.STOPPED, name, version, {"stack": self._stack, "why": why})
        self.registry.tags(name).give(tags.RETIRED, version, self._by)

    def rolled_back(self, left: str, to: str, number: str) -> None:
        """All traffic goes from `left` to `to` (NAME/VERSION each), the function's version `number`, by hand."""
        name, _, version = left.partition("/")
        self._note(history.ROLLED_BACK, name, version, {"stack": self._stack, "function_version": number, "to": to})
        self._move_live(to, left)

    def _move_live(self, to: str, left: str) -> None:
        name, _, version = to.partition("/")
        self.registry.tags(name).give(tags.LIVE, version, self._by)
        if left and left != to:
            name, _, version = left.partition("/")
            self.registry.tags(name).give(tags.RETIRED, version, self._by)

    def _note(self, kind: str, name: str, version: str, details: Mapping[str, str]) -> None:
        """Append to the history what is not its latest word on the version already."""
        events = self.registry.history(name)
        outcomes = [event for event in events.events(version=version) if event.kind in _OUTCOMES]
        if not outcomes or (outcomes[-1].kind, dict(outcomes[-1].details)) != (kind, dict(details)):
            events.append(kind, version, self._by, details)
