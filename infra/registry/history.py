"""What happened to a bundle's versions: one small object an event under `<name>/history/`, written once.

A key says it all but the details: `<UTC time>-<kind>-<version>-<random>.json`. So events sort by time, nobody can
overwrite another's, and a listing tells what a version went through.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from infra.aws.s3 import Bucket
from infra.errors import RefusedError

PUSHED, SIGNED, TAGGED, RELEASED, ROLLED_BACK, STOPPED = (
    "pushed",
    "signed",
    "tagged",
    "released",
    "rolled-back",
    "stopped",
)
_KEY = re.compile(r"(\d{8}T\d{6}\.\d{6}Z)-([a-z-]+)-([0-9a-f]{12})-[0-9a-f]{8}\.json")
_TIME = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True)
class Event:
    """Something that happened to a version."""

    at: datetime  # UTC, by the clock of who did it
    kind: str
    version: str
    by: str  # an AWS identity's ARN
    details: Mapping[str, str]


class History:
    """The events of one bundle's versions."""

    def __init__(self, bucket: Bucket, at: str) -> None:
        """`at`: what the events' keys start with, ending in a slash. No request is sent yet."""
        self._bucket = bucket
        self._at = at

    def append(self, kind: str, version: str, by: str, details: Mapping[str, str]) -> Event:
        """Write an event of this moment. `kind` is lower-case letters and hyphens."""
        event = Event(datetime.now(UTC), kind, version, by, details)
        key = f"{self._at}{event.at.strftime(_TIME)}-{kind}-{version}-{secrets.token_hex(4)}.json"
        if not _KEY.fullmatch(key.removeprefix(self._at)):
            raise ValueError(f"{kind!r} or {version!r} is no kind or version of an event")
        raw = {"at": event.at.isoformat(), "kind": kind, "version": version, "by": by, "details": dict(details)}
        self._bucket.put_new(key, (json.dumps(raw, indent=1, sort_keys=True) + "\n").encode())
        return event

    def has(self, kind: str, version: str) -> bool:
        """Whether there is an event of this kind for the version."""
        return any((found[2], found[3]) == (kind, version) for found in self._found())

    def events(self, last: int | None = None, version: str | None = None) -> list[Event]:
        """The events, the oldest first: all, or the `last` so many; of all versions, or one.

        Raises:
            RefusedError: an event is not as it was written.
        """
        found = [match for match in self._found() if version in (None, match[3])]
        return [self._read(match) for match in (found if last is None else found[max(len(found) - last, 0) :])]

    def _found(self) -> list[re.Match[str]]:
        keys = (item["Key"].removeprefix(self._at) for item in self._bucket.stored(self._at))
        return [match for key in keys if (match := _KEY.fullmatch(key))]

    def _read(self, match: re.Match[str]) -> Event:
        key = self._at + match[0]
        held = self._bucket.read(key)
        try:
            raw = json.loads(held.body if held else b"")
            details = {str(name): str(value) for name, value in raw["details"].items()}
            at = datetime.strptime(match[1], _TIME).replace(tzinfo=UTC)
            return Event(at, match[2], match[3], str(raw["by"]), details)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise RefusedError(
                f"s3://{self._bucket.name}/{key} is no event of a bundle's history, or is gone. Delete it, and look "
                "in the bucket's own access log who changed it."
            ) from None
