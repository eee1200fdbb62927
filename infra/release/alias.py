"""The alias that callers reach the function by: which version has the traffic, which a share, and what came before.

One UpdateAlias call moves it, wholly or not at all, and only from the revision that was read: a move that somebody
else made in between is seen, never overwritten. The alias's description holds the trail, the versions that had all the
traffic before, so going back needs nothing but the alias itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.aws.clients import LambdaClient, passing, requesting
from infra.errors import MovedError

_TRAIL = re.compile(r"Live before: ([0-9 ]+)\.")
_TRAIL_LENGTH = 12  # a description holds 256 characters
_TRIES = 5


@dataclass(frozen=True)
class Route:
    """Where an alias sends its callers."""

    version: str  # the Lambda version with all the traffic but the weights
    weights: Mapping[str, float] = field(default_factory=dict)  # other version -> its share, 0..1
    trail: tuple[str, ...] = ()  # the versions that were live before, the last first
    bundle: str = ""  # NAME/VERSION of `version`, for whoever reads the description

    @property
    def description(self) -> str:
        """What the alias says of itself. `trail_of` reads it back."""
        kept = " ".join(self.trail[:_TRAIL_LENGTH])
        return f"{self.bundle}. Live before: {kept}." if kept else f"{self.bundle}."

    def same_traffic(self, other: Route) -> bool:
        """Whether every caller is sent alike."""
        return self.version == other.version and dict(self.weights) == dict(other.weights)


@dataclass(frozen=True)
class Alias:
    """An alias as it was read."""

    name: str
    route: Route
    revision: str  # changes with every update


def trail_of(description: str) -> tuple[str, ...]:
    """The versions that an alias's description names as live before, the last first."""
    found = _TRAIL.search(description)
    return tuple(found.group(1).split()) if found else ()


class Switch:
    """One alias of one function."""

    def __init__(self, client: LambdaClient, function: str, name: str) -> None:
        """No request is sent yet."""
        self._client = client
        self.function = function
        self.name = name

    def read(self) -> Alias | None:
        """The alias as it is now; None where there is none."""
        with requesting(f"read the alias {self.name} of {self.function}"), passing("ResourceNotFoundException"):
            said = self._client.get_alias(FunctionName=self.function, Name=self.name)
            weights = (said.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
            description = said.get("Description") or ""
            route = Route(
                said["FunctionVersion"],
                {version: share for version, share in weights.items() if share},
                trail_of(description),
                description.partition(". ")[0].rstrip("."),
            )
            return Alias(self.name, route, said.get("RevisionId", ""))
        return None

    def create(self, route: Route) -> Alias:
        """Make the alias. Where another was faster, it has to send callers the same way.

        Raises:
            MovedError: it does not.
        """
        with requesting(f"create the alias {self.name} of {self.function}"), passing("ResourceConflictException"):
            self._client.create_alias(
                FunctionName=self.function,
                Name=self.name,
                FunctionVersion=route.version,
                Description=route.description,
            )
        now = self.read()
        if now is None or not now.route.same_traffic(route):
            raise MovedError(self._moved(now))
        return now

    def move(self, before: Alias, route: Route) -> Alias:
        """Send callers by `route`, unless somebody sent them elsewhere since `before` was read.

        Raises:
            MovedError: somebody did.
        """
        for _ in range(_TRIES):
            with requesting(f"move the alias {self.name} of {self.function}"), passing("PreconditionFailedException"):
                said = self._client.update_alias(
                    FunctionName=self.function,
                    Name=self.name,
                    FunctionVersion=route.version,
                    RoutingConfig={"AdditionalVersionWeights": dict(route.weights)},
                    Description=route.description,
                    RevisionId=before.revision,
                )
                return Alias(self.name, route, said.get("RevisionId", ""))
            now = self.read()
            if now is not None and now.route.same_traffic(route):
                return now  # the first try had arrived, and only its answer was lost
            if now is None or not now.route.same_traffic(before.route):
                raise MovedError(self._moved(now))
            before = now  # another revision, the same traffic
        raise MovedError(self._moved(self.read()))

    def go_back(self, old: Route, new: str) -> None:
        """Send all callers to `old`, away from version `new`, also against another who is shifting to it just now.

        Raises:
            MovedError: the alias is not between these two any more.
        """
        for attempt in range(1, _TRIES + 1):
            now = self.read()
            if now is None or not {now.route.version, *now.route.weights} <= {old.version, new}:
                raise MovedError(self._moved(now))
            if now.route.same_traffic(old):
                return
            try:
                self.move(now, old)
            except MovedError:
                if attempt == _TRIES:
                    raise

    def _moved(self, now: Alias | None) -> str:
        where = f"is {said_of(now.route)}" if now else "is gone"
        return (
            f"Somebody else moved the alias {self.name} of {self.function}: it {where} now, and was left so. "
            "`python -m infra status` shows it; then run the same command again, or `python -m infra rollback`."
        )


def said_of(route: Route) -> str:
    """A route in words, such as `version 3 (95 %) and version 4 (5 %)`."""
    if not route.weights:
        return f"version {route.version}"
    parts = [(route.version, 1 - sum(route.weights.values())), *route.weights.items()]
    return " and ".join(f"version {version} ({share:.0%})" for version, share in parts)
