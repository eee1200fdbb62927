"""The Lambda function as callers reach it: its alias, its published versions, and the bundle that each carries.

Nothing here changes anything: CloudFormation publishes versions, and CodeDeploy moves the alias.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.aws.clients import LambdaClient, passing, requesting
from infra.errors import ConfigError

ALIAS = "live"


@dataclass(frozen=True)
class Version:
    """A published version."""

    number: str
    digest: str  # sha256:... of its image
    bundle: str  # NAME/VERSION; empty where its image is not one that `release` pushed

    def __str__(self) -> str:
        """In words."""
        return f"version {self.number}" + (f" ({self.bundle})" if self.bundle else "")


@dataclass(frozen=True)
class Function:
    """A function as it was read."""

    name: str
    versions: tuple[Version, ...]  # the oldest first
    live: Version  # the one that the alias sends callers to, but for the shares
    shares: Mapping[str, float] = field(default_factory=dict)  # other version -> its share of the callers, 0..1

    def version(self, number: str) -> Version:
        """The version of a number; one that is gone has no digest."""
        return next((it for it in self.versions if it.number == number), Version(number, "", ""))


class Lambda:
    """One function and its alias."""

    def __init__(self, client: LambdaClient, name: str) -> None:
        """No request is sent yet."""
        self._client = client
        self.name = name

    def read(self, bundles: Mapping[str, str]) -> Function:
        """The function. `bundles`: an image's digest -> NAME/VERSION.

        Raises:
            ConfigError: there is no such function or alias.
        """
        with requesting(f"read the alias {ALIAS} of {self.name}"):
            pages = self._client.get_paginator("list_versions_by_function").paginate(FunctionName=self.name)
            digests = {
                raw["Version"]: f"sha256:{raw['CodeSha256']}"  # of an image, its digest
                for page in pages
                for raw in page["Versions"]
                if raw["Version"] != "$LATEST"
            }
            alias = self._client.get_alias(FunctionName=self.name, Name=ALIAS)
        versions = [Version(number, digests[number], bundles.get(digests[number], "")) for number in digests]
        number = alias["FunctionVersion"]
        live = next((it for it in versions if it.number == number), Version(number, "", ""))
        weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        return Function(
            self.name,
            tuple(sorted(versions, key=lambda version: int(version.number))),
            live,
            {other: share for other, share in weights.items() if share},
        )

    def image(self, number: str) -> str:
        """The image of a version, by its digest: REGISTRY/NAME@sha256:...

        Raises:
            ConfigError: there is no such version any more.
        """
        with requesting(f"read version {number} of {self.name}"), passing("ResourceNotFoundException"):
            code = self._client.get_function(FunctionName=self.name, Qualifier=number)["Code"]
            return code["ImageUri"] if "@" in code["ImageUri"] else code["ResolvedImageUri"]
        raise ConfigError(f"{self.name} has no version {number} any more. `limbeck status` shows those it has.")
