"""Which version of a bundle is `live`, which is the `candidate`, and which are `retired`: one small object a tag.

Each is written on the condition that it still holds what was read, so of two who tag at once neither loses the
other's doing. `candidate` and `live` have one holder, `retired` any number. A version wears one tag: `live` if it holds
that, else the one it was given last. So a change is always the writing of one object, whole or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from infra.aws.s3 import Bucket, Held
from infra.errors import CloudError, ConfigError, RefusedError
from infra.signing.keys import json_text

CANDIDATE, LIVE, RETIRED = "candidate", "live", "retired"
TAGS = (CANDIDATE, LIVE, RETIRED)
_TRIES = 8  # each lost one means that somebody else's change went in


@dataclass(frozen=True)
class Holder:
    """A version that was given a tag."""

    version: str
    by: str  # an AWS identity's ARN
    at: str  # ISO 8601, UTC
    previous: str | None  # who held the tag before; None for `retired`, which takes it from nobody


class Tags:
    """The tags of one bundle's versions."""

    def __init__(self, bucket: Bucket, at: str) -> None:
        """`at`: what the tags' keys start with, ending in a slash. No request is sent yet."""
        self._bucket = bucket
        self._at = at

    def holders(self, tag: str) -> tuple[Holder, ...]:
        """All that were given the tag and still hold it, the latest last."""
        return self._parsed(tag, self._bucket.read(self._key(tag)))

    def worn(self) -> dict[str, str]:
        """Version to the tag that it wears."""
        latest: dict[str, tuple[str, str]] = {}
        for tag in (CANDIDATE, RETIRED):
            for holder in self.holders(tag):
                if holder.at >= latest.get(holder.version, ("", ""))[0]:
                    latest[holder.version] = (holder.at, tag)
        live = {holder.version: LIVE for holder in self.holders(LIVE)}
        return {version: tag for version, (_, tag) in latest.items()} | live

    def version(self, tag: str) -> str | None:
        """The version that wears the tag; of several the one it was given to last."""
        worn = self.worn()
        versions = [holder.version for holder in self.holders(tag) if worn.get(holder.version) == tag]
        return versions[-1] if versions else None

    def give(self, tag: str, version: str, by: str) -> Holder:
        """Give a version the tag. Where it wears it already, nothing is written.

        Raises:
            ConfigError: there is no such tag.
            CloudError: others changed it again and again in the meantime.
        """
        key = self._key(tag)
        for _ in range(_TRIES):
            held = self._bucket.read(key)
            before = self._parsed(tag, held)
            if before and before[-1].version == version and self.worn().get(version) == tag:
                return before[-1]
            holder = Holder(version, by, datetime.now(UTC).isoformat(), _previous(tag, before, version))
            kept = [other for other in before if other.version != version] if tag == RETIRED else []
            body = json_text({"tag": tag, "holders": [asdict(one) for one in (*kept, holder)]})
            if self._bucket.replace(key, body, held.etag) if held else self._bucket.put_new(key, body):
                return holder
            there = self._bucket.read(key)
            if there and there.body == body:  # it was written, and only the answer lost
                return holder
        raise CloudError(f"The tag s3://{self._bucket.name}/{key} is being changed by others. Run it again.")

    def _key(self, tag: str) -> str:
        if tag not in TAGS:
            raise ConfigError(f"{tag!r} is no tag. There are {', '.join(TAGS)}.")
        return f"{self._at}{tag}.json"

    def _parsed(self, tag: str, held: Held | None) -> tuple[Holder, ...]:
        if held is None:
            return ()
        try:
            raw = json.loads(held.body)
            if raw["tag"] != tag:
                raise ValueError
            return tuple(_holder(holder) for holder in raw["holders"])
        except (ValueError, KeyError, TypeError):
            raise RefusedError(
                f"s3://{self._bucket.name}/{self._key(tag)} is no tag of a bundle. Delete it and tag the version again."
            ) from None


def _previous(tag: str, before: tuple[Holder, ...], version: str) -> str | None:
    if tag == RETIRED or not before:
        return None
    return before[-1].previous if before[-1].version == version else before[-1].version


def _holder(raw: Mapping[str, object]) -> Holder:
    previous = raw["previous"]
    return Holder(str(raw["version"]), str(raw["by"]), str(raw["at"]), None if previous is None else str(previous))
