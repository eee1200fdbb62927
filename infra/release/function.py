"""The Lambda function: its published versions, which bundle each carries, and publishing one more.

A version is immutable. Its description, written when it is published, names its bundle and its image's digest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.aws.clients import LambdaClient, passing, requesting
from infra.errors import CloudError
from infra.release.golden import Invoke

_DESCRIPTION = re.compile(r"(?P<bundle>[a-z0-9][a-z0-9._-]{0,63}/[0-9a-f]{12}) (?P<digest>sha256:[0-9a-f]{64})")
_TRIES = 3
_MEMORY_MB, _TIMEOUT_SECONDS = 512, 10
_SETTINGS = ("MemorySize", "Timeout", "Role", "Environment", "TracingConfig", "EphemeralStorage", "VpcConfig")
_ADVICE = {
    "ResourceConflictException": "another change of it is under way. Wait a minute and run the same command again",
    "ImageNotFoundException": "its image is gone from the repository. Run the release of that bundle again",
}


@dataclass(frozen=True)
class Version:
    """A published version, or `$LATEST`."""

    number: str
    digest: str  # sha256:... of its image
    bundle: str  # NAME/VERSION; empty where it was not published by a release
    settings: str  # memory, timeout, environment and so on, to compare


@dataclass(frozen=True)
class Function:
    """A function as it was read."""

    name: str
    repository: str  # name of the ECR repository that its image is from
    service: str  # what it calls itself in its own metrics
    latest: Version
    versions: tuple[Version, ...]  # the oldest first

    def version(self, number: str) -> Version | None:
        """The published version of this number."""
        return next((version for version in self.versions if version.number == number), None)

    def said(self, number: str) -> str:
        """A version in words."""
        version = self.version(number)
        return f"version {number} ({version.bundle})" if version and version.bundle else f"version {number}"

    def published(self, digest: str) -> str | None:
        """The number that publishing this image once more would give, because nothing changed since: the newest."""
        newest = self.versions[-1] if self.versions else None
        if newest and newest.digest == digest == self.latest.digest and newest.settings == self.latest.settings:
            return newest.number
        return None


class Lambda:
    """One function, which may not exist yet."""

    def __init__(self, client: LambdaClient, name: str) -> None:
        """No request is sent yet."""
        self._client = client
        self.name = name

    def read(self) -> Function | None:
        """The function and its published versions; None where there is none."""
        with requesting(f"read the function {self.name}"), passing("ResourceNotFoundException"):
            said = self._client.get_function(FunctionName=self.name)
            pages = self._client.get_paginator("list_versions_by_function").paginate(FunctionName=self.name)
            raws = [raw for page in pages for raw in page["Versions"] if raw["Version"] != "$LATEST"]
            code, configuration = said["Code"], said["Configuration"]
            return Function(
                self.name,
                re.split(r"[@:]", code.get("ImageUri", "").partition("/")[2])[0],
                configuration.get("Environment", {}).get("Variables", {}).get("POWERTOOLS_SERVICE_NAME", ""),
                _version(configuration, _latest_digest(code)),
                tuple(sorted((_version(raw) for raw in raws), key=lambda version: int(version.number))),
            )
        return None

    def create(self, image: str, role: str) -> None:
        """Make the function with the settings of the template's defaults, or take the one that another made meanwhile.

        `image`: URI with a digest; `role`: ARN of its execution role.
        """
        with requesting(f"create the function {self.name}", _ADVICE):
            with passing("ResourceConflictException"):
                self._client.create_function(
                    FunctionName=self.name,
                    Description="Answers predictions from the bundle baked into its image.",
                    PackageType="Image",
                    Code={"ImageUri": image},
                    Role=role,
                    Architectures=["x86_64"],
                    MemorySize=_MEMORY_MB,
                    Timeout=_TIMEOUT_SECONDS,
                    TracingConfig={"Mode": "Active"},
                    Environment={
                        "Variables": {
                            "POWERTOOLS_SERVICE_NAME": self.name,
                            "POWERTOOLS_METRICS_NAMESPACE": "Limbeck",
                            "POWERTOOLS_LOG_LEVEL": "INFO",
                        }
                    },
                )
            self._client.get_waiter("function_active_v2").wait(FunctionName=self.name)

    def publish(self, image: str, bundle: str) -> str:
        """Publish a version of this image and return its number, once it can be invoked.

        `image`: URI with a digest; `bundle`: NAME/VERSION. Where the newest version is that already, it is that one.

        Raises:
            CloudError: somebody else keeps changing the function.
        """
        digest = image.partition("@")[2]
        for _ in range(_TRIES):
            number = self._publish(image, digest, f"{bundle} {digest}")
            if number:
                with requesting(f"wait for version {number} of {self.name}"):
                    self._client.get_waiter("published_version_active").wait(FunctionName=self.name, Qualifier=number)
                return number
        raise CloudError(
            f"Cannot publish a version of {self.name}: somebody else changes the function at the same time. "
            "Nothing was shifted. Run the same command again when they are done."
        )

    def invoke(self, number: str) -> Invoke:
        """How to send an event to one version."""

        def send(event: Mapping[str, Any]) -> Any:  # noqa: ANN401 - whatever the function returns
            with requesting(f"invoke version {number} of {self.name}"):
                said = self._client.invoke(FunctionName=self.name, Qualifier=number, Payload=json.dumps(event))
                text = said["Payload"].read()
            if said.get("FunctionError"):
                return {"errorType": f"the function failed, {said['FunctionError']}"}
            try:
                return json.loads(text)
            except ValueError:
                return None

        return send

    def _publish(self, image: str, digest: str, description: str) -> str | None:
        """One try; None where somebody changed the function since it was read."""
        with requesting(f"publish a version of {self.name}", _ADVICE), passing("PreconditionFailedException"):
            said = self._client.get_function(FunctionName=self.name)
            if _latest_digest(said["Code"]) != digest:
                self._client.update_function_code(
                    FunctionName=self.name, ImageUri=image, **_only_if(said["Configuration"])
                )
                self._client.get_waiter("function_updated_v2").wait(FunctionName=self.name)
                said = self._client.get_function(FunctionName=self.name)
            if _latest_digest(said["Code"]) == digest:
                made = self._client.publish_version(
                    FunctionName=self.name,
                    CodeSha256=said["Configuration"]["CodeSha256"],
                    Description=description,
                    **_only_if(said["Configuration"]),
                )
                return made["Version"]
        return None


def _version(raw: Mapping[str, Any], digest: str = "") -> Version:
    found = _DESCRIPTION.fullmatch(raw.get("Description") or "")
    settings = json.dumps({name: raw.get(name) for name in _SETTINGS}, sort_keys=True)
    if not digest:
        digest = found["digest"] if found else f"sha256:{raw.get('CodeSha256', '')}"
    return Version(raw["Version"], digest, found["bundle"] if found else "", settings)


def _latest_digest(code: Mapping[str, Any]) -> str:
    return str(code.get("ResolvedImageUri") or code.get("ImageUri") or "").rpartition("@")[2]


def _only_if(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The guard against changing what somebody else has changed meanwhile."""
    revision = configuration.get("RevisionId")
    return {"RevisionId": revision} if revision else {}
